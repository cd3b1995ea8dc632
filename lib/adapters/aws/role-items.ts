/**
 * The signer's last document of a role, as an item of its table. Items of releases before 2026-12 have the
 * number alone.
 */
import { RootwardError } from "../../error.ts";
import { readRecord, type RoleRecord } from "../../signing/role-record.ts";
import { isSha256 } from "../../tuf/bytes.ts";
import { isKeyId } from "../../tuf/keys.ts";
import { numberAttribute, textAttribute, type Item } from "./table.ts";

export function attributesOf({ version, low, far, last }: RoleRecord): Item {
  const under = far?.under ?? null;
  return {
    version: { N: `${version}` },
    low: { N: `${low}` },
    ...(far !== null && { far: { N: `${far.version}` } }),
    ...(under !== null && { under: { L: under.map((keyid) => ({ S: keyid })) } }),
    ...(last !== null && { length: { N: `${last.length}` }, sha256: { S: last.sha256 } }),
  };
}

/** @throws RootwardError `internal` for a damaged item */
export function recordOf(item: Item): RoleRecord {
  const sha256 = item["sha256"] === undefined ? null : textAttribute(item, "sha256");
  const under = item["under"]?.L?.map(({ S: keyid = "" }) => keyid) ?? null;
  if ((sha256 !== null && !isSha256(sha256)) || (under !== null && !under.every(isKeyId))) {
    throw new RootwardError("internal", "a record of what was signed is damaged");
  }
  return readRecord({
    version: numberAttribute(item, "version"),
    ...(item["low"] && { low: numberAttribute(item, "low") }),
    ...(item["far"] && { far: numberAttribute(item, "far") }),
    ...(under !== null && { under }),
    ...(item["length"] && { length: numberAttribute(item, "length") }),
    ...(sha256 !== null && { sha256 }),
  });
}
