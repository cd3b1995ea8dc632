/**
 * ECDSA keys (rule 13): a point of the curve, uncompressed, in the SPKI of its named curve; a
 * second encoding would be a second fingerprint of one key.
 */
import { numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { tlv, unhex } from "../../support/tuf/der.ts";
import {
  attempt,
  der,
  P384,
  pointFrom,
  publicPoint,
  signed,
  spki,
  uncompressed,
  type Curve,
} from "./ecdsa-sign.ts";
import { ecdsaKeyObject, flipped, invalid, refused, valid } from "./row.ts";
import type { Attempt, EdgeGroup } from "./row.ts";

const POINT = "expected an uncompressed point of the ECDSA curve";
const OTHER = "expected a SubjectPublicKeyInfo of RSA, Ed25519 or P-256";

export function ecdsaKeys(on: Curve): readonly EdgeGroup[] {
  return [points(on), algorithms(on)];
}

/** A good signature by the key of the curve, under other bytes. */
function under(on: Curve, point: Uint8Array): () => Attempt {
  return () => {
    const { r, s, message } = signed(on);
    return attempt(on, message, der(r, s), point);
  };
}

function points(on: Curve): EdgeGroup {
  const good = uncompressed(publicPoint(on));
  const x = good.subarray(1, 1 + on.size);
  const y = good.subarray(1 + on.size);
  const parity = (y.at(-1) ?? 0) & 1;
  const coordinate = (value: bigint): Uint8Array => numberToBytesBE(value, on.size);
  const small = uncompressed(pointFrom(on, 1n)).subarray(1);
  const smallX = pointFrom(on, 1n).x;
  const ones = new Uint8Array(on.size).fill(0xff);
  const point = (first: Uint8Array, second: Uint8Array): Uint8Array =>
    concatBytes(Uint8Array.of(4), first, second);
  return {
    name: `ECDSA ${on.name}, point of the key`,
    rows: [
      valid("uncompressed", under(on, good)),
      refused("compressed", OTHER, under(on, concatBytes(Uint8Array.of(2 + parity), x))),
      refused("hybrid", POINT, under(on, concatBytes(Uint8Array.of(6 + parity), x, y))),
      refused("infinity", OTHER, under(on, unhex("00"))),
      refused("infinity, as zeros", POINT, under(on, new Uint8Array(good.length))),
      refused("(0, 0)", POINT, under(on, point(coordinate(0n), coordinate(0n)))),
      refused("off the curve by a bit of y", POINT, under(on, flipped(good, -1))),
      refused("off the curve by a bit of x", POINT, under(on, flipped(good, 1))),
      refused("x and y the other way round", POINT, under(on, point(y, x))),
      invalid("(x, -y): another key", under(on, uncompressed(publicPoint(on).negate()))),
      invalid(
        "a point with a small x: a key that nobody holds",
        under(on, point(coordinate(smallX), small.subarray(on.size))),
      ),
      refused(
        "that point with x + p",
        POINT,
        under(on, point(coordinate(smallX + on.p), small.subarray(on.size))),
      ),
      refused("x = p", POINT, under(on, point(coordinate(on.p), y))),
      refused("y = p", POINT, under(on, point(x, coordinate(on.p)))),
      refused("x all ones", POINT, under(on, point(ones, y))),
      refused("y all ones", POINT, under(on, point(x, ones))),
      refused("a byte more", OTHER, under(on, concatBytes(good, unhex("00")))),
      refused("a byte less", OTHER, under(on, good.subarray(0, -1))),
    ],
  };
}

function algorithms(on: Curve): EdgeGroup {
  const other = P384;
  const point = uncompressed(publicPoint(on));
  const key = (bytes: Uint8Array) => (): Attempt => ({
    ...under(on, point)(),
    key: ecdsaKeyObject(bytes),
  });
  const named = (algorithm: Uint8Array): (() => Attempt) => key(spki({ ...on, algorithm }, point));
  const oid = on.algorithm.subarray(2 + 9);
  const head = spki(on, point).subarray(0, -point.length);
  const compressed = publicPoint(on).toBytes(true);
  return {
    name: `ECDSA ${on.name}, SPKI of the key`,
    rows: [
      valid("of its curve", named(on.algorithm)),
      refused("of the other curve", OTHER, named(other.algorithm)),
      refused("id-ecDH", OTHER, named(tlv(0x30, unhex("06052b8104010c"), oid))),
      refused(
        "secp256k1",
        OTHER,
        named(tlv(0x30, unhex("06072a8648ce3d0201"), unhex("06052b8104000a"))),
      ),
      refused("no curve", OTHER, named(tlv(0x30, unhex("06072a8648ce3d0201")))),
      refused(
        "the outer length in two bytes",
        OTHER,
        key(concatBytes(unhex("3081"), spki(on, point).subarray(1))),
      ),
      refused("compressed, all lengths as they were", POINT, key(concatBytes(head, compressed))),
      refused("unused bits", OTHER, key(flipped(spki(on, point), -point.length - 1))),
      refused(
        "a key of P-384, whose signatures tuf-js checks with another hash",
        OTHER,
        key(spki(other, uncompressed(publicPoint(other)))),
      ),
    ],
  };
}
