/**
 * Ed25519 by hand (RFC 8032, 5.1): a signer who may choose what no honest one does, torsion in the
 * key or in R, and other encodings of either. And what the equation says of the result, read as
 * loosely as can be, so that a row shows that its encoding alone is at fault.
 */
import { createHash } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToNumberLE, numberToBytesLE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { unhex } from "../../support/tuf/der.ts";
import { ed25519KeyObject, search, text, type Attempt } from "./row.ts";

const { Point } = ed25519;
type Point = typeof Point.ZERO;

/** The order of the large subgroup. */
export const L = Point.Fn.ORDER;

/** A point of order 8, as in libsodium's list; its multiples are all points of small order. */
const TORSION = Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05");

export function torsion(multiple: number): Point {
  return TORSION.multiplyUnsafe(BigInt(multiple % 8));
}

export function decoded(encoding: string): Point {
  return Point.fromBytes(unhex(encoding), true);
}

/** A key, a message and a signature; A and R may be any 32 bytes. */
export interface Forgery {
  readonly a: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface Recipe {
  /** A is this times the base point, and `keyTorsion`. */
  readonly secret?: bigint;
  readonly keyTorsion?: Point;
  /** Other bytes for the same A. */
  readonly keyBytes?: Uint8Array;
  /** R is this times the base point, and `nonceTorsion`. */
  readonly nonce?: bigint;
  readonly nonceTorsion?: Point;
  readonly nonceBytes?: Uint8Array;
  /** Whether the torsion cancels out (the default), or is left over. */
  readonly cancels?: boolean;
}

const SECRET = bytesToNumberLE(createHash("sha512").update("secret").digest()) % L;
const NONCE = bytesToNumberLE(createHash("sha512").update("nonce").digest()) % L;

/** Signs the first of many messages where the torsion does what the recipe says. */
export function forge(recipe: Recipe = {}): Forgery {
  const { secret = SECRET, nonce = NONCE, cancels = true } = recipe;
  const { keyTorsion = Point.ZERO, nonceTorsion = Point.ZERO } = recipe;
  const a = recipe.keyBytes ?? times(secret).add(keyTorsion).toBytes();
  const r = recipe.nonceBytes ?? times(nonce).add(nonceTorsion).toBytes();
  return search((attempt) => {
    const message = text(`message ${attempt}`);
    const k = challenge(r, a, message);
    if (keyTorsion.multiplyUnsafe(k).add(nonceTorsion).is0() !== cancels) return null;
    return { a, message, signature: concatBytes(r, scalar((nonce + k * secret) % L)) };
  });
}

function times(factor: bigint): Point {
  return Point.BASE.multiplyUnsafe(factor);
}

/** Reduced modulo L before it is used, as every verifier does: with torsion, that decides. */
function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint {
  const hash = createHash("sha512").update(r).update(a).update(message).digest();
  return bytesToNumberLE(hash) % L;
}

export function scalar(value: bigint): Uint8Array {
  return numberToBytesLE(value, 32);
}

/** The same signature with another S. */
export function withS(forgery: Forgery, change: (s: bigint) => bigint): Forgery {
  const { signature } = forgery;
  const s = change(bytesToNumberLE(signature.subarray(32)));
  return { ...forgery, signature: concatBytes(signature.subarray(0, 32), scalar(s)) };
}

/** The same signature with another R, which nothing else is fitted to. */
export function withR(forgery: Forgery, r: Uint8Array): Forgery {
  return { ...forgery, signature: concatBytes(r, forgery.signature.subarray(32)) };
}

type Equation = "S B = R + k A" | "only 8 S B = 8 R + 8 k A" | "neither";

function equationOf({ a, message, signature }: Forgery): Equation {
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32)) % L;
  let difference: Point;
  try {
    const right = Point.fromBytes(a, true).multiplyUnsafe(challenge(r, a, message));
    difference = Point.fromBytes(r, true).add(right).subtract(times(s));
  } catch {
    return "neither";
  }
  if (difference.is0()) return "S B = R + k A";
  return difference.clearCofactor().is0() ? "only 8 S B = 8 R + 8 k A" : "neither";
}

/** The equation of plain Ed25519 holds, for a reader that takes any encoding and any S. */
export function exact(forgery: Forgery): Attempt {
  return checked(forgery, "S B = R + k A");
}

/** It holds in cofactored verification alone. */
export function cofactored(forgery: Forgery): Attempt {
  return checked(forgery, "only 8 S B = 8 R + 8 k A");
}

/** It does not hold. */
export function never(forgery: Forgery): Attempt {
  return checked(forgery, "neither");
}

function checked(forgery: Forgery, expected: Equation): Attempt {
  const found = equationOf(forgery);
  if (found !== expected) throw new Error(`the row is wrong: expected ${expected}, got ${found}`);
  const { a, message, signature } = forgery;
  return { key: ed25519KeyObject(a), message, signature };
}
