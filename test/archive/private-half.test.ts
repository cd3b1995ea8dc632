/** A private key is the half of its own public key and of no other, whatever number of it is spoilt. */
import { createPrivateKey, generateKeyPairSync, type JsonWebKey } from "node:crypto";
import { expect, test } from "vitest";
import { isPrivateHalf } from "../../lib/archive/private-half.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { toHex } from "../../lib/tuf/bytes.ts";
import { ed25519Raw, fromSpki, type PublicKey } from "../../lib/tuf/spki.ts";

function rsaPair(): { pem: string; publicKey: PublicKey } {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    pem: String(pair.privateKey.export({ format: "pem", type: "pkcs1" })),
    publicKey: fromSpki(new Uint8Array(pair.publicKey.export({ format: "der", type: "spki" }))),
  };
}

test("an Ed25519 seed, alone or with its public half", async () => {
  const [own, other] = [await makeSigningKey("ed25519"), await makeSigningKey("ed25519")];
  const seed = own.toArchiveText();
  const half = toHex(ed25519Raw(own.publicKey));
  for (const text of [seed, `${seed}\n`, seed + half]) {
    expect(isPrivateHalf(text, own.publicKey)).toBe(true);
    expect(isPrivateHalf(text, other.publicKey)).toBe(false);
  }
  const wrong = [seed + seed, seed.slice(2), `${seed}00`, half, "", "x", rsaPair().pem];
  for (const text of wrong) expect(isPrivateHalf(text, own.publicKey)).toBe(false);
});

test("an RSA key as Node and OpenSSL write it", () => {
  const [own, other] = [rsaPair(), rsaPair()];
  expect(isPrivateHalf(own.pem, own.publicKey)).toBe(true);
  expect(isPrivateHalf(own.pem, other.publicKey)).toBe(false);
  expect(isPrivateHalf(own.pem.replace("RSA ", ""), own.publicKey)).toBe(false);
  expect(isPrivateHalf(own.pem.slice(0, -80), own.publicKey)).toBe(false);
});

test.each(["d", "p", "q", "dp", "dq", "qi"] as const)("not with another key's %s", (member) => {
  const [own, other] = [rsaPair(), rsaPair()];
  const numbers = (pem: string): JsonWebKey => createPrivateKey(pem).export({ format: "jwk" });
  const mixed = pkcs1({ ...numbers(own.pem), [member]: numbers(other.pem)[member] });
  expect(isPrivateHalf(pkcs1(numbers(own.pem)), own.publicKey)).toBe(true);
  expect(isPrivateHalf(mixed, own.publicKey)).toBe(false);
});

/** PKCS#1 from the numbers, which OpenSSL would refuse to write where they do not fit. */
function pkcs1({ n, e, d, p, q, dp, dq, qi }: JsonWebKey): string {
  const parts = [n, e, d, p, q, dp, dq, qi].map((part) => Buffer.from(part ?? "", "base64url"));
  const body = Buffer.concat([Buffer.of(0), ...parts].map((part) => tlv(2, positive(part))));
  const text = tlv(0x30, body).toString("base64");
  return `-----BEGIN RSA PRIVATE KEY-----\n${text}\n-----END RSA PRIVATE KEY-----\n`;
}

function positive(number: Buffer): Buffer {
  return (number[0] ?? 0) < 0x80 ? number : Buffer.concat([Buffer.of(0), number]);
}

function tlv(tag: number, body: Buffer): Buffer {
  const { length } = body;
  const head = length < 128 ? [length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...head), body]);
}
