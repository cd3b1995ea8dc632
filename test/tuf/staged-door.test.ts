/**
 * The other door: each row of the tables of broken roots, staged instead of sent whole, has the same
 * findings. Only the changelog is not asked for here, since the service writes it itself.
 */
import { expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { judgeRoot } from "../../lib/tuf/submitted-root.ts";
import { rootUpdate, testFactory } from "../support/tuf/test-factory.ts";
import { DOCUMENT } from "./broken-roots/document.ts";
import { POLICY } from "./broken-roots/policy.ts";
import { ROLES_AND_KEYS } from "./broken-roots/roles-and-keys.ts";
import { CI, PROD, signedRow, TUF } from "./broken-roots/row.ts";
import { SIGNATURES } from "./broken-roots/signatures.ts";

const TABLE = [...DOCUMENT, ...ROLES_AND_KEYS, ...SIGNATURES, ...POLICY];
const CASES = [TUF, CI, PROD].flatMap(([dialect, channel]) =>
  TABLE.filter(({ targets = [TUF, CI] }) =>
    targets.some((target) => target[0] === dialect && target[1] === channel),
  ).map(
    (row) => [`${dialect} ${channel}: ${row.name}`, row, testFactory(dialect, channel)] as const,
  ),
);

test.each(CASES)("finds what is wrong: %s", (_name, row, factory) => {
  const signed = signedRow(row, factory);
  const submitted = row.tamper?.(signed, factory) ?? signed;
  const facts = { ...row.update?.(factory, signed), user: null };
  const { errors } = judgeRoot(rootUpdate(factory, submitted, facts), verifySignature);
  const codes = new Set(errors.map(({ code }) => code));
  expect([...codes].sort()).toEqual(row.errors.filter((code) => code !== "changelog").sort());
});
