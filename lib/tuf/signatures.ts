/**
 * Signatures and thresholds (rules 15 to 19).
 *
 * One function counts, for the old root, the new root and every other role: a key counts once, by
 * the fingerprint of its SPKI, whatever ids it goes under. CVE-2020-6174, CVE-2020-15093,
 * GHSA-3633-5h82-39pq, go-tuf #733, CVE-2026-6966: counting ids instead is this field's oldest bug.
 */
import { fromBase64, fromHex, toBase64, toHex } from "./bytes.ts";
import type { Sha256 } from "./bytes.ts";
import type { Dialect } from "./dialect.ts";
import type { Findings } from "./findings.ts";
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { atsMethod, isKeyId, type KeyId, type RootKey } from "./keys.ts";
import type { RoleKeys } from "./root-roles.ts";
import { show } from "./show.ts";
import type { PublicKey } from "./spki.ts";

/**
 * Checks one signature: RSA is PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes; Ed25519 is
 * plain; ECDSA signatures are DER. Comes from outside, since pure code has no cryptography.
 */
export type VerifySignature = (
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean;

export interface Signature {
  readonly keyid: KeyId;
  readonly method: string | null;
  readonly bytes: Uint8Array;
  /** The entry as it is stored: nobody signs its other members, so none is kept. */
  readonly object: JsonObject;
}

export const MAX_SIGNATURES = 64;

const ATS_METHODS: Readonly<Record<string, PublicKey["algorithm"]>> = {
  "rsassa-pss": "rsa-pss-sha256",
  "rsassa-pss-sha256": "rsa-pss-sha256",
  ed25519: "ed25519",
};

/**
 * Reads the `signatures` of an envelope. Empty ones (a waiting signer, as in real Sigstore roots)
 * are left out; too many, a repeated keyid or a wrong form is a finding, and then nothing that
 * could be counted is returned.
 */
export function readSignatures(
  value: JsonValue | undefined,
  dialect: Dialect,
  findings: Findings,
): readonly Signature[] {
  if (!isJsonArray(value)) {
    findings.add("signature-malformed", `signatures: expected a list, got ${show(value)}`);
    return [];
  }
  if (value.length > MAX_SIGNATURES) {
    findings.add(
      "signature-count",
      `signatures: expected at most ${MAX_SIGNATURES}, got ${value.length}`,
    );
    return [];
  }
  const signatures: Signature[] = [];
  const seen = new Set<KeyId>();
  for (const item of value) {
    const signature = readSignature(item, dialect);
    if (signature === null) {
      findings.add(
        "signature-malformed",
        `signatures: expected ${dialect === "ats" ? "keyid, method and base64" : "keyid and hex"} sig`,
      );
      return [];
    }
    if (seen.has(signature.keyid)) {
      // A MUST of the TUF specification (4.2.1): a keyid is in a signature list once.
      findings.add("signature-repeated", `signatures: keyid ${signature.keyid} is there twice`);
      return [];
    }
    seen.add(signature.keyid);
    if (signature.bytes.length > 0) signatures.push(signature);
  }
  return signatures;
}

function readSignature(item: JsonValue, dialect: Dialect): Signature | null {
  if (!isJsonObject(item)) return null;
  const { keyid, sig, method } = item;
  if (!isKeyId(keyid) || typeof sig !== "string") return null;
  if (dialect === "ats" && (typeof method !== "string" || Object.keys(item).length !== 3)) {
    return null;
  }
  const bytes = dialect === "ats" ? fromBase64(sig) : fromHex(sig);
  if (bytes === null) return null;
  // tuf signatures have no method. One that is there anyway must not contradict the key.
  const said = typeof method === "string" ? method : null;
  const stored = dialect === "ats" ? { keyid, method: said ?? undefined, sig } : { keyid, sig };
  return { keyid, method: said, bytes, object: jsonObject(stored) };
}

/** The signers: the count for a role, and which signatures by its keys are bad. */
export interface SignatureCount {
  /** Fingerprints of the keys that signed; its size is what a threshold is held against. */
  readonly signers: ReadonlySet<Sha256>;
  /** The role's keyids whose key did not sign. */
  readonly missing: readonly KeyId[];
  readonly bad: readonly { readonly keyid: KeyId; readonly why: "method" | "signature" }[];
}

/** Counts the distinct keys of a role that signed `message`. */
export function countSigners(
  role: RoleKeys,
  keys: ReadonlyMap<KeyId, RootKey>,
  signatures: readonly Signature[],
  message: Uint8Array,
  verify: VerifySignature,
): SignatureCount {
  const signers = new Set<Sha256>();
  const bad: { keyid: KeyId; why: "method" | "signature" }[] = [];
  for (const signature of signatures) {
    const key = role.keyids.includes(signature.keyid) ? keys.get(signature.keyid)?.key : undefined;
    if (key === undefined) continue;
    if (signature.method !== null && ATS_METHODS[signature.method] !== key.algorithm) {
      bad.push({ keyid: signature.keyid, why: "method" });
    } else if (!verify(key, message, signature.bytes)) {
      bad.push({ keyid: signature.keyid, why: "signature" });
    } else {
      signers.add(key.fingerprint);
    }
  }
  const missing = role.keyids.filter((keyid) => {
    const fingerprint = keys.get(keyid)?.key.fingerprint;
    return fingerprint === undefined || !signers.has(fingerprint);
  });
  return { signers, missing, bad };
}

/**
 * Answers each (key, signature) once: in a rotation the same signature counts for two roots.
 *
 * @param maxBad after more bad ones than this, all that is new is bad, too, and is not looked at
 */
export function rememberVerdicts(verify: VerifySignature, maxBad = Infinity): VerifySignature {
  const verdicts = new Map<Uint8Array, Map<Sha256, boolean>>();
  let bad = 0;
  return (key, message, signature) => {
    const bySignature = verdicts.get(signature) ?? new Map<Sha256, boolean>();
    verdicts.set(signature, bySignature);
    const known = bySignature.get(key.fingerprint);
    if (known !== undefined) return known;
    const verdict = bad <= maxBad && verify(key, message, signature);
    if (!verdict) bad += 1;
    bySignature.set(key.fingerprint, verdict);
    return verdict;
  };
}

/** A signature entry as the dialect writes it. */
export function signatureObject(
  keyid: KeyId,
  key: PublicKey,
  signature: Uint8Array,
  dialect: Dialect,
): JsonObject {
  return dialect === "ats"
    ? jsonObject({ keyid, method: atsMethod(key), sig: toBase64(signature) })
    : jsonObject({ keyid, sig: toHex(signature) });
}
