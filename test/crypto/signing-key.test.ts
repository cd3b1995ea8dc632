/**
 * Signing and verifying (rule 15): RSA is PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes,
 * Ed25519 is plain, and nothing else verifies. And the text forms of private keys in archives,
 * whose refusal must not tell what it refused.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  privateEncrypt,
  randomBytes,
  sign,
} from "node:crypto";
import { describe, expect, test } from "vitest";
import { isRootwardError } from "../../lib/error.ts";
import {
  makeSigningKey,
  SigningKey,
  signingKeyFromArchive,
  signingKeyFromPkcs8,
} from "../../lib/crypto/signing-key.ts";
import { SALT_LENGTH, verifySignature } from "../../lib/crypto/verify.ts";
import { ed25519Raw, fromSpki } from "../../lib/tuf/spki.ts";

const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ED25519 = generateKeyPairSync("ed25519");
const P256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = new SigningKey(RSA.privateKey);
const ed25519 = new SigningKey(ED25519.privateKey);
const MESSAGE = new TextEncoder().encode('{"_type":"root"}');

const flip = (bytes: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(bytes).with(at, (bytes[at] ?? 0) ^ 1);

describe.each([
  ["RSA", rsa],
  ["Ed25519", ed25519],
] as const)("%s", (_name, key) => {
  const signature = key.sign(MESSAGE);

  test("verifies what it signed, and nothing else", () => {
    expect(verifySignature(key.publicKey, MESSAGE, signature)).toBe(true);
    expect(verifySignature(key.publicKey, flip(MESSAGE, 3), signature)).toBe(false);
    expect(verifySignature(key.publicKey, MESSAGE, flip(signature, 3))).toBe(false);
    expect(verifySignature(key.publicKey, MESSAGE, flip(signature, signature.length - 1))).toBe(
      false,
    );
  });

  test.each([0, 1, 63, 65, 255, 257, 10_000])("is false for %d bytes of signature", (length) => {
    expect(verifySignature(key.publicKey, MESSAGE, new Uint8Array(length))).toBe(false);
  });

  test("is false, and no error, for a key that is none", () => {
    const broken = { ...key.publicKey, spki: key.publicKey.spki.subarray(0, -1) };
    expect(verifySignature(broken, MESSAGE, signature)).toBe(false);
  });

  test("is false under another key", () => {
    const other = key === rsa ? ed25519 : rsa;
    expect(verifySignature(other.publicKey, MESSAGE, signature)).toBe(false);
  });

  test("comes back from PKCS#8", () => {
    const again = signingKeyFromPkcs8(key.toPkcs8());
    expect(again.publicKey).toEqual(key.publicKey);
    expect(verifySignature(key.publicKey, MESSAGE, again.sign(MESSAGE))).toBe(true);
  });

  test("comes back from its archive text", () => {
    const again = signingKeyFromArchive(key.toArchiveText());
    expect(again.publicKey).toEqual(key.publicKey);
    expect(Buffer.compare(again.toPkcs8(), key.toPkcs8())).toBe(0);
  });

  test("shows no private half when it is printed", () => {
    expect(JSON.stringify(key)).toBe(JSON.stringify({ publicKey: key.publicKey }));
  });
});

test("ECDSA, which only others sign with, verifies with SHA-256 and as DER", () => {
  const key = fromSpki(new Uint8Array(P256.publicKey.export({ type: "spki", format: "der" })));
  expect(verifySignature(key, MESSAGE, sign("sha256", MESSAGE, P256.privateKey))).toBe(true);
  expect(verifySignature(key, MESSAGE, sign("sha384", MESSAGE, P256.privateKey))).toBe(false);
  const raw = sign("sha256", MESSAGE, { key: P256.privateKey, dsaEncoding: "ieee-p1363" });
  expect(verifySignature(key, MESSAGE, raw)).toBe(false);
});

/** RSASSA-PSS by hand (RFC 8017, 9.1.1), to choose what node:crypto does not let one choose. */
function pss(hash: string, mgfHash: string, saltLength: number): Uint8Array {
  const digest = (name: string, data: Buffer): Buffer => createHash(name).update(data).digest();
  const salt = randomBytes(saltLength);
  const mHash = digest(hash, Buffer.from(MESSAGE));
  const h = digest(hash, Buffer.concat([Buffer.alloc(8), mHash, salt]));
  const db = Buffer.alloc(256 - h.length - 1);
  db[db.length - saltLength - 1] = 1;
  salt.copy(db, db.length - saltLength);
  for (let at = 0, counter = 0; at < db.length; counter += 1) {
    for (const byte of digest(mgfHash, Buffer.concat([h, Buffer.of(0, 0, 0, counter)]))) {
      if (at < db.length) db[at] = (db[at] ?? 0) ^ byte;
      at += 1;
    }
  }
  db[0] = (db[0] ?? 0) & 0x7f;
  const block = Buffer.concat([db, h, Buffer.of(0xbc)]);
  return privateEncrypt({ key: RSA.privateKey, padding: constants.RSA_NO_PADDING }, block);
}

