/**
 * Looking into a root as loosely as the loosest client reads it, to tell why it takes what we
 * refuse. Nothing is trusted to be there, or to be of any type.
 */
import { constants, createPublicKey, verify, type KeyObject } from "node:crypto";
import { SALT_LENGTH } from "../../../lib/crypto/verify.ts";
import { canonicalize } from "../../../lib/tuf/canonical.ts";
import {
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type JsonValue,
} from "../../../lib/tuf/json.ts";
import { isSmallOrder } from "../../../lib/tuf/spki.ts";

/** The document as JSON.parse has it; null where it is none. */
export function documentOf(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as JsonValue;
  } catch {
    return null;
  }
}

/** The value at a path; undefined where there is none. */
export function at(
  value: JsonValue | undefined,
  ...path: readonly string[]
): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (inner, name) => (isJsonObject(inner) && Object.hasOwn(inner, name) ? inner[name] : undefined),
    value,
  );
}

export function objectAt(value: JsonValue, ...path: readonly string[]): JsonObject {
  const found = at(value, ...path);
  return isJsonObject(found) ? found : {};
}

export function listAt(value: JsonValue, ...path: readonly string[]): readonly JsonValue[] {
  const found = at(value, ...path);
  return isJsonArray(found) ? found : [];
}

/** The text at a path; empty where there is none. */
export function textAt(value: JsonValue | undefined, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The texts in the list at a path. */
export function textsAt(value: JsonValue, ...path: readonly string[]): readonly string[] {
  return listAt(value, ...path).flatMap((item) => (typeof item === "string" ? [item] : []));
}

/** The key objects that the root role lists. */
export function rootKeys(document: JsonValue): readonly JsonValue[] {
  const keys = objectAt(document, "signed", "keys");
  return textsAt(document, "signed", "roles", "root", "keyids").flatMap((keyid) => {
    const key = at(keys, keyid);
    return key === undefined ? [] : [key];
  });
}

/** How a P-384 key in PEM begins, in base64: all of its SubjectPublicKeyInfo but the point. */
const P384 = "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE";

/** Whether the key under `keyid` is one of P-384, whatever it says that it is. */
export function isP384(keyid: string, document: JsonValue): boolean {
  const text = textAt(document, "signed", "keys", keyid, "keyval", "public");
  return text.replace(/\s/g, "").includes(P384);
}

/** Whether the root role lists one key under two ids, in whatever words. */
export function countsOneKeyTwice(document: JsonValue): boolean {
  const texts = rootKeys(document)
    .map((key) => textAt(key, "keyval", "public"))
    .map((text) => (text.startsWith("-") ? text : text.toLowerCase()).replace(/\s/g, ""));
  return new Set(texts).size < texts.length;
}

/** What is wrong with the form of the first signature that we do not read; null if we read all. */
export function unreadSignature(document: JsonValue): "type" | "keyid" | "text" | null {
  for (const one of listAt(document, "signatures")) {
    const [keyid, sig] = [at(one, "keyid"), at(one, "sig")];
    if (typeof keyid !== "string" || typeof sig !== "string") return "type";
    if (!/^[0-9a-f]{64}$/.test(keyid)) return "keyid";
    if (!/^(?:[0-9a-f]{2})*$/.test(sig)) return "text";
  }
  return null;
}

const padding = constants.RSA_PKCS1_PSS_PADDING;

/** Why a signature that we call bad can be a good one elsewhere. */
export type Oddity = "salt" | "short" | "small order";

/** How the signature under `keyid` is odd; null if it is bad for everybody. */
export function oddityOf(keyid: string, document: JsonValue): Oddity | null {
  const entry = listAt(document, "signatures").find((one) => at(one, "keyid") === keyid);
  const bytes = Buffer.from(textAt(entry, "sig"), "hex");
  const text = textAt(document, "signed", "keys", keyid, "keyval", "public");
  if (/^[0-9a-f]{64}$/.test(text)) return isSmallOrder(bytes) ? "small order" : null;
  if (!text.startsWith("-----BEGIN PUBLIC KEY")) return null;
  const message = canonicalize(objectAt(document, "signed"), "tuf");
  return oddityOfPem(createPublicKey(text), message, bytes);
}

function oddityOfPem(key: KeyObject, message: Uint8Array, bytes: Uint8Array): Oddity | null {
  if (key.asymmetricKeyType !== "rsa") return null;
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  const verifies = (saltLength: number): boolean =>
    verify("sha256", message, { key, padding, saltLength }, bytes);
  if (!verifies(constants.RSA_PSS_SALTLEN_AUTO)) return null;
  if (!verifies(SALT_LENGTH)) return "salt";
  return bytes.length < modulusLength / 8 ? "short" : null;
}
