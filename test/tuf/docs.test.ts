/** docs/root-rules.md names every code that a root can be refused with, beside its rule's number. */
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";
import { FINDING_RULES } from "../../lib/tuf/findings.ts";

const text = readFileSync(new URL("../../docs/root-rules.md", import.meta.url), "utf8");

test.each(Object.entries(FINDING_RULES))("%s (rule %i)", (code, rule) => {
  const row = text.split("\n").find((line) => line.includes(`\`${code}\``)) ?? "";
  expect(row).toContain(`\`${code}\``);
  if (!row.startsWith("| ")) return;
  const [, number = "", ...cells] = row.split("|").slice(0, -1);
  expect(number).toMatch(new RegExp(`\\b${rule}\\b`));
  // Code, rule, why, and what to do: none is left empty.
  expect(cells.map((cell) => cell.trim()).filter((cell) => cell !== "")).toHaveLength(4);
});
