/** The `keys` of a root, and who owns them (rules 11 to 13 and 24). */
import type { Findings } from "./findings.ts";
import { isJsonObject, sameJson, type JsonValue } from "./json.ts";
import { isKeyId, keyidsOf, parseKey, type KeyId, type RootKey } from "./keys.ts";
import type { RootForms } from "./root-forms.ts";
import { show, showSome } from "./show.ts";
import { KeyMaterialError, type PublicKey } from "./spki.ts";

/**
 * More keys than any fleet has, and few enough that a hostile root cannot keep a processor busy
 * with them: each new one costs a look at its curve. Signatures have a limit of their own.
 */
export const MAX_KEYS = 128;

/** @returns the keys that are usable; null where the list itself is not */
export function readKeys(
  value: JsonValue | undefined,
  forms: RootForms,
  findings: Findings,
): ReadonlyMap<KeyId, RootKey> | null {
  if (!isJsonObject(value)) {
    findings.add("signed-members", `keys: expected an object, got ${show(value)}`);
    return null;
  }
  const keyids = Object.keys(value);
  if (keyids.length > MAX_KEYS) {
    findings.add("key-count", `keys: expected at most ${MAX_KEYS}, got ${keyids.length}`);
    return null;
  }
  const keys = new Map<KeyId, RootKey>();
  for (const keyid of keyids) {
    if (!isKeyId(keyid)) {
      findings.add("keyid-format", `key ${show(keyid)}: expected 64 lower-case hex digits`);
      continue;
    }
    const key = readKey(keyid, value[keyid] ?? null, forms, findings);
    if (key !== null) keys.set(keyid, key);
  }
  return keys;
}

function readKey(
  keyid: KeyId,
  object: JsonValue,
  forms: RootForms,
  findings: Findings,
): RootKey | null {
  const trusted = forms.trustedKeys?.get(keyid);
  const same = trusted !== undefined && sameJson(trusted.object, object);
  if (same && isStrict(trusted.key)) return trusted;
  const lenient = forms.reading === "lenient";
  let key: PublicKey;
  try {
    key = parseKey(object, forms.dialect, lenient);
  } catch (error) {
    if (!(error instanceof KeyMaterialError)) throw error;
    findings.add("key-material", `key ${keyid}: ${error.message}`);
    return null;
  }
  if (!isJsonObject(object)) return null;
  const derived = keyidsOf(object, key, forms.dialect);
  // A key object that is trusted stays under its id. One that says the same key in another way does
  // not: that was the accident of sigstore/root-signing#1431 (rule 12).
  if (!same && !derived.includes(keyid)) {
    const message = `key ${keyid}: the id does not follow from the key, expected ${derived[0]}`;
    if (lenient) findings.warn("keyid-derivation", message);
    else findings.add("keyid-derivation", message);
  }
  return { keyid, object, key };
}

/** A strict reader takes every form of these algorithms that a lenient one takes. */
function isStrict({ algorithm }: PublicKey): boolean {
  return algorithm === "rsa-pss-sha256" || algorithm === "ed25519";
}

/** Rule 24: owners are named for keys of this root only. */
export function checkKeyOwners(
  owners: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): void {
  if (owners === undefined || forms.dialect === "tuf") return;
  if (!isJsonObject(owners)) {
    findings.add("key-owners", `x-key-owners: expected an object, got ${show(owners)}`);
    return;
  }
  if (keys === null) return;
  const strangers = Object.keys(owners).filter((keyid) => !isKeyId(keyid) || !keys.has(keyid));
  if (strangers.length > 0) {
    findings.add(
      "key-owners",
      `x-key-owners: expected keys of this root only, got ${showSome(strangers)}`,
    );
  }
}
