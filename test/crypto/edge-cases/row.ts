/**
 * One row: a key as a root lists it, a message, a signature, and the one right answer to them. Rows
 * that differ in one thing stand together in a group, and each group has a row that verifies, made
 * the same way, so that no other row is refused for a reason that is not its own.
 */
import { toHex } from "../../../lib/tuf/bytes.ts";
import { jsonObject, type JsonObject } from "../../../lib/tuf/json.ts";
import { toPem } from "../../../lib/tuf/spki.ts";

export interface Attempt {
  /** The key object, in the dialect tuf. */
  readonly key: JsonObject;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export type EdgeCase = { readonly name: string; readonly make: () => Attempt } & (
  | { readonly verdict: "valid" | "invalid" }
  /** `says`: words of the refusal. */
  | { readonly verdict: "key refused"; readonly says: string }
);

export interface EdgeGroup {
  readonly name: string;
  readonly rows: readonly EdgeCase[];
}

export function valid(name: string, make: () => Attempt): EdgeCase {
  return { name, verdict: "valid", make };
}

/** The key is read, the signature does not verify, and nothing is thrown. */
export function invalid(name: string, make: () => Attempt): EdgeCase {
  return { name, verdict: "invalid", make };
}

/** The key is not read, whatever it would verify. */
export function refused(name: string, says: string, make: () => Attempt): EdgeCase {
  return { name, verdict: "key refused", says, make };
}

/** Rows that are all made the same way, of what stands beside their names. */
export function invalids<T>(
  make: (how: T) => () => Attempt,
  table: Readonly<Record<string, T>>,
): readonly EdgeCase[] {
  return Object.entries(table).map(([name, how]) => invalid(name, make(how)));
}

export function refusals<T>(
  says: string,
  make: (how: T) => () => Attempt,
  table: Readonly<Record<string, T>>,
): readonly EdgeCase[] {
  return Object.entries(table).map(([name, how]) => refused(name, says, make(how)));
}

export function ed25519KeyObject(raw: Uint8Array): JsonObject {
  const keyval = jsonObject({ public: toHex(raw) });
  return jsonObject({ keytype: "ed25519", scheme: "ed25519", keyval });
}

export function rsaKeyObject(spki: Uint8Array): JsonObject {
  return pemKeyObject("rsa", "rsassa-pss-sha256", spki);
}

export function ecdsaKeyObject(spki: Uint8Array): JsonObject {
  return pemKeyObject("ecdsa", "ecdsa-sha2-nistp256", spki);
}

function pemKeyObject(keytype: string, scheme: string, spki: Uint8Array): JsonObject {
  return jsonObject({ keytype, scheme, keyval: jsonObject({ public: toPem(spki) }) });
}

export function text(message: string): Uint8Array {
  return new TextEncoder().encode(message);
}

/** `value` with the bits of `mask` flipped in one byte; -1 is the last. */
export function flipped(value: Uint8Array, at: number, mask = 1): Uint8Array {
  const index = at < 0 ? value.length + at : at;
  return Uint8Array.from(value).with(index, (value[index] ?? 0) ^ mask);
}

/** The first answer of `make` that is not null; every search here succeeds long before the end. */
export function search<T>(make: (attempt: number) => T | null, tries = 8_000): T {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const found = make(attempt);
    if (found !== null) return found;
  }
  throw new Error(`not found in ${tries} tries`);
}
