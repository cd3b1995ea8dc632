/**
 * Reading and verifying targets, snapshot and timestamp documents under a root: used before a swap (rule
 * 26: a published channel never becomes unsatisfiable), by the signing boundary on its own work, and by
 * tools that verify a Factory from outside.
 */
import { RootwardError } from "../error.ts";
import { canonicalize } from "./canonical.ts";
import { typeName, type Dialect, type OnlineRole } from "./dialect.ts";
import { parseExpires } from "./expires.ts";
import { Findings } from "./findings.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import type { Root } from "./root.ts";
import { countSigners, readSignatures, type Signature } from "./signatures.ts";
import type { VerifySignature } from "./signatures.ts";

/** Longest targets document that clients read (python-tuf, tuf-js, fiotuf). */
export const MAX_ROLE_BYTES = 5_000_000;

export interface RoleDocument {
  readonly role: OnlineRole;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly signed: JsonObject;
  readonly message: Uint8Array;
  readonly signatures: readonly Signature[];
}

/**
 * Reads an online role's document.
 *
 * @param bytes UTF-8 JSON
 * @throws RootwardError `malformed` naming the role and what was expected
 */
export function readRoleDocument(
  bytes: Uint8Array,
  role: OnlineRole,
  dialect: Dialect,
): RoleDocument {
  const body = parseJson(bytes, { maxBytes: MAX_ROLE_BYTES });
  const signed = isJsonObject(body) ? body["signed"] : undefined;
  if (!isJsonObject(body) || !isJsonObject(signed)) {
    throw new RootwardError("malformed", `${role}: expected signatures and signed`);
  }
  const { _type, version, expires } = signed;
  const time = typeof expires === "string" ? parseExpires(expires) : null;
  if (_type !== typeName(dialect, role) || typeof version !== "number" || time === null) {
    throw new RootwardError("malformed", `${role}: expected _type, version and expires of ${role}`);
  }
  const findings = new Findings();
  const signatures = readSignatures(body["signatures"], dialect, findings);
  const [first] = findings.errors;
  if (first !== undefined) throw new RootwardError("malformed", `${role}: ${first.message}`);
  const message = canonicalize(signed, dialect);
  return { role, version, expires: time, signed, message, signatures };
}

/** Whether the document carries the threshold of signatures that `root` asks for its role. */
export function isSignedUnder(
  root: Root,
  document: RoleDocument,
  verify: VerifySignature,
): boolean {
  const { role, signatures, message } = document;
  const { signers } = countSigners(root.roles[role], root.keys, signatures, message, verify);
  return signers.size >= root.roles[role].threshold;
}
