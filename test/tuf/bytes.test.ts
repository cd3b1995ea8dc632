/** Text forms of bytes: what the encoder would not have written is not read. */
import { expect, test } from "vitest";
import * as fc from "fast-check";
import {
  fromBase64,
  fromBase64Url,
  fromHex,
  toBase64,
  toBase64Url,
  toHex,
} from "../../lib/tuf/bytes.ts";

const FORMS = [
  ["hex", fromHex, toHex],
  ["base64", fromBase64, toBase64],
  ["base64url", fromBase64Url, toBase64Url],
] as const;

test.each(FORMS)("%s: what is written is read", (_name, from, to) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(from(to(bytes))).toEqual(bytes);
    }),
  );
});

test.each(FORMS)("%s: what is read is what would have been written", (_name, from, to) => {
  const digits = fc.string({ unit: fc.constantFrom(..."0aAfFgzZ9+/-_= \n".split("")) });
  fc.assert(
    fc.property(digits, (text) => {
      const bytes = from(text);
      if (bytes !== null) expect(to(bytes)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ["hex", fromHex, ["A0", "0", "0g", " 00", "00\n", "é0"]],
  [
    "base64",
    fromBase64,
    ["A", "AAA", "AA=", "AB==", "A===", "AA-_", " AAAA", "AAAA\n", "====", "AA==AA=="],
  ],
  ["base64url", fromBase64Url, ["AA==", "AB", "A", "AA+/", "AA/A", "AAA+", " AA", "AA\n"]],
] as const)("%s: refuses other spellings", (_name, from, texts) => {
  for (const text of texts) expect([text, from(text)]).toEqual([text, null]);
});
