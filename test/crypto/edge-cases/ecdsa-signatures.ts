/**
 * ECDSA signatures (rule 15): r and s from 1 to n - 1, and the hash of the curve. s and n - s are
 * both good: ECDSA says so, and a second signature by a key adds nothing, because a key counts once
 * by its fingerprint (rule 17).
 */
import { invert, mod } from "@noble/curves/abstract/modular.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { unhex } from "../../support/tuf/der.ts";
import {
  attempt,
  der,
  hashed,
  pointFrom,
  publicPoint,
  signed,
  uncompressed,
  type Curve,
  type Signed,
} from "./ecdsa-sign.ts";
import { invalid, text, valid, type Attempt, type EdgeGroup } from "./row.ts";

/** RFC 6979, A.2.5, message "sample" with the hash of the curve: x, y, r, s. */
const RFC_6979 = [
  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
] as const;

function rfc6979(on: Curve): Attempt {
  const [x, y, r, s] = RFC_6979;
  return attempt(on, text("sample"), der(BigInt(`0x${r}`), BigInt(`0x${s}`)), unhex(`04${x}${y}`));
}

export function ecdsaSignatures(on: Curve): readonly EdgeGroup[] {
  return [numbers(on), schemes(on), sums(on)];
}

/** A good signature with other numbers. */
function numbers(on: Curve): EdgeGroup {
  const { n } = on;
  const made =
    (change: (good: Signed) => readonly [bigint, bigint], fits?: (good: Signed) => boolean) =>
    (): Attempt => {
      const good = signed(on, fits);
      return attempt(on, good.message, der(...change(good)));
    };
  const low = ({ s }: Signed): boolean => s <= n / 2n;
  return {
    name: `ECDSA ${on.name}, r and s`,
    rows: [
      valid(
        "s low",
        made(({ r, s }) => [r, s], low),
      ),
      valid(
        "s high, n - s",
        made(({ r, s }) => [r, n - s], low),
      ),
      invalid(
        "r = 0",
        made(({ s }) => [0n, s]),
      ),
      invalid(
        "s = 0",
        made(({ r }) => [r, 0n]),
      ),
      invalid(
        "both 0",
        made(() => [0n, 0n]),
      ),
      invalid(
        "both 1",
        made(() => [1n, 1n]),
      ),
      invalid(
        "r = n",
        made(({ s }) => [n, s]),
      ),
      invalid(
        "s = n",
        made(({ r }) => [r, n]),
      ),
      invalid(
        "both n",
        made(() => [n, n]),
      ),
      invalid(
        "r = 0, s = n",
        made(() => [0n, n]),
      ),
      invalid(
        "r + n",
        made(({ r, s }) => [r + n, s]),
      ),
      invalid(
        "s + n",
        made(({ r, s }) => [r, s + n]),
      ),
      invalid(
        "r - n, negative",
        made(({ r, s }) => [r - n, s]),
      ),
      invalid(
        "s - n, negative",
        made(({ r, s }) => [r, s - n]),
      ),
      invalid(
        "-r",
        made(({ r, s }) => [-r, s]),
      ),
      invalid(
        "-s",
        made(({ r, s }) => [r, -s]),
      ),
      invalid(
        "n - r",
        made(({ r, s }) => [n - r, s]),
      ),
      invalid(
        "r = p",
        made(({ s }) => [on.p, s]),
      ),
      invalid(
        "r + 2^512",
        made(({ r, s }) => [r + 2n ** 512n, s]),
      ),
      invalid(
        "r and s the other way round",
        made(({ r, s }) => [s, r]),
      ),
      invalid(
        "1 / s in place of s",
        made(({ r, s }) => [r, invert(s, n)]),
      ),
    ],
  };
}

function schemes(on: Curve): EdgeGroup {
  const made = (hash?: string, instead?: (message: Uint8Array) => Uint8Array) => (): Attempt => {
    const options = { ...(hash && { hash }), ...(instead && { instead }) };
    const { r, s, message } = signed(on, undefined, options);
    return attempt(on, message, der(r, s));
  };
  return {
    name: `ECDSA ${on.name}, hash`,
    rows: [
      valid(on.hash, made()),
      valid(`${on.hash}, "sample" of RFC 6979`, () => rfc6979(on)),
      ...[on.otherHash, "sha512", "sha1", "sha3-256"].map((hash) => invalid(hash, made(hash))),
      invalid(
        "the hash of another message",
        made(on.hash, (m) => concatBytes(m, unhex("00"))),
      ),
    ],
  };
}

/** Good signatures for which a careless verifier adds wrongly, and sums that are no good ones. */
function sums(on: Curve): EdgeGroup {
  const { n } = on;
  const message = text("message");
  const z = hashed(on, message);
  const nonce = hashed(on, text("nonce"));
  const r = mod(on.Point.BASE.multiply(nonce).x, n);
  const under = (secret: bigint) => (): Attempt => {
    const s = mod(invert(nonce, n) * (z + r * secret), n);
    return attempt(on, message, der(r, s), uncompressed(publicPoint(on, secret)));
  };
  const double = mod(z * invert(r, n), n);
  return {
    name: `ECDSA ${on.name}, the sum of two points`,
    rows: [
      valid("two points that differ", under(on.secret)),
      valid("the same point twice", under(double)),
      // Any s would do, for a verifier that reads x = 0 or x = r off the point at infinity.
      invalid("a point and its opposite", () =>
        attempt(on, message, der(r, z), uncompressed(publicPoint(on, n - double))),
      ),
      valid("the key is the base point", under(1n)),
      valid("the key is the opposite of the base point", under(n - 1n)),
      valid("x is n or more, so r is x - n", () => largeX(on, message, (x) => x - n)),
      invalid("x is n or more, and so is r", () => largeX(on, message, (x) => x)),
    ],
  };
}

/** R is found by its x, so the key follows from the signature: Q = (s R - z G) / r. */
function largeX(on: Curve, message: Uint8Array, toR: (x: bigint) => bigint): Attempt {
  const point = pointFrom(on, on.n + 1n);
  const s = 7n;
  const inverse = invert(mod(point.x, on.n), on.n);
  const z = hashed(on, message);
  const key = point
    .multiply(mod(s * inverse, on.n))
    .subtract(on.Point.BASE.multiply(mod(z * inverse, on.n)));
  return attempt(on, message, der(toR(point.x), s), uncompressed(key));
}
