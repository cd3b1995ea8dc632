/**
 * Documents that are large in every way that a document can be (rule 1): each is refused before any
 * signature is checked, with one answer of bounded length. That the work is linear in the body is
 * measured in bench/hostile-sizes.ts.
 */
import { describe, expect, test } from "vitest";
import { isRootwardError } from "../../lib/error.ts";
import { DIALECTS, firstChannel, rootLimits, type Dialect } from "../../lib/tuf/dialect.ts";
import { parseJson } from "../../lib/tuf/json.ts";
import { verifySubmittedRoot } from "../../lib/tuf/submitted-root.ts";
import { HOSTILE_SHAPES } from "../support/tuf/hostile-sizes.ts";
import { rootUpdate, signRoot, testFactory } from "../support/tuf/test-factory.ts";

/** What the body is answered with; every call of the verifier is a failure. */
function answer(dialect: Dialect, bytes: Uint8Array): readonly string[] {
  const factory = testFactory(dialect, firstChannel(dialect));
  const refuseToVerify = (): boolean => {
    throw new Error("a signature was checked");
  };
  try {
    const submitted = parseJson(bytes, rootLimits(dialect));
    const verdict = verifySubmittedRoot(
      { ...rootUpdate(factory, null), submitted },
      refuseToVerify,
    );
    if (verdict.kind !== "refused") return [verdict.kind];
    expect(JSON.stringify(verdict.errors).length).toBeLessThan(10_000);
    return [...new Set(verdict.errors.map(({ code }) => code))];
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    expect(error.message.length).toBeLessThan(200);
    return [error.code];
  }
}

describe.each(DIALECTS)("%s", (dialect) => {
  const { parties, next } = testFactory(dialect, firstChannel(dialect));
  const body = signRoot(next, dialect, [parties.a, parties.b, parties.d]);
  const limit = rootLimits(dialect).maxBytes;

  test.each(HOSTILE_SHAPES)("$name", ({ make, refused }) => {
    const bytes = make(body, dialect, limit);
    expect(bytes.length).toBeLessThanOrEqual(limit);
    // Nothing here is small: a shape that fits into a tenth of the limit would prove nothing.
    expect(bytes.length).toBeGreaterThan(limit / 10);
    const codes = answer(dialect, bytes);
    expect(refused.some((code) => codes.includes(code))).toBe(true);
  });

  test("a byte more than the limit is not even looked at", () => {
    expect(answer(dialect, new Uint8Array(limit + 1))).toEqual(["too-large"]);
  });
});
