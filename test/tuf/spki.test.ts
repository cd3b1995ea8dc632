/**
 * Key material (rule 13). One key has one encoding here, so one fingerprint: an encoding accepted
 * twice would count one key twice, and a weak key would count what nobody signed. Points of curves are
 * in spki-curves.test.ts.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes, sha256 } from "../../lib/tuf/bytes.ts";
import {
  ed25519FromHex,
  ed25519Raw,
  fromPem,
  fromSpki,
  p256FromHex,
  toPem,
} from "../../lib/tuf/spki.ts";
import { expectRefused, hex, spkiOf, tlv, unhex } from "../support/tuf/der.ts";

const REAL = {
  rsa: generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ed25519: generateKeyPairSync("ed25519"),
  p256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
};
const RSA = spkiOf(REAL.rsa.publicKey);
const RSA_PEM = toPem(RSA);
const [BEGIN = "", BODY = "", END = ""] =
  /^(-+.*-+\n)([^-]*)(-+.*\n)$/.exec(RSA_PEM)?.slice(1) ?? [];
const ED25519 = hex(ed25519Raw(fromSpki(spkiOf(REAL.ed25519.publicKey))));
const P256 = spkiOf(REAL.p256.publicKey);

describe("keys that OpenSSL made", () => {
  test.each<readonly [string, { readonly publicKey: KeyObject }]>(Object.entries(REAL))(
    "%s: same DER, same PEM, same key",
    (_name, { publicKey }) => {
      const spki = spkiOf(publicKey);
      const key = fromSpki(spki);
      expect(hex(key.spki)).toBe(hex(spki));
      expect(key.fingerprint).toBe(sha256(spki));
      const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
      expect(toPem(key.spki)).toBe(pem);
      expect(fromPem(pem)).toEqual(key);
      expect(fromPem(pem.trimEnd())).toEqual(key);
      expect(createPublicKey(toPem(key.spki)).equals(publicKey)).toBe(true);
    },
  );

  test("the algorithm follows from the key", () => {
    expect(Object.values(REAL).map((pair) => fromSpki(spkiOf(pair.publicKey)).algorithm)).toEqual([
      "rsa-pss-sha256",
      "ed25519",
      "ecdsa-p256-sha256",
    ]);
  });

  test("an Ed25519 key and a P-256 key are the same from hex", () => {
    expect(ed25519FromHex(ED25519)).toEqual(fromSpki(spkiOf(REAL.ed25519.publicKey)));
    expect(p256FromHex(hex(P256.subarray(-65)))).toEqual(fromSpki(P256));
  });

  test("RSA of 3072 bits", () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });
    expect(fromSpki(spkiOf(publicKey)).algorithm).toBe("rsa-pss-sha256");
  });
});

/** A SubjectPublicKeyInfo of RSA, with any numbers; `twist` spoils the inner DER. */
function rsa(
  bits: number,
  exponent: string,
  twist: (der: Uint8Array) => Uint8Array = same,
): Uint8Array {
  const modulus = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
  modulus[0] = 0xff >> ((8 - (bits % 8)) % 8);
  return rsaOf(integer(modulus), integer(unhex(exponent)), twist);
}

function rsaOf(
  modulus: Uint8Array,
  exponent: Uint8Array,
  twist: (der: Uint8Array) => Uint8Array = same,
): Uint8Array {
  const pair = twist(tlv(0x30, modulus, exponent));
  const algorithm = unhex("300d06092a864886f70d0101010500");
  return tlv(0x30, algorithm, tlv(0x03, Uint8Array.of(0), pair));
}

function same(der: Uint8Array): Uint8Array {
  return der;
}

function integer(value: Uint8Array): Uint8Array {
  return tlv(0x02, (value[0] ?? 0) >= 0x80 ? concatBytes(Uint8Array.of(0), value) : value);
}

const MODULUS = new Uint8Array(256).fill(0xff);
const E65537 = unhex("0203010001");
const ODD = "expected a SubjectPublicKeyInfo";
const SIZE = "2048 to 8192 bits";
const EXPONENT = "expected the RSA exponent 65537";

test.each<readonly [string, Uint8Array]>([
  ["2048 bits", rsa(2048, "010001")],
  ["8192 bits", rsa(8192, "010001")],
  ["a size that is no multiple of 8", rsa(2049, "010001")],
])("RSA: takes %s", (_name, spki) => {
  expect(fromSpki(spki).fingerprint).toBe(sha256(spki));
  expect(createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" }).type).toBe(
    "public",
  );
});

