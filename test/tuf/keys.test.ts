/**
 * Key objects and their ids (rules 12 and 15): the id follows from the content, the algorithm from
 * keytype and scheme, and in ats nothing else may be in the object.
 */
import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { atsMethod, isKeyId, keyidsOf, keyObject, parseKey, rootKey } from "../../lib/tuf/keys.ts";
import {
  ed25519Raw,
  fromSpki,
  KeyMaterialError,
  toPem,
  type PublicKey,
} from "../../lib/tuf/spki.ts";
import { tlv, unhex } from "../support/tuf/der.ts";
import { ed25519Key, rsaKey } from "../support/tuf/test-factory.ts";

const sha256 = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("hex");

const RSA = rsaKey().publicKey;
const ED25519 = ed25519Key().publicKey;
const P256 = ecKey("P-256");
const HEX = Buffer.from(ed25519Raw(ED25519)).toString("hex");
const P256_POINT = Buffer.from(P256.spki.subarray(-65)).toString("hex");

const P384_PEM = generateKeyPairSync("ec", { namedCurve: "P-384" })
  .publicKey.export({ type: "spki", format: "pem" })
  .toString();
/** 2056 bits: fine for everybody else. */
const ODD_PEM = generateKeyPairSync("rsa", { modulusLength: 2056 })
  .publicKey.export({ type: "spki", format: "pem" })
  .toString();

function ecKey(namedCurve: string): PublicKey {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve });
  return fromSpki(new Uint8Array(publicKey.export({ type: "spki", format: "der" })));
}

/** A modulus of all ones, which nobody has a private key for, but quick to make. */
function rsaPem(bits: number): string {
  const modulus = tlv(0x02, Uint8Array.of(0), new Uint8Array(bits / 8).fill(0xff));
  const pair = tlv(0x30, modulus, unhex("0203010001"));
  const algorithm = unhex("300d06092a864886f70d0101010500");
  return toPem(tlv(0x30, algorithm, tlv(0x03, Uint8Array.of(0), pair)));
}

function tufKey(keytype: JsonValue, scheme: JsonValue, text: JsonValue): JsonObject {
  return jsonObject({ keytype, scheme, keyval: jsonObject({ public: text }) });
}

function atsKey(keytype: JsonValue, text: JsonValue): JsonObject {
  return jsonObject({ keytype, keyval: jsonObject({ public: text }) });
}