describe("RSA: only PSS with SHA-256, MGF1-SHA-256 and a salt of 32 bytes", () => {
  const verifies = (signature: Uint8Array): boolean =>
    verifySignature(rsa.publicKey, MESSAGE, signature);

  test("the one form verifies, made by hand too", () => {
    expect(SALT_LENGTH).toBe(32);
    expect(verifies(pss("sha256", "sha256", 32))).toBe(true);
  });

  test("each key signs with a new salt", () => {
    expect(Buffer.compare(rsa.sign(MESSAGE), rsa.sign(MESSAGE))).not.toBe(0);
  });

  test.each([
    ["no salt", "sha256", "sha256", 0],
    ["a salt of 20 bytes", "sha256", "sha256", 20],
    ["a salt of 31 bytes", "sha256", "sha256", 31],
    ["a salt of 33 bytes", "sha256", "sha256", 33],
    ["the longest salt", "sha256", "sha256", 222],
    ["MGF1-SHA-1", "sha256", "sha1", 32],
    ["MGF1-SHA-512", "sha256", "sha512", 32],
    ["SHA-1", "sha1", "sha1", 32],
    ["SHA-384", "sha384", "sha384", 32],
    ["SHA-512", "sha512", "sha512", 32],
  ] as const)("refuses %s", (_name, hash, mgfHash, saltLength) => {
    expect(verifies(pss(hash, mgfHash, saltLength))).toBe(false);
  });

  test("refuses PKCS#1 v1.5", () => {
    expect(verifies(sign("sha256", MESSAGE, RSA.privateKey))).toBe(false);
  });

  test("refuses a signature of the hash instead of the message", () => {
    const hash = createHash("sha256").update(MESSAGE).digest();
    expect(verifies(rsa.sign(hash))).toBe(false);
  });
});

const SEED = Buffer.from(ED25519.privateKey.export({ format: "jwk" }).d ?? "", "base64url");
const HALF = Buffer.from(ed25519Raw(ed25519.publicKey));
const PKCS1 = RSA.privateKey.export({ type: "pkcs1", format: "pem" }).toString();

describe("archive text", () => {
  test("RSA is PKCS#1 PEM, as fioctl parses", () => {
    expect(rsa.toArchiveText()).toBe(PKCS1);
    expect(createPublicKey(createPrivateKey(rsa.toArchiveText())).equals(RSA.publicKey)).toBe(true);
  });

  test("Ed25519 is the seed in hex", () => {
    expect(ed25519.toArchiveText()).toBe(SEED.toString("hex"));
  });

  test.each([
    ["the seed", SEED.toString("hex")],
    ["seed and public half, as before fioctl 0.30", SEED.toString("hex") + HALF.toString("hex")],
    ["a newline at the end", `${SEED.toString("hex")}\n`],
  ])("reads %s", (_name, text) => {
    expect(signingKeyFromArchive(text).publicKey).toEqual(ed25519.publicKey);
  });

  const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }).x ?? "";
  const small = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;

  test.each<readonly [string, string]>([
    [
      "another key's public half",
      SEED.toString("hex") + Buffer.from(other, "base64url").toString("hex"),
    ],
    ["31 bytes", SEED.subarray(1).toString("hex")],
    ["33 bytes", `${SEED.toString("hex")}00`],
    ["63 bytes", Buffer.concat([SEED, HALF]).subarray(1).toString("hex")],
    ["upper case", `AB${SEED.toString("hex").slice(2)}`],
    ["base64", SEED.toString("base64")],
    ["nothing", ""],
    ["PKCS#8 PEM", RSA.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["Ed25519 PEM", ED25519.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["a public key", RSA.publicKey.export({ type: "pkcs1", format: "pem" }).toString()],
    ["a cut PEM", PKCS1.slice(0, 400)],
    ["a PEM with a line missing", PKCS1.split("\n").toSpliced(5, 1).join("\n")],
    ["an encrypted PEM", encryptedPem()],
    ["RSA of 1024 bits", small.export({ type: "pkcs1", format: "pem" }).toString()],
  ])("refuses %s, and says nothing of it", (_name, text) => {
    const error = refusalOf(text);
    expect(error).toMatchObject({ code: "archive-invalid", details: {} });
    const said = `${error?.message} ${error?.stack} ${String(error?.cause)}`;
    for (const piece of pieces(text)) expect(said).not.toContain(piece);
  });

  /** Each line of the text in pieces of 12 characters, but for PEM's own words. */
  function pieces(text: string): readonly string[] {
    const lines = text.split("\n").filter((line) => !/^(?:-----|Proc-Type|DEK-Info)/.test(line));
    return lines.flatMap((line) => line.match(/.{12}/g) ?? []);
  }
});

function encryptedPem(): string {
  const cipher = { cipher: "aes-256-cbc", passphrase: "correct horse" };
  return RSA.privateKey.export({ type: "pkcs1", format: "pem", ...cipher }).toString();
}

function refusalOf(text: string): Error | undefined {
  try {
    signingKeyFromArchive(text);
    return undefined;
  } catch (error) {
    if (isRootwardError(error)) return error;
    throw error;
  }
}

test("a new Ed25519 key signs, and no two are the same", async () => {
  const [one, two] = await Promise.all([makeSigningKey("ed25519"), makeSigningKey("ed25519")]);
  expect(one.publicKey.fingerprint).not.toBe(two.publicKey.fingerprint);
  expect(verifySignature(one.publicKey, MESSAGE, one.sign(MESSAGE))).toBe(true);
});

test("a new RSA key has 4096 bits, as fioctl's have", async () => {
  const { publicKey } = await makeSigningKey("rsa");
  const key = createPublicKey({ key: Buffer.from(publicKey.spki), format: "der", type: "spki" });
  expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 4096, publicExponent: 65_537n });
});
