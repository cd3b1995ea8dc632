/**
 * Public key material (rule 13). A key is known by its SubjectPublicKeyInfo (SPKI) in DER, and its
 * fingerprint is the SHA-256 of that, so one key has one fingerprint whatever id or text it goes
 * under. That holds only if the encoding is unique: every reader here takes the numbers out, writes
 * the SPKI again and refuses input that is not byte for byte the same.
 *
 * go-tuf CVE-2026-23991: a short key crashed the verifier. Small-order Ed25519 points verify
 * signatures that nobody made.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { concatBytes, equalBytes, fromBase64, fromHex, sha256, toBase64, toHex } from "./bytes.ts";
import type { Sha256 } from "./bytes.ts";

export type KeyAlgorithm = "rsa-pss-sha256" | "ed25519" | "ecdsa-p256-sha256";

export interface PublicKey {
  readonly algorithm: KeyAlgorithm;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** SHA-256 of `spki`: what thresholds count. */
  readonly fingerprint: Sha256;
  /** Bytes of each of its signatures; null where they differ from one to the next (ECDSA). */
  readonly signatureLength: number | null;
}

/** The fault of key material, in words that follow "key <id>: ". */
export class KeyMaterialError extends Error {}

const RSA_ALGORITHM = bytes("300d06092a864886f70d0101010500");
const ED25519_PREFIX = bytes("302a300506032b6570032100");
const P256_PREFIX = bytes("3059301306072a8648ce3d020106082a8648ce3d030107034200");

const SEQUENCE = 0x30;
const INTEGER = 0x02;
const BIT_STRING = 0x03;

const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 8192;
/**
 * The exponent that every tool writes. Smaller ones are weak, Go knows none of 2^31 or more, and each bit
 * more makes a verification slower, for us and for devices.
 */
const EXPONENT = Uint8Array.of(1, 0, 1);

/** The y coordinates of the eight points of small order, as their encodings have them. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/** @param hex 64 lower-case hex digits; a canonical point that is not of small order */
export function ed25519FromHex(hex: string): PublicKey {
  const raw = fromHex(hex);
  if (raw?.length !== 32) {
    throw new KeyMaterialError("expected an Ed25519 key of 64 lower-case hex digits");
  }
  return ed25519FromRaw(raw);
}

function ed25519FromRaw(raw: Uint8Array): PublicKey {
  try {
    ed25519.Point.fromBytes(raw);
  } catch {
    throw new KeyMaterialError("expected the canonical encoding of a point of Ed25519");
  }
  if (isSmallOrder(raw)) throw new KeyMaterialError("Ed25519 point of small order");
  return publicKey("ed25519", concatBytes(ED25519_PREFIX, raw), 64);
}

/**
 * Whether 32 bytes are a canonical encoding of a point of small order, whatever their sign bit says:
 * no public key, and no half of a signature, is one. libsodium refuses both, and so does Node since
 * 24.21; other clients do not.
 */
export function isSmallOrder(point: Uint8Array): boolean {
  // A copy: slice of a Buffer would be a view, and the sign bit would be cleared in the caller's.
  const y = Uint8Array.from(point.subarray(0, 32));
  y[31] = (y[31] ?? 0) & 0x7f;
  return SMALL_ORDER_Y.has(toHex(y));
}

/** @param hex an uncompressed P-256 point (0x04, x, y): how old Sigstore roots write ECDSA keys */
export function p256FromHex(hex: string): PublicKey {
  const point = fromHex(hex);
  if (point === null) throw new KeyMaterialError("expected a P-256 point in lower-case hex");
  return p256FromPoint(point);
}

/**
 * Reads SPKI PEM: one `PUBLIC KEY` block and nothing around it but one final newline.
 *
 * @throws KeyMaterialError for any other text, algorithm, size or encoding
 */
export function fromPem(pem: string): PublicKey {
  const body =
    /^-----BEGIN PUBLIC KEY-----\n((?:[A-Za-z0-9+/=]{1,76}\n)+)-----END PUBLIC KEY-----\n?$/.exec(
      pem,
    )?.[1];
  const der = body === undefined ? null : fromBase64(body.replaceAll("\n", ""));
  if (der === null) {
    throw new KeyMaterialError("expected one PEM block PUBLIC KEY and nothing around it");
  }
  return fromSpki(der);
}

/** Reads a SubjectPublicKeyInfo in DER. */
export function fromSpki(der: Uint8Array): PublicKey {
  if (startsWith(der, P256_PREFIX)) {
    return p256FromPoint(der.subarray(P256_PREFIX.length));
  }
  if (startsWith(der, ED25519_PREFIX) && der.length === ED25519_PREFIX.length + 32) {
    return ed25519FromRaw(der.subarray(ED25519_PREFIX.length));
  }
  return rsaFromSpki(der);
}