describe("keyids", () => {
  test("tuf: SHA-256 of the canonical object, where a newline is the byte 0x0A", () => {
    const rsa = `{"keytype":"rsa","keyval":{"public":"${toPem(RSA.spki)}"},"scheme":"rsassa-pss-sha256"}`;
    expect(rootKey(RSA, "tuf").keyid).toBe(sha256(rsa));
    const ed = `{"keytype":"ed25519","keyval":{"public":"${HEX}"},"scheme":"ed25519"}`;
    expect(rootKey(ED25519, "tuf").keyid).toBe(sha256(ed));
    expect(keyidsOf(keyObject(RSA, "tuf"), RSA, "tuf")).toEqual([sha256(rsa)]);
  });

  test("tuf: members that nobody knows are part of the id", () => {
    const object = jsonObject({ ...keyObject(ED25519, "tuf"), "x-tuf-on-ci-keyowner": "@someone" });
    const [keyid] = keyidsOf(object, ED25519, "tuf");
    expect(keyid).not.toBe(rootKey(ED25519, "tuf").keyid);
    expect(parseKey(object, "tuf", false).fingerprint).toBe(ED25519.fingerprint);
  });

  test("tuf: an RSA key may have any size from 2048 bits, ats: three sizes", () => {
    const object = tufKey("rsa", "rsassa-pss-sha256", ODD_PEM);
    expect(parseKey(object, "tuf", false).signatureLength).toBe(257);
    for (const bits of [2048, 3072, 4096]) {
      const key = parseKey(atsKey("RSA", rsaPem(bits)), "ats", false);
      expect(key.signatureLength).toBe(bits / 8);
    }
  });

  test("tuf: more text in keyval is part of the id, too", () => {
    const object = jsonObject({
      ...keyObject(ED25519, "tuf"),
      keyval: { public: HEX, certificate: "" },
    });
    expect(parseKey(object, "tuf", false)).toEqual(ED25519);
    expect(keyidsOf(object, ED25519, "tuf")).not.toEqual([rootKey(ED25519, "tuf").keyid]);
  });

  test("ats: SHA-256 of the SPKI, and before that of the canonical object", () => {
    expect(rootKey(RSA, "ats").keyid).toBe(sha256(RSA.spki));
    const pem = toPem(RSA.spki).replaceAll("\n", "\\n");
    const old = sha256(`{"keytype":"RSA","keyval":{"public":"${pem}"}}`);
    expect(keyidsOf(keyObject(RSA, "ats"), RSA, "ats")).toEqual([sha256(RSA.spki), old]);
    const oldEd = sha256(`{"keytype":"ED25519","keyval":{"public":"${HEX}"}}`);
    expect(keyidsOf(keyObject(ED25519, "ats"), ED25519, "ats")).toEqual([
      sha256(ED25519.spki),
      oldEd,
    ]);
  });

  test("a keyid is 64 lower-case hex digits", () => {
    const good = sha256("");
    expect(isKeyId(good)).toBe(true);
    for (const bad of [good.toUpperCase(), good.slice(1), `${good}0`, `${good}\n`, ` ${good}`]) {
      expect(isKeyId(bad)).toBe(false);
    }
    expect([undefined, null, 1, [good], {}].some((value) => isKeyId(value))).toBe(false);
  });
});

describe("key objects", () => {
  test.each<readonly [Dialect, PublicKey]>([
    ["tuf", RSA],
    ["tuf", ED25519],
    ["ats", RSA],
    ["ats", ED25519],
  ])("%s: what is written is read back", (dialect, key) => {
    expect(parseKey(keyObject(key, dialect), dialect, false)).toEqual(key);
    expect(rootKey(key, dialect).key).toBe(key);
  });

  test("new keys are RSA or Ed25519", () => {
    expect(() => keyObject(P256, "tuf")).toThrow(KeyMaterialError);
  });

  test("the method follows from the key", () => {
    expect([RSA, ED25519].map(atsMethod)).toEqual(["rsassa-pss-sha256", "ed25519"]);
  });

  test.each<readonly [keytype: string, scheme: string, key: PublicKey]>([
    ["ecdsa", "ecdsa-sha2-nistp256", P256],
    ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", P256],
  ])("tuf takes %s with %s", (keytype, scheme, key) => {
    expect(parseKey(tufKey(keytype, scheme, toPem(key.spki)), "tuf", false)).toEqual(key);
  });

  test("a P-256 point in hex is read only where the caller asks for it", () => {
    const object = tufKey("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", P256_POINT);
    expect(parseKey(object, "tuf", true)).toEqual(P256);
    expect(() => parseKey(object, "tuf", false)).toThrow(KeyMaterialError);
    const pem = tufKey("ecdsa", "ecdsa-sha2-nistp256", toPem(P256.spki));
    expect(parseKey(pem, "tuf", true)).toEqual(P256);
    const rsa = tufKey("rsa", "rsassa-pss-sha256", P256_POINT);
    expect(() => parseKey(rsa, "tuf", true)).toThrow("one PEM block");
  });
});

const PEM = toPem(RSA.spki);

