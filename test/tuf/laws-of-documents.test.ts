/**
 * Laws of documents (rules 2, 3 and 6): however a value is spelled, it says the same; two that say
 * different things are signed differently. The laws of one function alone are beside it, in
 * json.test.ts and canonical.test.ts.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { canonicalize, encodeJson } from "../../lib/tuf/canonical.ts";
import { DIALECTS } from "../../lib/tuf/dialect.ts";
import { parseJson, sameJson } from "../../lib/tuf/json.ts";
import { marks, picks, spelled, text, values } from "../support/tuf/spelling.ts";

const utf8 = new TextEncoder();
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("documents", () => {
  test("however a value is spelled, it is read and signed as the same", () => {
    fc.assert(
      fc.property(values(text, 4), picks, (value, pick) => {
        const bytes = utf8.encode(` ${spelled(value, pick())}\n`);
        const read = parseJson(bytes, { maxBytes: bytes.length });
        expect(sameJson(read, value)).toBe(true);
        expect(asText(encodeJson(read))).toBe(asText(encodeJson(value)));
        for (const dialect of DIALECTS) {
          expect(asText(canonicalize(read, dialect))).toBe(asText(canonicalize(value, dialect)));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("two values are signed alike only if they are the same", () => {
    const small = values(marks, 2);
    fc.assert(
      fc.property(small, small, fc.constantFrom(...DIALECTS), (a, b, dialect) => {
        const alike = asText(canonicalize(a, dialect)) === asText(canonicalize(b, dialect));
        expect(alike).toBe(sameJson(a, b));
      }),
      { numRuns: 5000 },
    );
  });
});
