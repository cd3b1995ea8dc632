/**
 * Signers with every kind of key that a root may list, and with some that it may not: weak ones,
 * other schemes, other forms of writing a key. Each is as honest as it can be, so that only what is
 * odd about it makes a client refuse.
 */
import { constants, createHash, generateKeyPairSync, randomBytes } from "node:crypto";
import { sign, type KeyObject } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { jsonObject } from "../../../lib/tuf/json.ts";
import { keyidOf, type Signer } from "./root-case.ts";

export function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

/** A signer whose key object says `keytype`, `scheme` and `text`. */
function signer(
  keytype: string,
  scheme: string,
  text: string,
  by: (message: Uint8Array) => Uint8Array,
): Signer {
  const object = jsonObject({ keytype, scheme, keyval: jsonObject({ public: text }) });
  return { keyid: keyidOf(object), object, sign: by };
}

export function ed25519Signer(
  write: (hex: string, key: KeyObject) => string = (hex) => hex,
): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const hex = publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
  return signer("ed25519", "ed25519", write(hex, publicKey), (message) =>
    sign(null, message, privateKey),
  );
}

export interface RsaForm {
  readonly bits?: number;
  readonly exponent?: number;
  readonly scheme?: string;
  readonly hash?: string;
  readonly padding?: "pss" | "pkcs1";
  /** Length of the PSS salt in bytes. */
  readonly salt?: number;
  readonly write?: (pem: string) => string;
}

export function rsaSigner({
  bits = 2048,
  exponent = 65537,
  scheme = "rsassa-pss-sha256",
  hash = "sha256",
  padding = "pss",
  salt = 32,
  write = (pem) => pem,
}: RsaForm = {}): Signer {
  const { publicKey, privateKey } = rsaPair(bits, exponent);
  const options =
    padding === "pss"
      ? { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: salt }
      : { key: privateKey, padding: constants.RSA_PKCS1_PADDING };
  return signer("rsa", scheme, write(pemOf(publicKey)), (message) => sign(hash, message, options));
}

/** Signs again until the signature begins with a zero, and leaves that out. */
export function withoutLeadingZero(signer: Signer): Signer {
  const sign = (message: Uint8Array): Uint8Array => {
    for (;;) {
      const signature = signer.sign(message);
      if (signature[0] === 0) return signature.subarray(1);
    }
  };
  return { ...signer, sign };
}

/** An Ed25519 key whose owner signs with the neutral point as R: the equation holds all the same. */
export function smallOrderSigner(): Signer {
  const { BASE, ZERO, Fn } = ed25519.Point;
  const secret = bytesToNumberLE(randomBytes(64)) % Fn.ORDER;
  const [a, r] = [BASE.multiply(secret).toBytes(), ZERO.toBytes()];
  return signer("ed25519", "ed25519", Buffer.from(a).toString("hex"), (message) => {
    const hash = createHash("sha512").update(r).update(a).update(message).digest();
    const s = (bytesToNumberLE(hash) * secret) % Fn.ORDER;
    return Buffer.concat([r, numberToBytesLE(s, 32)]);
  });
}

const pairs = new Map<string, ReturnType<typeof makeRsaPair>>();

/** Slow to make, and no case has two of them: one key serves every form. */
function rsaPair(bits: number, exponent: number): ReturnType<typeof makeRsaPair> {
  const name = `${bits}/${exponent}`;
  const pair = pairs.get(name) ?? makeRsaPair(bits, exponent);
  pairs.set(name, pair);
  return pair;
}

function makeRsaPair(
  bits: number,
  exponent: number,
): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("rsa", { modulusLength: bits, publicExponent: exponent });
}

export interface EcForm {
  readonly curve: "P-256" | "P-384" | "P-521";
  readonly keytype?: string;
  readonly scheme: string;
  readonly hash: string;
  readonly write?: (key: KeyObject) => string;
}

export function ecSigner({
  curve,
  keytype = "ecdsa",
  scheme,
  hash,
  write = pemOf,
}: EcForm): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: curve });
  return signer(keytype, scheme, write(publicKey), (message) => sign(hash, message, privateKey));
}

/** A P-256 key as an uncompressed point in hex, as the first Sigstore roots write it. */
export function hexPoint(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).subarray(-65).toString("hex");
}

/** The PEM text with lines of `columns`. */
export function inColumns(pem: string, columns: number): string {
  const body = pem.replace(/-----[A-Z ]+-----|\n/g, "");
  const lines = body.match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

/** An ECDSA key as PEM with the compressed form of its point. */
export function compressedPem(key: KeyObject): string {
  const point = key.export({ type: "spki", format: "der" }).subarray(-65);
  const head = Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex");
  const sign = Buffer.of(2 + ((point.at(-1) ?? 0) & 1));
  const der = Buffer.concat([head, sign, point.subarray(1, 33)]).toString("base64");
  return inColumns(der, 64);
}