test.each<readonly [name: string, dialect: Dialect, object: JsonValue, says: string]>([
  ["no object", "tuf", "key", "expected an object"],
  ["null", "ats", null, "expected an object"],
  ["a list", "tuf", [], "expected an object"],
  ["no keyval", "tuf", { keytype: "rsa", scheme: "rsassa-pss-sha256" }, "expected an object"],
  ["keyval a string", "ats", { keytype: "RSA", keyval: PEM }, "expected an object"],
  ["no keytype", "ats", { keyval: { public: PEM } }, "expected an object"],
  ["keytype a number", "tuf", tufKey(1, "ed25519", HEX), "expected an object"],
  ["public a list", "tuf", tufKey("ed25519", "ed25519", [HEX]), "expected an object"],
  ["no scheme", "tuf", atsKey("rsa", PEM), "keytype/scheme"],
  ["scheme a number", "tuf", tufKey("rsa", 1, PEM), "keytype/scheme"],
  ["RSA with PKCS#1 v1.5", "tuf", tufKey("rsa", "rsa-pkcs1v15-sha256", PEM), "keytype/scheme"],
  ["RSA with SHA-512", "tuf", tufKey("rsa", "rsassa-pss-sha512", PEM), "keytype/scheme"],
  ["RSA with the ed25519 scheme", "tuf", tufKey("rsa", "ed25519", PEM), "keytype/scheme"],
  ["Ed25519 with the RSA scheme", "tuf", tufKey("ed25519", "rsassa-pss-sha256", HEX), "keytype/"],
  ["the curves mixed", "tuf", mixedCurves(), "keytype/scheme"],
  ["ats keytype in tuf", "tuf", tufKey("RSA", "rsassa-pss-sha256", PEM), "keytype/scheme"],
  ["tuf keytype in ats", "ats", atsKey("rsa", PEM), "expected keytype"],
  ["ECDSA in ats", "ats", atsKey("ECDSA", toPem(P256.spki)), "expected keytype"],
  ["keytype __proto__", "ats", atsKey("__proto__", PEM), "expected keytype"],
  ["keytype constructor", "ats", atsKey("constructor", PEM), "expected keytype"],
  [
    "an RSA key said to be ECDSA",
    "tuf",
    tufKey("ecdsa", "ecdsa-sha2-nistp256", PEM),
    "keytype says",
  ],
  ["P-384", "tuf", tufKey("ecdsa", "ecdsa-sha2-nistp384", toPem(P256.spki)), "keytype/scheme"],
  ["a P-384 key said to be P-256", "tuf", p384AsP256(), "RSA, Ed25519 or P-256"],
  [
    "keyval with a number",
    "tuf",
    jsonObject({ ...keyObject(RSA, "tuf"), keyval: { public: PEM, bits: 2048 } }),
    "text only",
  ],
  ["an RSA key of a size that aktualizr does not know", "ats", atsKey("RSA", ODD_PEM), "or 4096"],
  ["a P-256 key said to be RSA", "ats", atsKey("RSA", toPem(P256.spki)), "keytype says"],
  ["an Ed25519 PEM said to be RSA", "ats", atsKey("RSA", toPem(ED25519.spki)), "keytype says"],
  ["Ed25519 as PEM", "tuf", tufKey("ed25519", "ed25519", toPem(ED25519.spki)), "64 lower-case"],
  ["RSA as hex", "tuf", tufKey("rsa", "rsassa-pss-sha256", HEX), "one PEM block"],
  ["ats: a scheme", "ats", tufKey("RSA", "rsassa-pss-sha256", PEM), "only the members keytype"],
  ["ats: a keyid", "ats", { ...atsKey("RSA", PEM), keyid: "a" }, "only the members keytype"],
  ["ats: more in keyval", "ats", withPrivate(), "only the members public"],
])("refuses %s", (_name, dialect, object, says) => {
  const action = (): unknown => parseKey(object, dialect, false);
  expect(action).toThrow(KeyMaterialError);
  expect(action).toThrow(says);
});

function mixedCurves(): JsonObject {
  return tufKey("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256", toPem(P256.spki));
}

function p384AsP256(): JsonObject {
  return tufKey("ecdsa", "ecdsa-sha2-nistp256", P384_PEM);
}

function withPrivate(): JsonObject {
  return { keytype: "ED25519", keyval: { public: HEX, private: "" } };
}