test.each<readonly [string, Uint8Array, string]>([
  ["1023 bits", rsa(1023, "010001"), SIZE],
  ["1024 bits", rsa(1024, "010001"), SIZE],
  ["2047 bits", rsa(2047, "010001"), SIZE],
  ["8193 bits", rsa(8193, "010001"), SIZE],
  ["modulus 0", rsaOf(integer(Uint8Array.of(0)), E65537), `${SIZE}, got 0`],
  ["an even modulus", rsaOf(integer(MODULUS.with(255, 0xfe)), E65537), "modulus is even"],
  ["exponent 1", rsa(2048, "01"), EXPONENT],
  ["exponent 3", rsa(2048, "03"), EXPONENT],
  ["exponent 65535", rsaOf(integer(MODULUS), integer(unhex("ffff"))), EXPONENT],
  ["exponent 65538", rsa(2048, "010002"), EXPONENT],
  ["exponent 65539", rsa(2048, "010003"), EXPONENT],
  ["exponent 2^31 - 1", rsa(2048, "7fffffff"), EXPONENT],
  ["exponent 2^31 + 1", rsa(2048, "0080000001"), EXPONENT],
  ["exponent 2^32 + 1", rsa(2048, "0100000001"), EXPONENT],
  ["an exponent of 64 bits", rsa(2048, "7fffffffffffffff"), EXPONENT],
  ["a modulus with a zero too many", rsaOf(tlv(2, unhex("0000"), MODULUS), E65537), ODD],
  ["a negative modulus", rsaOf(tlv(2, MODULUS), E65537), ODD],
  ["an exponent with a zero too many", rsaOf(integer(MODULUS), unhex("020400010001")), ODD],
  ["an exponent of length 0", rsaOf(integer(MODULUS), unhex("0200")), ODD],
  ["a long form of a short length", rsaOf(integer(MODULUS), unhex("028103010001")), ODD],
  ["no exponent", rsaOf(integer(MODULUS), new Uint8Array()), ODD],
  ["a third number", rsaOf(integer(MODULUS), concatBytes(E65537, unhex("020101"))), ODD],
  ["bytes after the numbers", rsa(2048, "010001", (der) => concatBytes(der, unhex("00"))), ODD],
  ["numbers cut short", rsa(2048, "010001", (der) => der.subarray(0, -1)), ODD],
  ["a byte after the key", concatBytes(RSA, unhex("00")), ODD],
  ["the key twice", concatBytes(RSA, RSA), ODD],
  ["a byte missing", RSA.subarray(0, -1), ODD],
  ["an indefinite length", concatBytes(unhex("3080"), RSA.subarray(4), unhex("0000")), ODD],
  ["a length of 4 bytes", concatBytes(unhex("308400000122"), RSA.subarray(4)), ODD],
  ["PKCS#1", pkcs1(), ODD],
  ["an RSASSA-PSS key", rsaPss(), ODD],
  ["no numbers", rsaOf(new Uint8Array(), new Uint8Array()), ODD],
  ["a modulus that is no integer", rsaOf(tlv(0x04, MODULUS), E65537), ODD],
  ["an X25519 key, as long as one of Ed25519", spkiOf(x25519()), ODD],
  ["no NULL after the algorithm", withoutNull(), ODD],
  ["unused bits in the bit string", RSA.with(RSA.indexOf(3, 19) + 4, 1), ODD],
  ["nothing", new Uint8Array(), ODD],
  ["one byte", unhex("30"), ODD],
])("RSA: refuses %s", (_name, spki, says) => {
  expectRefused(() => fromSpki(spki), says);
});

function x25519(): KeyObject {
  return generateKeyPairSync("x25519").publicKey;
}

function pkcs1(): Uint8Array {
  return new Uint8Array(REAL.rsa.publicKey.export({ type: "pkcs1", format: "der" }));
}

function rsaPss(): Uint8Array {
  return spkiOf(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey);
}

function withoutNull(): Uint8Array {
  const algorithm = unhex("300b06092a864886f70d010101");
  return tlv(0x30, algorithm, tlv(0x03, Uint8Array.of(0), tlv(0x30, integer(MODULUS), E65537)));
}

const privatePem = REAL.rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

test.each<readonly [string, string]>([
  ["two blocks", RSA_PEM + RSA_PEM],
  ["text before", `key of Alice\n${RSA_PEM}`],
  ["a newline before", `\n${RSA_PEM}`],
  ["text after", `${RSA_PEM}key of Alice\n`],
  ["a second newline at the end", `${RSA_PEM}\n`],
  ["a space at the end", `${RSA_PEM} `],
  ["lines with CRLF", RSA_PEM.replaceAll("\n", "\r\n")],
  ["a header", `${BEGIN}Comment: x\n\n${BODY}${END}`],
  ["an empty line", `${BEGIN}\n${BODY}${END}`],
  [
    "a line of 77 columns",
    `${BEGIN}${BODY.replaceAll("\n", "").replaceAll(/.{77}/g, "$&\n")}\n${END}`,
  ],
  ["no body", BEGIN + END],
  ["no end", BEGIN + BODY],
  ["a private key", privatePem],
  ["a PKCS#1 label", RSA_PEM.replaceAll("PUBLIC", "RSA PUBLIC")],
  ["a certificate label", RSA_PEM.replaceAll("PUBLIC KEY", "CERTIFICATE")],
  ["base64 with a space", `${BEGIN} ${BODY}${END}`],
  ["base64url", `${BEGIN}${BODY.replaceAll(/[+/]/g, "_")}_\n${END}`],
  ["padding in the middle", `${BEGIN}MA==\n${BODY}${END}`],
  ["base64 with bits left over", `${BEGIN}MB==\n${END}`],
  ["no PEM", BODY],
  ["nothing", ""],
])("PEM: refuses %s", (_name, pem) => {
  expectRefused(() => fromPem(pem), "expected one PEM block");
});
