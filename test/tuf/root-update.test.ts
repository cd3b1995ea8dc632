/**
 * What a root is refused for: each row of the tables of broken roots is answered with exactly the
 * codes it says, and no code is without a row. What is accepted is in root-verdict.test.ts.
 */
import { expect, test } from "vitest";
import { FINDING_RULES, type FindingCode } from "../../lib/tuf/findings.ts";
import type { Finding } from "../../lib/tuf/findings.ts";
import { judge, testFactory, type TestFactory } from "../support/tuf/test-factory.ts";
import { DOCUMENT } from "./broken-roots/document.ts";
import { POLICY } from "./broken-roots/policy.ts";
import { ROLES_AND_KEYS } from "./broken-roots/roles-and-keys.ts";
import { CI, PROD, signedRow, TUF, type BrokenRoot } from "./broken-roots/row.ts";
import { SIGNATURES } from "./broken-roots/signatures.ts";

const FACTORIES = [TUF, CI, PROD].map(([dialect, channel]) => testFactory(dialect, channel));
const TABLE = [...DOCUMENT, ...ROLES_AND_KEYS, ...SIGNATURES, ...POLICY];
const CASES = TABLE.flatMap((row) =>
  FACTORIES.filter(({ dialect, channel }) =>
    (row.targets ?? [TUF, CI]).some((target) => target[0] === dialect && target[1] === channel),
  ).map((factory) => [`${factory.dialect} ${factory.channel}: ${row.name}`, row, factory] as const),
);

/** What a row is refused with. */
function findings(row: BrokenRoot, factory: TestFactory): readonly Finding[] {
  const signed = signedRow(row, factory);
  const submitted = row.tamper?.(signed, factory) ?? signed;
  const verdict = judge(factory, submitted, row.update?.(factory, signed));
  if (verdict.kind !== "refused") throw new Error(`expected a refusal, got ${verdict.kind}`);
  return verdict.errors;
}

test.each(CASES)("refuses %s", (_name, row, factory) => {
  const found = findings(row, factory);
  const codes = new Set(found.map(({ code }) => code));
  expect([...codes].sort()).toEqual([...row.errors].sort());
  expect(found.map(({ message }) => message).join("\n")).toContain(row.says ?? "");
});

/** Codes that no refusal by verifySubmittedRoot holds, and why. */
const ELSEWHERE: Partial<Record<FindingCode, string>> = {
  "version-high": "warns only: root-verdict.test.ts",
  advice: "warns only: root-verdict.test.ts",
};

test("each code has a row, or a reason why it cannot", () => {
  const inTable = new Set(TABLE.flatMap(({ errors }) => errors));
  const all = Object.keys(FINDING_RULES).filter((code) => !(code in ELSEWHERE));
  expect([...inTable].sort()).toEqual(all.sort());
});

test("a message is one line of plain text, not too long, and repeats no private key", () => {
  for (const [, row, factory] of CASES) {
    for (const { message } of findings(row, factory)) {
      expect(message).toMatch(/^[a-z_][\u0020-\u007e]{10,400}$/);
      expect(message).not.toContain("MC4CAQA");
    }
  }
});

test("a bad signature is reported once, though it is counted for two roots", () => {
  const row = SIGNATURES.find(({ errors }) => errors[0] === "signature-invalid");
  for (const factory of FACTORIES.slice(0, 2)) {
    expect(row && findings(row, factory)).toHaveLength(1);
  }
});
