/**
 * RSASSA-PSS by hand (RFC 8017, 8.1.1 and 9.1.1), each step open to change: keys with any exponent
 * and any size, encoded messages with any salt, hash or defect.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  generatePrimeSync,
  privateEncrypt,
  randomBytes,
  type KeyObject,
} from "node:crypto";
import { invert } from "@noble/curves/abstract/modular.js";
import { bytesToNumberBE, numberToBytesBE, numberToVarBytesBE } from "@noble/curves/utils.js";
import { concatBytes, toBase64Url } from "../../../lib/tuf/bytes.ts";
import { tlv, unhex } from "../../support/tuf/der.ts";
import { rsaKeyObject, search, text, type Attempt } from "./row.ts";

export interface RsaPair {
  readonly n: bigint;
  readonly e: bigint;
  readonly bits: number;
  readonly privateKey: KeyObject;
}

/** Primes by their size, shared by the keys of all rows, since they take long to find. */
const PRIMES = new Map<number, readonly bigint[]>();

/**
 * The first five bits of the modulus are 24 to 30: its top two bits are set, so that an encoded
 * message may be too large and still be below n, and n + s is often short enough for its bytes.
 */
export function rsaPair(bits: number, e = 65_537n): RsaPair {
  const sizes = [bits >> 1, bits - (bits >> 1)] as const;
  return search((attempt) => {
    if (attempt > 0) for (const size of new Set(sizes)) morePrimes(size);
    const [left = [], right = []] = sizes.map((size) => PRIMES.get(size) ?? []);
    const pairs = left.flatMap((p) => right.map((q) => [p, q] as const));
    const found = pairs.find(([p, q]) => p !== q && isPair(p, q, bits, e));
    if (found === undefined) return null;
    const [p, q] = found;
    return { n: p * q, e, bits, privateKey: privateKey(p, q, e) };
  });
}

function morePrimes(size: number): void {
  const found = generatePrimeSync(size, { bigint: true });
  PRIMES.set(size, [...(PRIMES.get(size) ?? []), found]);
}

function isPair(p: bigint, q: bigint, bits: number, e: bigint): boolean {
  const top = (p * q) >> BigInt(bits - 5);
  return top >= 24n && top <= 30n && gcd(e, (p - 1n) * (q - 1n)) === 1n;
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

function privateKey(p: bigint, q: bigint, e: bigint): KeyObject {
  const d = invert(e, (p - 1n) * (q - 1n));
  const numbers = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: invert(q, p) };
  const jwk = Object.entries(numbers).map(([name, value]) => [name, base64Url(value)] as const);
  return createPrivateKey({ key: { kty: "RSA", ...Object.fromEntries(jwk) }, format: "jwk" });
}

function base64Url(value: bigint): string {
  return toBase64Url(numberToVarBytesBE(value));
}

/** How many bytes a signature has. */
function size(pair: RsaPair): number {
  return Math.ceil(pair.bits / 8);
}

export function toBytes(value: bigint, pair: RsaPair): Uint8Array {
  return numberToBytesBE(value, size(pair));
}

/** The bare RSA operation: `block` to the power of d. */
export function rsaSign(block: Uint8Array, pair: RsaPair): Uint8Array {
  const padded = toBytes(bytesToNumberBE(block), pair);
  const key = { key: pair.privateKey, padding: constants.RSA_NO_PADDING };
  return new Uint8Array(privateEncrypt(key, padded));
}

/** What may be otherwise than rule 15 has it. */
export interface Pss {
  readonly hash?: string;
  readonly mgfHash?: string;
  readonly salt?: number;
  readonly trailer?: number;
  /** What is hashed before the hash of the message: eight zeros. */
  readonly prefix?: Uint8Array;
  /** Changes PS || 01 || salt before it is masked. */
  readonly db?: (db: Uint8Array) => Uint8Array;
  /** Changes the whole encoded message. */
  readonly block?: (block: Uint8Array) => Uint8Array;
}

/** EMSA-PSS-ENCODE. */
function encode(message: Uint8Array, bits: number, options: Pss): Uint8Array {
  const { hash = "sha256", mgfHash = hash, salt = 32, trailer = 0xbc } = options;
  const { prefix = new Uint8Array(8), db = same, block = same } = options;
  const saltBytes = randomBytes(salt);
  const h = digest(hash, prefix, digest(hash, message), saltBytes);
  const length = Math.ceil((bits - 1) / 8);
  const ps = new Uint8Array(length - salt - h.length - 2);
  const masked = db(concatBytes(ps, Uint8Array.of(1), saltBytes));
  const mask = mgf1(mgfHash, h, masked.length);
  const out = masked.map((byte, at) => byte ^ (mask[at] ?? 0));
  out[0] = (out[0] ?? 0) & (0xff >> (8 * length - (bits - 1)));
  return block(concatBytes(out, h, Uint8Array.of(trailer)));
}

function mgf1(hash: string, seed: Uint8Array, length: number): Uint8Array {
  let mask = new Uint8Array();
  for (let counter = 0; mask.length < length; counter += 1) {
    mask = concatBytes(mask, digest(hash, seed, numberToBytesBE(counter, 4)));
  }
  return mask.subarray(0, length);
}

export function digest(hash: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash(hash)
      .update(concatBytes(...parts))
      .digest(),
  );
}

function same(bytes: Uint8Array): Uint8Array {
  return bytes;
}

export const MESSAGE = text("message");

/** An encoded message made as `options` say, below the modulus. */
export function pssBlock(pair: RsaPair, options: Pss = {}): Uint8Array {
  return search(() => {
    const block = encode(MESSAGE, pair.bits, options);
    return bytesToNumberBE(block) < pair.n ? block : null;
  });
}

export function pssSignature(pair: RsaPair, options: Pss = {}): Uint8Array {
  return rsaSign(pssBlock(pair, options), pair);
}

export function attempt(pair: RsaPair, signature: Uint8Array, spki = rsaSpki(pair)): Attempt {
  return { key: rsaKeyObject(spki), message: MESSAGE, signature };
}

/** What an RSA key in DER is made of, each part open to change. */
export interface RsaDer {
  readonly algorithm?: Uint8Array;
  readonly modulus?: Uint8Array;
  readonly exponent?: Uint8Array;
}

export function rsaSpki({ n, e }: Pick<RsaPair, "n" | "e">, der: RsaDer = {}): Uint8Array {
  const { algorithm = unhex("300d06092a864886f70d0101010500") } = der;
  const { modulus = derInteger(n), exponent = derInteger(e) } = der;
  return tlv(0x30, algorithm, tlv(0x03, Uint8Array.of(0), tlv(0x30, modulus, exponent)));
}

export function derInteger(value: bigint): Uint8Array {
  const digits = numberToVarBytesBE(value);
  return tlv(0x02, (digits[0] ?? 0) < 0x80 ? digits : concatBytes(Uint8Array.of(0), digits));
}
