import { CreateKeyCommand } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KmsWrapper } from "../../lib/adapters/aws/key-wrapper.ts";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import type { KeyWrapper } from "../../lib/service/ports.ts";
import { startKmsClient, type Kms } from "../support/aws.ts";
import { contains, random } from "./adapters.ts";

const CONTEXT = { purpose: "online key", factory: "acme", role: "targets" };

/**
 * @param lengths of what it wraps
 * @param make a wrapper under a master key of its own at each call
 */
function keyWrapper(
  name: string,
  lengths: readonly number[],
  make: () => Promise<KeyWrapper>,
): void {
  describe(`key wrapper: ${name}`, () => {
    it.each(lengths)("gives back %i bytes in the same context", async (length) => {
      const wrapper = await make();
      const plain = random(length);
      const wrapped = await wrapper.wrap(plain, CONTEXT);
      const opened = await wrapper.unwrap(wrapped, {
        role: CONTEXT.role,
        factory: CONTEXT.factory,
        purpose: CONTEXT.purpose,
      });
      expect(new Uint8Array(opened)).toEqual(plain);
    });

    it("hides what it wraps, and never wraps alike", async () => {
      const wrapper = await make();
      const plain = random(32);
      const [one, two] = [await wrapper.wrap(plain, CONTEXT), await wrapper.wrap(plain, CONTEXT)];
      expect(contains(one, plain)).toBe(false);
      expect(Buffer.from(one).equals(two)).toBe(false);
    });

    it.each([
      ["another value", { ...CONTEXT, factory: "other" }],
      ["a member more", { ...CONTEXT, more: "" }],
      ["a member less", { purpose: "online key", factory: "acme" }],
      ["values moved", { ...CONTEXT, factory: "targets", role: "acme" }],
      ["nothing", {}],
    ])("does not open in a context with %s", async (_, context) => {
      const wrapper = await make();
      const wrapped = await wrapper.wrap(random(32), CONTEXT);
      await expect(wrapper.unwrap(wrapped, context)).rejects.toThrow();
    });

    it("does not open when any byte was changed", async () => {
      const wrapper = await make();
      const wrapped = await wrapper.wrap(random(16), CONTEXT);
      for (let at = 0; at < wrapped.length; at += 1) {
        const changed = wrapped.map((byte, index) => (index === at ? byte ^ 1 : byte));
        await expect(wrapper.unwrap(changed, CONTEXT)).rejects.toThrow();
      }
    });

    it("does not open when it was cut or added to", async () => {
      const wrapper = await make();
      const wrapped = await wrapper.wrap(random(16), CONTEXT);
      const other = [
        ...Array.from({ length: wrapped.length }, (_, length) => wrapped.subarray(0, length)),
        new Uint8Array([...wrapped, 0]),
      ];
      for (const bytes of other) {
        await expect(wrapper.unwrap(bytes, CONTEXT)).rejects.toThrow();
      }
    });

    it("does not open under another master key", async () => {
      const wrapped = await (await make()).wrap(random(32), CONTEXT);
      const another = await make();
      await expect(another.unwrap(wrapped, CONTEXT)).rejects.toThrow();
    });
  });
}

keyWrapper("master key", [0, 1, 32, 5000], async () => new MasterKeyWrapper(random(32)));

let kms: Kms;
beforeAll(async () => {
  kms = await startKmsClient();
});
afterAll(() => kms.stop());

async function makeKmsWrapper(): Promise<KmsWrapper> {
  const { KeyMetadata: made } = await kms.client.send(
    new CreateKeyCommand({ KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT" }),
  );
  return new KmsWrapper(kms.client, made?.Arn ?? "");
}

keyWrapper("KMS", [1, 32, 4096], makeKmsWrapper);

describe("KMS", () => {
  it.each([0, 4097])("is not asked to wrap %i bytes", async (length) => {
    await expect((await makeKmsWrapper()).wrap(random(length), CONTEXT)).rejects.toMatchObject({
      code: "internal",
      message: `expected 1 to 4096 bytes to wrap, got ${length}`,
    });
  });

  it("that refuses says that the key does not open; that fails says what failed", async () => {
    const wrapper = await makeKmsWrapper();
    const wrapped = await wrapper.wrap(random(32), CONTEXT);
    const refusal = { code: "internal", message: expect.stringContaining("does not open") };
    await expect(wrapper.unwrap(wrapped, {})).rejects.toMatchObject(refusal);
    const gone = new KmsWrapper(kms.client, "arn:aws:kms:eu-west-1:111122223333:key/none");
    await expect(gone.unwrap(wrapped, CONTEXT)).rejects.toMatchObject({
      name: "NotFoundException",
    });
  });
});
