/**
 * ECDSA signatures as bytes (rule 15): the one DER of SEQUENCE { r, s }. A reader of BER would take
 * many of these, and each would be another signature under the same name.
 */
import { numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { tlv, unhex } from "../../support/tuf/der.ts";
import { attempt, der, integer, p1363, signed, type Curve, type Signed } from "./ecdsa-sign.ts";
import { flipped, invalid, invalids, valid, type Attempt, type EdgeGroup } from "./row.ts";

/** A good signature in other bytes. */
export function ecdsaDer(on: Curve): EdgeGroup {
  type Write = (good: Signed) => Uint8Array;
  const made = (write: Write, fits?: (good: Signed) => boolean) => (): Attempt => {
    const good = signed(on, fits);
    return attempt(on, good.message, write(good));
  };
  const asDer = ({ r, s }: Signed): Uint8Array => der(r, s);
  const spoiled = (change: (signature: Uint8Array) => Uint8Array): (() => Attempt) =>
    made((good) => change(asDer(good)));
  const fixed = (value: bigint): Uint8Array => numberToBytesBE(value, on.size);
  const top = 8n * BigInt(on.size) - 1n;
  const signBit = ({ r }: Signed): boolean => r >> top === 1n;
  const noSignBit = ({ s }: Signed): boolean => s >> top === 0n;
  const short = ({ s }: Signed): boolean => s >> (top - 8n) === 0n;
  const zero = unhex("00");
  return {
    name: `ECDSA ${on.name}, DER`,
    rows: [
      valid("as DER has it", made(asDer)),
      valid("r with a 00 before its top bit", made(asDer, signBit)),
      invalid(
        "that r without its 00, so negative",
        made(({ r, s }) => tlv(0x30, tlv(2, fixed(r)), integer(s)), signBit),
      ),
      valid("s a byte shorter than n", made(asDer, short)),
      invalid(
        "that s with 00 for the byte",
        made(({ r, s }) => tlv(0x30, integer(r), tlv(2, fixed(s))), short),
      ),
      invalid(
        "00 before an s that needs none",
        made(({ r, s }) => tlv(0x30, integer(r), tlv(2, zero, fixed(s))), noSignBit),
      ),
      ...invalids(made, {
        "00 before r": ({ r, s }) => tlv(0x30, tlv(2, zero, integer(r).subarray(2)), integer(s)),
        "the length of r in two bytes": ({ r, s }) => tlv(0x30, long(integer(r)), integer(s)),
        "the length of s in two bytes": ({ r, s }) => tlv(0x30, integer(r), long(integer(s))),
        "r in pieces": ({ r, s }) => tlv(0x30, tlv(0x22, integer(r)), integer(s)),
        "NULL in the sequence": ({ r, s }) => tlv(0x30, integer(r), integer(s), unhex("0500")),
        "a third number": ({ r, s }) => tlv(0x30, integer(r), integer(s), integer(s)),
        "r alone": ({ r }) => tlv(0x30, integer(r)),
        "bit strings": ({ r, s }) => tlv(0x30, flipped(integer(r), 0), flipped(integer(s), 0)),
        "IEEE P1363": ({ r, s }) => p1363(on, r, s),
      }),
      ...invalids(spoiled, {
        "the outer length in two bytes": long,
        "the outer length in three bytes": (d) => concatBytes(unhex("308200"), d.subarray(1)),
        "an indefinite length": (d) => concatBytes(unhex("3080"), d.subarray(2), unhex("0000")),
        "a byte after the sequence": (d) => concatBytes(d, zero),
        "NULL after the sequence": (d) => concatBytes(d, unhex("0500")),
        "a byte less": (d) => d.subarray(0, -1),
        "a length that is one too many": (d) => d.with(1, (d[1] ?? 0) + 1),
        "a length that is one too few": (d) => d.with(1, (d[1] ?? 0) - 1),
        "an empty sequence": () => unhex("3000"),
        "a sequence of empty numbers": () => unhex("300402000200"),
        "a SET": (d) => flipped(d, 0),
        "a sequence in a sequence": (d) => tlv(0x30, d),
        twice: (d) => concatBytes(d, d),
        "the two numbers without a sequence": (d) => d.subarray(2),
        "0 bytes": () => new Uint8Array(),
        "all zeros": (d) => new Uint8Array(d.length),
        "all ones": (d) => new Uint8Array(d.length).fill(0xff),
      }),
    ],
  };
}

/** An element of less than 128 bytes, with its length in the long form all the same. */
function long(element: Uint8Array): Uint8Array {
  return concatBytes(element.subarray(0, 1), Uint8Array.of(0x81), element.subarray(1));
}
