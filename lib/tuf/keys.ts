/**
 * Key objects as the two dialects write them, and the ids that follow from them.
 *
 * tuf  `{"keytype","scheme","keyval":{"public"}}`; the keyid is the SHA-256 of the canonical key
 *      object (TUF specification 4.2). Unknown members are kept: they are part of the id.
 * ats  `{"keytype","keyval":{"public"}}`, keytype in capitals, nothing else (fioctl drops the rest);
 *      the keyid is the SHA-256 of the SPKI, and before fioctl 0.30 that of the canonical object.
 *
 * The algorithm follows from the trusted key alone, never from a signature (rule 15).
 */
import { isSha256, sha256, toHex, type Sha256 } from "./bytes.ts";
import { canonicalize } from "./canonical.ts";
import type { Dialect } from "./dialect.ts";
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from "./json.ts";
import {
  ed25519FromHex,
  ed25519Raw,
  fromPem,
  KeyMaterialError,
  p256FromHex,
  toPem,
  type KeyAlgorithm,
  type PublicKey,
} from "./spki.ts";

/** The id under which a root lists a key: 64 lower-case hex digits. */
export type KeyId = Sha256 & { readonly keyid: "KeyId" };

export function isKeyId(text: JsonValue | undefined): text is KeyId {
  return typeof text === "string" && isSha256(text);
}

/** A key as one root lists it. */
export interface RootKey {
  readonly keyid: KeyId;
  /** The key object exactly as received. */
  readonly object: JsonObject;
  readonly key: PublicKey;
}

/** Key types that a person may choose for a new key. */
export type KeyType = "rsa" | "ed25519";
export const KEY_TYPES = ["rsa", "ed25519"] as const satisfies readonly KeyType[];

/**
 * tuf: keytype and scheme belong together (rule 13). P-384 is not here: tuf-js checks its signatures
 * with the wrong hash, so that devices would not count a key that we do.
 */
const TUF_SCHEMES: Readonly<Record<string, KeyAlgorithm>> = {
  "rsa/rsassa-pss-sha256": "rsa-pss-sha256",
  "ed25519/ed25519": "ed25519",
  "ecdsa/ecdsa-sha2-nistp256": "ecdsa-p256-sha256",
  "ecdsa-sha2-nistp256/ecdsa-sha2-nistp256": "ecdsa-p256-sha256",
};
const ATS_KEYTYPES: Readonly<Record<string, KeyAlgorithm>> = {
  RSA: "rsa-pss-sha256",
  ED25519: "ed25519",
};

/**
 * Reads a key object.
 *
 * @param hexEcdsa also take ECDSA keys as hex points, as the first Sigstore roots have them
 * @throws KeyMaterialError saying what was expected; the caller names the key
 */
export function parseKey(object: JsonValue, dialect: Dialect, hexEcdsa: boolean): PublicKey {
  if (!isJsonObject(object) || !isJsonObject(object["keyval"])) {
    throw new KeyMaterialError("expected an object with keytype and keyval.public");
  }
  const { keytype, scheme, keyval } = object;
  const text = isJsonObject(keyval) ? keyval["public"] : undefined;
  if (typeof keytype !== "string" || typeof text !== "string") {
    throw new KeyMaterialError("expected an object with keytype and keyval.public");
  }
  // tuf-js refuses a root with a key that has anything but text here.
  if (Object.values(keyval).some((member) => typeof member !== "string")) {
    throw new KeyMaterialError("expected keyval to hold text only");
  }
  if (dialect === "ats") assertOnlyMembers(object, ["keytype", "keyval"]);
  if (dialect === "ats" && isJsonObject(keyval)) assertOnlyMembers(keyval, ["public"]);
  const name = dialect === "ats" ? keytype : `${keytype}/${schemeName(scheme)}`;
  const table = dialect === "ats" ? ATS_KEYTYPES : TUF_SCHEMES;
  const algorithm = Object.hasOwn(table, name) ? table[name] : undefined;
  if (algorithm === undefined) {
    throw new KeyMaterialError(
      (dialect === "ats" ? "expected keytype" : "expected keytype/scheme") +
        ` to be one of ${Object.keys(table).join(", ")}`,
    );
  }
  const key = material(text, algorithm, hexEcdsa);
  if (key.algorithm !== algorithm) {
    throw new KeyMaterialError(`keytype says ${algorithm}, the key is ${key.algorithm}`);
  }
  if (dialect === "ats" && algorithm === "rsa-pss-sha256" && !isKnownToAktualizr(key)) {
    throw new KeyMaterialError("expected an RSA modulus of 2048, 3072 or 4096 bits");
  }
  return key;
}

/** aktualizr knows RSA keys by their length in bytes, and never verifies with one of another. */
function isKnownToAktualizr({ signatureLength }: PublicKey): boolean {
  return signatureLength === 256 || signatureLength === 384 || signatureLength === 512;
}

function schemeName(scheme: JsonValue | undefined): string {
  return typeof scheme === "string" ? scheme : "";
}

function material(text: string, algorithm: KeyAlgorithm, hexEcdsa: boolean): PublicKey {
  if (algorithm === "ed25519") return ed25519FromHex(text);
  if (algorithm === "ecdsa-p256-sha256" && hexEcdsa && !text.startsWith("-")) {
    return p256FromHex(text);
  }
  return fromPem(text);
}

function assertOnlyMembers(object: JsonObject, names: readonly string[]): void {
  if (Object.keys(object).some((name) => !names.includes(name))) {
    throw new KeyMaterialError(`expected only the members ${names.join(", ")}`);
  }
}

/** The key object that this dialect writes for `key`. */
export function keyObject(key: PublicKey, dialect: Dialect): JsonObject {
  const rsa = key.algorithm === "rsa-pss-sha256";
  if (!rsa && key.algorithm !== "ed25519") {
    throw new KeyMaterialError("new keys are RSA or Ed25519");
  }
  const keyval = jsonObject({ public: rsa ? toPem(key.spki) : toHex(ed25519Raw(key)) });
  if (dialect === "ats") return jsonObject({ keytype: rsa ? "RSA" : "ED25519", keyval });
  return jsonObject({
    keytype: rsa ? "rsa" : "ed25519",
    keyval,
    scheme: rsa ? "rsassa-pss-sha256" : "ed25519",
  });
}

/** `key` as a new root lists it: its object and the id that follows. */
export function rootKey(key: PublicKey, dialect: Dialect): RootKey {
  const object = keyObject(key, dialect);
  const [keyid] = keyidsOf(object, key, dialect);
  return { keyid, object, key };
}

/** The ids that may stand for a key object: the one we write first, then older forms (rule 12). */
export function keyidsOf(
  object: JsonObject,
  key: PublicKey,
  dialect: Dialect,
): readonly [KeyId, ...KeyId[]] {
  const ofObject = sha256(canonicalize(object, dialect)) as KeyId;
  return dialect === "tuf" ? [ofObject] : [key.fingerprint as KeyId, ofObject];
}

/** The `method` that ats signatures by this key carry. */
export function atsMethod(key: PublicKey): string {
  return key.algorithm === "ed25519" ? "ed25519" : "rsassa-pss-sha256";
}
