/**
 * Key material that is a point (rule 13): on the curve, in its one encoding, and for Ed25519 not of
 * small order, where signatures verify that nobody made.
 */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { concatBytes } from "../../lib/tuf/bytes.ts";
import { ed25519FromHex, fromSpki, p256FromHex } from "../../lib/tuf/spki.ts";
import { expectRefused, hex, spkiOf, tlv, unhex } from "../support/tuf/der.ts";

const ED25519_SPKI = spkiOf(generateKeyPairSync("ed25519").publicKey);
const ED25519 = hex(ED25519_SPKI.subarray(-32));
const P256 = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey);
const P384 = spkiOf(generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey);
const ODD = "expected a SubjectPublicKeyInfo";
describe("Ed25519", () => {
  // RFC 8032 curve, p = 2^255 - 19: every point whose order divides 8.
  const SMALL = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  ];

  test.each(SMALL)("refuses the point of small order %s", (point) => {
    expectRefused(() => ed25519FromHex(point), "small order");
    expectRefused(
      () => fromSpki(concatBytes(unhex("302a300506032b6570032100"), unhex(point))),
      "small",
    );
  });

  test("these are all of them", () => {
    expect(SMALL.toSorted()).toEqual(ED25519_TORSION_SUBGROUP.toSorted());
  });

  test("a verifier without that check takes a signature that nobody made", () => {
    const identity = unhex(SMALL[0] ?? "");
    const forged = concatBytes(identity, new Uint8Array(32));
    expect(ed25519.verify(forged, unhex("00"), identity, { zip215: true })).toBe(true);
  });

  test("refuses every y from p to 2^255 - 1, and both signs of x = 0", () => {
    const points = Array.from({ length: 19 }, (_unused, i) => hex(Uint8Array.of(0xed + i)));
    const encodings = points.flatMap((low) => [
      `${low}${"ff".repeat(30)}7f`,
      `${low}${"ff".repeat(30)}ff`,
    ]);
    // Some of them are points for a reader that does not mind: y = p + 3 is one.
    expect(() => ed25519.Point.fromHex(encodings[6] ?? "", true)).not.toThrow();
    encodings.push(`01${"00".repeat(30)}80`, `ec${"ff".repeat(31)}`);
    for (const encoding of encodings)
      expectRefused(() => ed25519FromHex(encoding), "canonical encoding");
  });

  test.each([
    ["off the curve", `02${"00".repeat(31)}`, "canonical encoding"],
    ["31 bytes", ED25519.slice(2), "64 lower-case hex"],
    ["33 bytes", `${ED25519}00`, "64 lower-case hex"],
    ["an odd digit", `${ED25519}0`, "64 lower-case hex"],
    ["upper case", "AB".repeat(32), "64 lower-case hex"],
    ["a prefix", `0x${ED25519.slice(2)}`, "64 lower-case hex"],
    ["a newline", `${ED25519}\n`, "64 lower-case hex"],
    ["nothing", "", "64 lower-case hex"],
  ])("refuses %s", (_name, text, says) => {
    expectRefused(() => ed25519FromHex(text), says);
  });

  test("refuses a SPKI that is too short or too long", () => {
    const spki = ED25519_SPKI;
    expectRefused(() => fromSpki(spki.subarray(0, -1)), ODD);
    expectRefused(() => fromSpki(concatBytes(spki, unhex("00"))), ODD);
  });
});

describe("P-256", () => {
  const [spki, length] = [P256, 65];
  const prefix = spki.subarray(0, spki.length - length);
  const point = spki.subarray(prefix.length);
  const x = point.subarray(1, (length + 1) / 2);

  test.each<readonly [string, Uint8Array]>([
    ["a point off the curve", point.with(length - 1, (point.at(-1) ?? 0) ^ 1)],
    ["the point (0, 0)", new Uint8Array(length).with(0, 4)],
    ["coordinates past the field", new Uint8Array(length).fill(0xff).with(0, 4)],
    ["a compressed point", concatBytes(Uint8Array.of(2 + ((point.at(-1) ?? 0) & 1)), x)],
    ["a hybrid point", point.with(0, 6 + ((point.at(-1) ?? 0) & 1))],
    ["the point at infinity", Uint8Array.of(0)],
    ["a byte too many", concatBytes(point, Uint8Array.of(0))],
    ["a byte too few", point.subarray(0, -1)],
    ["no point", new Uint8Array()],
  ])("refuses %s", (_case, spoiled) => {
    expectRefused(() => fromSpki(concatBytes(prefix, spoiled)), "uncompressed point");
  });

  test("refuses a compressed point in a SPKI of its own length", () => {
    const compressed = concatBytes(Uint8Array.of(2), x);
    const algorithm = spki.subarray(2, 2 + 2 + (spki[3] ?? 0));
    const der = tlv(0x30, algorithm, tlv(0x03, Uint8Array.of(0), compressed));
    expectRefused(() => fromSpki(der), ODD);
  });
});

test("P-256 from hex: refuses a compressed point, upper case and a P-384 point", () => {
  const point = hex(P256.subarray(-65));
  expectRefused(() => p256FromHex(`02${point.slice(2, 66)}`), "uncompressed");
  expectRefused(() => p256FromHex("04".repeat(65).replace("04", "0A")), "lower-case hex");
  expectRefused(() => p256FromHex(hex(P384.subarray(-97))), "uncompressed");
});

test.each(["secp256k1", "P-384", "P-521"])("refuses the curve %s", (namedCurve) => {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve });
  expectRefused(() => fromSpki(spkiOf(publicKey)), ODD);
});
