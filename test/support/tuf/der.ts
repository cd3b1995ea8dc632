/** Bytes of keys: hex, DER elements, and the check that key material is refused. */
import type { KeyObject } from "node:crypto";
import { expect } from "vitest";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { KeyMaterialError } from "../../../lib/tuf/spki.ts";

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function unhex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

export function spkiOf(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: "spki", format: "der" }));
}

export function expectRefused(action: () => unknown, says: string): void {
  expect(action).toThrow(KeyMaterialError);
  expect(action).toThrow(says);
}

/** One element: tag, length in its shortest form, content. */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const body = concatBytes(...parts);
  const n = body.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return concatBytes(Uint8Array.of(tag, ...length), body);
}
