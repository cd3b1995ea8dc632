import { describe, expect, it } from "@jest/globals";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import type { KeyWrapper } from "../../lib/service/ports.ts";
import { contains, random } from "./adapters.ts";

const CONTEXT = { purpose: "online key", factory: "acme", role: "targets" };

/** @param make a wrapper under a master key of its own at each call */
function keyWrapper(name: string, make: () => KeyWrapper): void {
  describe(`key wrapper: ${name}`, () => {
    it.each([0, 1, 32, 5000])("gives back %i bytes in the same context", async (length) => {
      const wrapper = make();
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
      const wrapper = make();
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
      const wrapper = make();
      const wrapped = await wrapper.wrap(random(32), CONTEXT);
      await expect(wrapper.unwrap(wrapped, context)).rejects.toThrow();
    });

    it("does not open when any byte was changed", async () => {
      const wrapper = make();
      const wrapped = await wrapper.wrap(random(16), CONTEXT);
      for (let at = 0; at < wrapped.length; at += 1) {
        const changed = wrapped.map((byte, index) => (index === at ? byte ^ 1 : byte));
        await expect(wrapper.unwrap(changed, CONTEXT)).rejects.toThrow();
      }
    });

    it("does not open when it was cut or added to", async () => {
      const wrapper = make();
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
      const wrapped = await make().wrap(random(32), CONTEXT);
      await expect(make().unwrap(wrapped, CONTEXT)).rejects.toThrow();
    });
  });
}

keyWrapper("master key", () => new MasterKeyWrapper(random(32)));
