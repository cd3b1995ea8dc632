/** Every row of the tables of broken roots that is about the `tuf` dialect, as a case. */
import { DOCUMENT } from "../../tuf/broken-roots/document.ts";
import { POLICY } from "../../tuf/broken-roots/policy.ts";
import { ROLES_AND_KEYS } from "../../tuf/broken-roots/roles-and-keys.ts";
import { CI, signedRow, TUF, type BrokenRoot } from "../../tuf/broken-roots/row.ts";
import { SIGNATURES } from "../../tuf/broken-roots/signatures.ts";
import { bytesOf, FACTORY, TRUSTED, type RootCase } from "./root-case.ts";

export const TUF_ROWS: readonly BrokenRoot[] = [
  ...DOCUMENT,
  ...ROLES_AND_KEYS,
  ...SIGNATURES,
  ...POLICY,
].filter(({ targets = [TUF, CI] }) => targets.some(([dialect]) => dialect === "tuf"));

export function rowCases(): readonly RootCase[] {
  return TUF_ROWS.map((row) => {
    const body = signedRow(row, FACTORY);
    const update = row.update?.(FACTORY, body);
    return {
      name: `row: ${row.name}`,
      trusted: TRUSTED,
      candidate: bytesOf(row.tamper?.(body, FACTORY) ?? body),
      ...(update && { update }),
    };
  });
}
