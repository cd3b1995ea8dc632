/** docs/differences.md has every listed difference, under who is stricter, and no other. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { LOOSER, STRICTER } from "./differential/differences.ts";

const text = readFileSync(new URL("../../docs/differences.md", import.meta.url), "utf8");
const [, they = "", we = ""] = text.split(/^## /m);

/** The first two columns of each row that names a difference. */
function rows(section: string): readonly string[] {
  return section.split("\n").flatMap((line) => {
    const row = /^\| `([a-z0-9-]+)` \| ([^|]+) \|/.exec(line);
    return row ? [`${row[1]}: ${row[2]}`] : [];
  });
}

test.each([
  ["They refuse what we accept", they, LOOSER],
  ["We refuse what they accept", we, STRICTER],
] as const)("%s", (title, section, listed) => {
  expect(section.split("\n")[0]).toBe(title);
  const inCode = listed.map(({ id, clients }) => `${id}: ${clients.join(", ")}`);
  expect([...rows(section)].sort()).toEqual(inCode.sort());
});
