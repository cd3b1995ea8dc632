/**
 * One row for each way to break one rule of root ingestion: what is changed in a good root update,
 * and every code that it must be answered with. A row changes `signed` before it is signed, so that
 * only what is broken is broken; `tamper` changes the envelope afterwards.
 */
import type { Channel, Dialect } from "../../../lib/tuf/dialect.ts";
import type { FindingCode } from "../../../lib/tuf/findings.ts";
import { isJsonArray, isJsonObject, jsonObject, parseJson } from "../../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../../lib/tuf/json.ts";
import { keyidsOf, type KeyId } from "../../../lib/tuf/keys.ts";
import type { RootUpdate } from "../../../lib/tuf/policy.ts";
import type { RootVerdict } from "../../../lib/tuf/submitted-root.ts";
import { withTargetsThreshold } from "../../../lib/tuf/roles.ts";
import { edits, readCurrent, signRoot } from "../../support/tuf/test-factory.ts";
import type { Edit, Parties, Party, TestFactory } from "../../support/tuf/test-factory.ts";

export type Target = readonly [Dialect, Channel];
export const TUF = ["tuf", "main"] as const satisfies Target;
export const CI = ["ats", "ci"] as const satisfies Target;
export const PROD = ["ats", "prod"] as const satisfies Target;

export interface BrokenRoot {
  readonly name: string;
  readonly errors: readonly FindingCode[];
  /** In which dialects and channels: `TUF` and `CI` unless given. */
  readonly targets?: readonly Target[];
  /** Changes to `signed`, made before it is signed. */
  readonly change?: (factory: TestFactory) => readonly Edit[];
  /** Who signs: `a`, `b`, `c`, `d` unless given, which is enough for the old root and the new. */
  readonly by?: (parties: Parties, dialect: Dialect) => readonly Party[];
  readonly tamper?: (body: JsonObject, factory: TestFactory) => JsonValue;
  readonly update?: (factory: TestFactory, submitted: JsonObject) => Partial<RootUpdate>;
  /** What a message must say, where the code alone would not help. */
  readonly says?: string;
}

/** The envelope of a row before it is tampered with. */
export function signedRow(row: BrokenRoot, factory: TestFactory): JsonObject {
  const { parties, dialect, next } = factory;
  const signed = edits(next, ...(row.change?.(factory) ?? []));
  const by = row.by?.(parties, dialect) ?? [parties.a, parties.b, parties.c, parties.d];
  return signRoot(signed, dialect, by);
}

/** A `change` that is the same in every Factory. */
export function set(...changes: Edit[]): () => readonly Edit[] {
  return () => changes;
}

/** The edit that adds `party` to `keys`. */
export function listed({ key }: Party): Edit {
  return [["keys", key.keyid], key.object];
}

export function ids(...parties: readonly Party[]): readonly KeyId[] {
  return parties.map(({ key }) => key.keyid);
}

/** The same key under another id that follows from it: an older form, or a member more. */
export function alias({ signer, key }: Party, dialect: Dialect): Party {
  const object = dialect === "tuf" ? jsonObject({ ...key.object, "x-note": "again" }) : key.object;
  const keyid = keyidsOf(object, key.key, dialect).at(-1) ?? key.keyid;
  return { signer, key: { keyid, object, key: key.key } };
}

/** The body with another list of signatures. */
export function withSignatures(
  body: JsonObject,
  change: (signatures: readonly JsonObject[]) => JsonValue,
): JsonObject {
  const list = body["signatures"];
  const signatures = isJsonArray(list) ? list.filter((one) => isJsonObject(one)) : [];
  return jsonObject({ ...body, signatures: change(signatures) });
}

/** The ci root that fits a prod root, the same but for the targets threshold, and then `changes`. */
export function fittingCi(submitted: JsonObject, ...changes: readonly Edit[]): Partial<RootUpdate> {
  const ci = edits(withTargetsThreshold(signedOf(submitted), 1), ...changes);
  return { ciRoot: readCurrent(signRoot(ci, "ats", []), "ats", "ci") };
}

export function signedOf(body: JsonObject): JsonObject {
  const signed = body["signed"];
  return isJsonObject(signed) ? signed : {};
}

/** The document to store of a root that is accepted, read again. */
export function stored(verdict: RootVerdict): JsonObject {
  if (verdict.kind !== "accepted") throw new Error(`expected acceptance, got ${verdict.kind}`);
  const body = parseJson(verdict.document, { maxBytes: verdict.document.length });
  return isJsonObject(body) ? body : {};
}
