/** The documents name every code that a root or a target can be refused with, and the limits. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDING_RULES } from "../../lib/tuf/findings.ts";
import {
  MAX_TARGETS_BYTES,
  MAX_TARGETS_VALUES,
  TARGET_FINDING_CODES,
} from "../../lib/tuf/target-entries.ts";

function read(name: string): string {
  return readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
}

const text = read("root-rules.md");
const targets = read("targets.md");

test.each(Object.entries(FINDING_RULES))("%s (rule %i)", (code, rule) => {
  const row = text.split("\n").find((line) => line.includes(`\`${code}\``)) ?? "";
  expect(row).toContain(`\`${code}\``);
  if (!row.startsWith("| ")) return;
  const [, number = "", ...cells] = row.split("|").slice(0, -1);
  expect(number).toMatch(new RegExp(`\\b${rule}\\b`));
  // Code, rule, why, and what to do: none is left empty.
  expect(cells.map((cell) => cell.trim()).filter((cell) => cell !== "")).toHaveLength(4);
});

test("targets.md has a row for each code, and no other", () => {
  const rows = [...targets.matchAll(/^\| `([a-z-]+)` \| [^|]+ \| [^|]+ \|$/gm)];
  expect(rows.map(([, code]) => code)).toEqual(TARGET_FINDING_CODES);
});

test.each([MAX_TARGETS_BYTES, MAX_TARGETS_VALUES])("targets.md names the limit %d", (limit) => {
  expect(targets).toContain(` ${limit.toLocaleString("en")} `);
});