/** The PEM text of a SPKI: 64 columns and a final newline, as Go and OpenSSL write it. */
export function toPem(spki: Uint8Array): string {
  const lines = toBase64(spki).match(/.{1,64}/g) ?? [];
  return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
}

/** The 32 raw bytes of an Ed25519 key. */
export function ed25519Raw(key: PublicKey): Uint8Array {
  return key.spki.subarray(ED25519_PREFIX.length);
}

function p256FromPoint(point: Uint8Array): PublicKey {
  try {
    if (point.length !== 65 || point[0] !== 4) throw new Error("not uncompressed");
    p256.Point.fromBytes(point).assertValidity();
  } catch {
    throw new KeyMaterialError("expected an uncompressed point of the ECDSA curve");
  }
  return publicKey("ecdsa-p256-sha256", concatBytes(P256_PREFIX, point), null);
}

function rsaFromSpki(der: Uint8Array): PublicKey {
  const numbers = rsaNumbers(der);
  if (numbers === null || !equalBytes(rsaSpki(numbers.modulus, numbers.exponent), der)) {
    throw new KeyMaterialError("expected a SubjectPublicKeyInfo of RSA, Ed25519 or P-256");
  }
  const { modulus, exponent } = numbers;
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw new KeyMaterialError(
      `expected an RSA modulus of ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, got ${bits}`,
    );
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw new KeyMaterialError("RSA modulus is even");
  if (!equalBytes(exponent, EXPONENT))
    throw new KeyMaterialError("expected the RSA exponent 65537");
  return publicKey("rsa-pss-sha256", der, Math.ceil(bits / 8));
}

function publicKey(
  algorithm: KeyAlgorithm,
  spki: Uint8Array,
  signatureLength: number | null,
): PublicKey {
  return { algorithm, spki, fingerprint: sha256(spki), signatureLength };
}

// DER, as much of it as an RSA key needs. Reading is loose because the result is written again
// and compared.

function rsaNumbers(der: Uint8Array): { modulus: Uint8Array; exponent: Uint8Array } | null {
  const outer = content(der, SEQUENCE);
  if (outer === null || !startsWith(outer, RSA_ALGORITHM)) return null;
  const bits = content(outer.subarray(RSA_ALGORITHM.length), BIT_STRING);
  if (bits?.[0] !== 0) return null;
  const pair = content(bits.subarray(1), SEQUENCE);
  const modulus = pair && content(pair, INTEGER);
  if (!pair || !modulus) return null;
  const rest = pair.subarray(modulus.byteOffset - pair.byteOffset + modulus.length);
  const exponent = content(rest, INTEGER);
  return exponent && { modulus, exponent };
}

/** The SPKI in DER of an RSA key, from its numbers: big-endian, leading zeros or not. */
export function rsaSpki(modulus: Uint8Array, exponent: Uint8Array): Uint8Array {
  const pair = tlv(SEQUENCE, concatBytes(integer(modulus), integer(exponent)));
  const bits = tlv(BIT_STRING, concatBytes(new Uint8Array(1), pair));
  return tlv(SEQUENCE, concatBytes(RSA_ALGORITHM, bits));
}

/** The content of the first element, or null where the tag or the length does not fit. */
function content(der: Uint8Array, tag: number): Uint8Array | null {
  const first = der[1];
  if (der[0] !== tag || first === undefined) return null;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 3) return null;
  const length =
    lengthBytes === 0 ? first : der.subarray(2, 2 + lengthBytes).reduce((n, b) => n * 256 + b, 0);
  const start = 2 + lengthBytes;
  return start + length <= der.length ? der.subarray(start, start + length) : null;
}

function tlv(tag: number, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const n = body.length;
  if (n < 0x80) return concatBytes(Uint8Array.of(tag, n), body);
  if (n < 0x100) return concatBytes(Uint8Array.of(tag, 0x81, n), body);
  return concatBytes(Uint8Array.of(tag, 0x82, n >> 8, n & 0xff), body);
}

/** A non-negative INTEGER in its one DER form, from big-endian bytes. */
function integer(value: Uint8Array): Uint8Array<ArrayBuffer> {
  const start = value.findIndex((byte) => byte !== 0);
  const digits = start < 0 ? new Uint8Array(1) : value.subarray(start);
  const sign = (digits[0] ?? 0) & 0x80 ? new Uint8Array(1) : new Uint8Array(0);
  return tlv(INTEGER, concatBytes(sign, digits));
}

function bitLength(value: Uint8Array): number {
  const start = value.findIndex((byte) => byte !== 0);
  return start < 0 ? 0 : (value.length - start) * 8 - Math.clz32(value[start] ?? 0) + 24;
}

function startsWith(value: Uint8Array, prefix: Uint8Array): boolean {
  return equalBytes(value.subarray(0, prefix.length), prefix);
}

function bytes(hex: string): Uint8Array {
  const decoded = fromHex(hex);
  if (decoded === null) throw new KeyMaterialError("constant is not hex");
  return decoded;
}
