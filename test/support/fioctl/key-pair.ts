/**
 * Key pairs of the two types: made, written as the halves of an archive, read from there, and used.
 * An id is the SHA-256 of the SubjectPublicKeyInfo; before v0.30 it was that of the canonical key
 * object, and Ed25519 private halves had the public key after the seed.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { canonical } from "./go-shapes.ts";
import { encodeKey, KEY, type Signature, type TufKey } from "./documents.ts";
import { GoError } from "./go-error.ts";

export type KeyType = "ED25519" | "RSA";

export interface Signer {
  readonly id: string;
  readonly type: KeyType;
  readonly key: KeyObject;
}

export interface KeyPair {
  readonly signer: Signer;
  /** As a root lists it. */
  readonly listed: TufKey;
  /** The text of its `.pub` and `.sec` files. */
  readonly files: { readonly pub: string; readonly sec: string };
}

/** Before a 32-byte seed, this makes PKCS#8. */
const PKCS8_ED25519 = "302e020100300506032b657004220420";

/** Whatever its case is. */
export function parseKeyType(name: string): KeyType {
  const upper = name.toUpperCase();
  if (upper !== "ED25519" && upper !== "RSA") throw new GoError(`Unsupported key type: ${name}`);
  return upper;
}

/** @param old as clients before v0.30 made them */
export function makeKeyPair(type: KeyType, { old = false } = {}): KeyPair {
  const { privateKey } =
    type === "RSA" ? generateKeyPairSync("rsa", { modulusLength: 4096 }) : makeEd25519();
  const publicText = publicTextOf(privateKey, type);
  const listed = { keytype: type, keyval: { public: publicText, private: "" } };
  const privateText =
    privateTextOf(privateKey, type) + (old && type === "ED25519" ? publicText : "");
  const secret = { keytype: type, keyval: { public: "", private: privateText } };
  const id = old ? sha256(canonical(KEY, listed)) : sha256(spkiOf(privateKey));
  return {
    signer: { id, type, key: privateKey },
    listed,
    files: { pub: encodeKey(listed), sec: encodeKey(secret) },
  };
}

function makeEd25519(): { readonly privateKey: KeyObject } {
  return generateKeyPairSync("ed25519");
}

/** @throws GoError */
export function parsePrivate(type: KeyType, source: string): KeyObject {
  if (type === "RSA") {
    const base64 = /-----BEGIN [A-Z ]+-----([^-]+)-----END/.exec(source)?.[1];
    if (base64 === undefined) throw new GoError("Unable to parse RSA private key PEM data");
    try {
      return createPrivateKey({ key: Buffer.from(base64, "base64"), format: "der", type: "pkcs1" });
    } catch {
      throw new GoError("Unable to parse RSA private key PKCS1 DER data: asn1: structure error");
    }
  }
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(source)) {
    throw new GoError("Unable to parse Ed25519 private key HEX data");
  }
  if (source.length !== 64 && source.length !== 128) {
    throw new GoError("Wrong Ed25519 private key size");
  }
  const der = Buffer.from(PKCS8_ED25519 + source.slice(0, 64), "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** Signs the canonical text of a document's `signed`. */
export function signText(message: string, { id, type, key }: Signer): Signature {
  const data = Buffer.from(message);
  if (type === "ED25519") {
    return { keyid: id, method: "ed25519", sig: sign(null, data, key).toString("base64") };
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const sig = sign("sha256", data, { key, padding, saltLength: 32 });
  return { keyid: id, method: "rsassa-pss-sha256", sig: sig.toString("base64") };
}

function spkiOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

function publicTextOf(key: KeyObject, type: KeyType): string {
  if (type === "ED25519") return spkiOf(key).subarray(-32).toString("hex");
  return createPublicKey(key).export({ type: "spki", format: "pem" }).toString();
}

function privateTextOf(key: KeyObject, type: KeyType): string {
  if (type === "RSA") return key.export({ type: "pkcs1", format: "pem" }).toString();
  return key.export({ type: "pkcs8", format: "der" }).subarray(-32).toString("hex");
}

function sha256(data: Buffer | string): string {
  return createHash("sha256").update(data).digest("hex");
}
