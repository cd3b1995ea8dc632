/** A signer's record of a role whose last document has a number. */
import type { RoleRecord } from "../../lib/signing/role-record.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";

export function roleRecord(version: number, changes: Partial<RoleRecord> = {}): RoleRecord {
  const last = { length: 100, sha256: sha256Text(`document ${version}`) };
  return { version, low: version, far: null, last, ...changes };
}
