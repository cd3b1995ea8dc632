/**
 * What a copy yields: each row of the table in docs/threat-model.md is an attack on a real service, and
 * the page says of each what came out of it, in the same words.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { DOOR_ROWS } from "./copies/rows-of-doors.ts";
import { LINK_ROWS } from "./copies/rows-of-links.ts";
import { CERTIFICATE_ROWS, WITHOUT_LINK_ROWS } from "./copies/rows-of-others.ts";

const ROWS = [...LINK_ROWS, ...CERTIFICATE_ROWS, ...WITHOUT_LINK_ROWS, ...DOOR_ROWS];

test.each(ROWS)("$copy: $yields", async ({ attack, yields }) => {
  expect(await attack()).toBe(yields);
});

test("the page has these rows and no other", () => {
  const page = readFileSync(new URL("../../docs/threat-model.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("\n## What a copy yields\n");
  const [, , ...told] = (section.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("|"));
  const tested = ROWS.map(
    ({ copy, yields, why }) => `| ${copy} | ${yields ? "**yes**" : "no"} | ${why} |`,
  );
  expect(told).toEqual(tested);
});
