/**
 * The sealed form, against an implementation of its own that follows the published description: both
 * open what the other sealed, and nothing that differs in one bit opens at all.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openArchive, sealArchive } from "../../lib/delivery/sealing.ts";

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
const share = Uint8Array.from({ length: 32 }, (_, i) => 100 + i);
const nonce = Uint8Array.from({ length: 12 }, (_, i) => 200 + i);
const archive = new TextEncoder().encode("the archive, any bytes \u0000\u00ff");

const VECTOR =
  "01c8c9cacbcccdcecfd0d1d2d3557bc1f0f31b1a686a67996cca8267c00ee896199ca6aac0355e045a6bb14b60051453ae4786272cb7da";

/** Sealing by the description alone. */
function parts(T: Uint8Array, R: Uint8Array) {
  const id = createHash("sha256").update("rootward delivery id").update(T).digest();
  const input = Buffer.concat([T, R]);
  return { id, key: Buffer.from(hkdfSync("sha256", input, id, "rootward archive v1", 32)) };
}

function sealed(plain: Uint8Array): Uint8Array<ArrayBuffer> {
  const { id, key } = parts(secret, share);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(id);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return new Uint8Array(Buffer.concat([Uint8Array.of(1), nonce, body, cipher.getAuthTag()]));
}

test("opens what another implementation sealed", async () => {
  expect(await openArchive(sealed(archive), { secret, share })).toEqual(archive);
});

test("is opened by another implementation", async () => {
  const object = await sealArchive(archive, { secret, share }, nonce);
  const { id, key } = parts(secret, share);
  const decipher = createDecipheriv("aes-256-gcm", key, object.subarray(1, 13)).setAAD(id);
  decipher.setAuthTag(object.subarray(-16));
  const plain = Buffer.concat([decipher.update(object.subarray(13, -16)), decipher.final()]);
  expect(object[0]).toBe(1);
  expect(plain.equals(archive)).toBe(true);
});

test("the fixed vector: the form never changes, or archives under way are lost", async () => {
  const object = Buffer.from(VECTOR, "hex");
  expect(Buffer.from(sealed(archive)).toString("hex")).toBe(VECTOR);
  expect(await openArchive(new Uint8Array(object), { secret, share })).toEqual(archive);
});

test.each([0, 1, 16, 100_000])("an archive of %i bytes", async (size) => {
  const plain = new Uint8Array(randomBytes(size));
  const halves = { secret: randomBytes(32), share: randomBytes(32) };
  const object = await sealArchive(plain, halves, randomBytes(12));
  expect(object.length).toBe(1 + 12 + size + 16);
  expect(await openArchive(object, halves)).toEqual(plain);
});

describe("does not open", () => {
  const good = sealed(archive);
  const other = (bytes: Uint8Array): Uint8Array =>
    bytes.map((byte, i) => (i === 31 ? byte ^ 1 : byte));
  const invalid = expect.objectContaining({ code: "archive-invalid" });

  test.each([
    ["with another link", { secret: other(secret), share }],
    ["with another share", { secret, share: other(share) }],
    ["with the halves exchanged", { secret: share, share: secret }],
    ["with half a share", { secret, share: share.subarray(0, 16) }],
    ["with no share", { secret, share: new Uint8Array() }],
  ])("%s", async (_, halves) => {
    await expect(openArchive(good, halves)).rejects.toEqual(invalid);
  });

  test("with any bit flipped", async () => {
    for (let bit = 0; bit < 8 * good.length; bit += 1) {
      const object = good.slice();
      object[bit >> 3] = (object[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(openArchive(object, { secret, share })).rejects.toEqual(invalid);
    }
  });

  test("at any other length", async () => {
    for (let length = 0; length < good.length; length += 1) {
      const object = good.subarray(0, length);
      await expect(openArchive(object, { secret, share })).rejects.toEqual(invalid);
    }
    const longer = new Uint8Array([...good, 0]);
    await expect(openArchive(longer, { secret, share })).rejects.toEqual(invalid);
  });
});
