/**
 * ECDSA by hand (FIPS 186-5, 6.4), with any nonce and any key, and its DER with any numbers: r and
 * s are bigints here, so a row may write what no signer would.
 */
import { createHash } from "node:crypto";
import { invert, mod } from "@noble/curves/abstract/modular.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { tlv, unhex } from "../../support/tuf/der.ts";
import { ecdsaKeyObject, search, text, type Attempt } from "./row.ts";

type Point = typeof p256.Point.ZERO;

export interface Curve {
  readonly name: "P-256" | "P-384";
  readonly Point: typeof p256.Point;
  /** The order of the base point, and the prime of the field. */
  readonly n: bigint;
  readonly p: bigint;
  /** The bytes of a coordinate. */
  readonly size: number;
  readonly hash: "sha256" | "sha384";
  readonly otherHash: "sha256" | "sha384";
  /** AlgorithmIdentifier of the SPKI. */
  readonly algorithm: Uint8Array;
  /** A secret for all rows of this curve. */
  readonly secret: bigint;
}

function curve(
  of: typeof p256,
  ids: Pick<Curve, "name" | "size" | "hash" | "otherHash" | "algorithm">,
): Curve {
  const n = of.Point.Fn.ORDER;
  const secret = mod(bytesToNumberBE(createHash("sha512").update("secret").digest()), n);
  return { ...ids, Point: of.Point, n, p: of.Point.Fp.ORDER, secret };
}

export const P256 = curve(p256, {
  name: "P-256",
  size: 32,
  hash: "sha256",
  otherHash: "sha384",
  algorithm: unhex("301306072a8648ce3d020106082a8648ce3d030107"),
});
export const P384 = curve(p384, {
  name: "P-384",
  size: 48,
  hash: "sha384",
  otherHash: "sha256",
  algorithm: unhex("301006072a8648ce3d020106052b81040022"),
});

export function spki(on: Curve, point: Uint8Array): Uint8Array {
  return tlv(0x30, on.algorithm, tlv(0x03, Uint8Array.of(0), point));
}

export function uncompressed(point: Point): Uint8Array {
  return point.toBytes(false);
}

export function publicPoint(on: Curve, secret = on.secret): Point {
  return on.Point.BASE.multiply(secret);
}

/** The point with the smallest x from `least` on. */
export function pointFrom(on: Curve, least: bigint): Point {
  return search((step) => {
    try {
      const x = numberToBytesBE(least + BigInt(step), on.size);
      return on.Point.fromBytes(concatBytes(Uint8Array.of(2), x));
    } catch {
      return null;
    }
  });
}

/** A signature as two numbers, and what it signs. */
export interface Signed {
  readonly r: bigint;
  readonly s: bigint;
  readonly message: Uint8Array;
}

export function hashed(on: Curve, message: Uint8Array, hash: string = on.hash): bigint {
  const digest = createHash(hash).update(message).digest().subarray(0, on.size);
  return mod(bytesToNumberBE(digest), on.n);
}

export interface Options {
  readonly secret?: bigint;
  readonly hash?: string;
  /** Signed instead of the message. */
  readonly instead?: (message: Uint8Array) => Uint8Array;
}

/**
 * A good signature of which `fits` is true, found by changing the message and, after 64
 * of them, the nonce: two signatures with one nonce give the secret away, and here nobody minds.
 */
export function signed(
  on: Curve,
  fits: (pair: Signed) => boolean = () => true,
  options: Options = {},
): Signed {
  const { secret = on.secret, hash = on.hash, instead = (message) => message } = options;
  return search((attempt) => {
    const nonce = hashed(on, text(`nonce ${attempt}`));
    const r = mod(on.Point.BASE.multiply(nonce).x, on.n);
    const inverse = invert(nonce, on.n);
    for (let number = 0; number < 64; number += 1) {
      const message = text(`message ${attempt} ${number}`);
      const z = hashed(on, instead(message), hash);
      const s = mod(inverse * (z + r * secret), on.n);
      if (fits({ r, s, message })) return { r, s, message };
    }
    return null;
  });
}

/** INTEGER in DER: two's complement, no byte too many. */
export function integer(value: bigint): Uint8Array {
  let length = 1;
  while (BigInt.asIntN(8 * length, value) !== value) length += 1;
  return tlv(0x02, numberToBytesBE(BigInt.asUintN(8 * length, value), length));
}

export function der(r: bigint, s: bigint): Uint8Array {
  return tlv(0x30, integer(r), integer(s));
}

/** r || s, as IEEE P1363 and JWS have it. */
export function p1363(on: Curve, r: bigint, s: bigint): Uint8Array {
  return concatBytes(numberToBytesBE(r, on.size), numberToBytesBE(s, on.size));
}

export function attempt(
  on: Curve,
  message: Uint8Array,
  signature: Uint8Array,
  point = uncompressed(publicPoint(on)),
): Attempt {
  return { key: ecdsaKeyObject(spki(on, point)), message, signature };
}
