/** The documents name every code that a root or a target can be refused with, and the limits. */
import { readdirSync, readFileSync } from "node:fs";
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

/** The numbers after "rule" or "rules", both ends of a range included. */
function rulesIn(words: string): readonly number[] {
  const cited = words.matchAll(/\brules? (\d+(?:(?:,| and| to|,? and) \d+)*)/gi);
  return [...cited].flatMap(([, list = ""]) => list.match(/\d+/g)?.map(Number) ?? []);
}

test("every rule that code cites is in root-rules.md", () => {
  const lib = new URL("../../lib/", import.meta.url);
  const files = readdirSync(lib, { recursive: true, encoding: "utf8" });
  const sources = files.filter((file) => file.endsWith(".ts"));
  const cited = sources.flatMap((file) => rulesIn(readFileSync(new URL(file, lib), "utf8")));
  const rows = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number));
  const known = new Set([...rows, ...rulesIn(text)]);
  expect(cited.length).toBeGreaterThan(30);
  expect(cited.filter((number) => !known.has(number))).toEqual([]);
});

test("the index of the documentation names every document", () => {
  const index = read("README.md");
  const names = readdirSync(new URL("../../docs/", import.meta.url), { encoding: "utf8" });
  const documents = names.filter((name) => /\.(?:md|yaml)$/.test(name) && name !== "README.md");
  expect(documents.filter((name) => !index.includes(`](${name}`))).toEqual([]);
});
