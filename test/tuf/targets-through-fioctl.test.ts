/**
 * Targets of ats on their way through fioctl, as far as it is known (docs/fioctl.md): it decodes a
 * targets document into what it knows, writes that anew in its canonical form, and signs it. The
 * client below was written from its published behaviour and shares nothing with lib/tuf. What we
 * accept comes out of it as the bytes that we sign, or its signatures would cover something else.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { canonicalize, encodeJson } from "../../lib/tuf/canonical.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../../lib/tuf/json.ts";
import { targetsDocument } from "../../lib/tuf/roles.ts";
import { ENTRIES_LIMITS, judgeTargetEntries } from "../../lib/tuf/target-entries.ts";
import { signedByFioctl } from "../support/fioctl/targets-rewrite.ts";
import { picks, spelled, values } from "../support/tuf/spelling.ts";

const EXPIRES = Date.UTC(2027, 0, 1);

const SAFE = Array.from({ length: 0x5f }, (_unused, i) => String.fromCharCode(0x20 + i))
  .filter((char) => !"<>&".includes(char))
  .concat("\n", "\r", "\t", "__proto__", "\\u003c");
const safe = fc.string({ unit: fc.constantFrom(...SAFE), maxLength: 6 });
const wild = fc.string({
  unit: fc.constantFrom(
    ...SAFE,
    "<",
    ">",
    "&",
    "\u2028",
    "\u2029",
    "\u00e9",
    "\u{1f600}",
    "\u007f",
  ),
  maxLength: 4,
});
const name = fc
  .array(
    fc.string({
      unit: fc.constantFrom(..."aZ09._~+@=,:()-".split("")),
      minLength: 1,
      maxLength: 4,
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((segments) => segments.map((one) => (/^\.\.?$/.test(one) ? "a" : one)).join("/"));
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom(..."0123456789abcdef".split("")),
    minLength: length,
    maxLength: length,
  });

/** Entries with such texts inside `custom`. */
function entriesWith(texts: fc.Arbitrary<string>): fc.Arbitrary<JsonObject> {
  const custom = fc.dictionary(texts, values(texts, 3), { maxKeys: 4 }).map(jsonObject);
  const hashes = fc
    .record({ sha256: hex(64), sha512: hex(128) }, { requiredKeys: ["sha256"] })
    .map(jsonObject);
  const entry = fc
    .record({ length: fc.maxSafeNat(), hashes, custom }, { requiredKeys: ["length", "hashes"] })
    .map(jsonObject);
  return fc.dictionary(name, entry, { maxKeys: 4 }).map(jsonObject);
}

/** What we sign, and what fioctl would sign of what we serve. */
function bothForms(entries: JsonObject): readonly [ours: string, fioctls: string] {
  const signed = targetsDocument("ats", 7, EXPIRES, entries);
  const served = Buffer.from(encodeJson(signed)).toString("utf8");
  const ours = Buffer.from(canonicalize(signed, "ats")).toString("utf8");
  return [ours, signedByFioctl(served)];
}

describe("targets through fioctl", () => {
  test("come out as they were signed, whatever they say and however they were sent", () => {
    fc.assert(
      fc.property(entriesWith(safe), picks, (entries, pick) => {
        const bytes = new TextEncoder().encode(spelled(entries, pick()));
        const sent = parseJson(bytes, ENTRIES_LIMITS);
        const read = isJsonObject(sent) ? sent : jsonObject({});
        expect(judgeTargetEntries(read, "ats")).toEqual({ findings: [], more: false });
        const [ours, fioctls] = bothForms(read);
        expect(fioctls).toBe(ours);
      }),
      { numRuns: 1000 },
    );
  });

  test("would come out otherwise where we refuse, and nowhere else", () => {
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(entriesWith(wild), (entries) => {
        const { findings } = judgeTargetEntries(entries, "ats");
        const [ours, fioctls] = bothForms(entries);
        if (findings.length === 0) expect(fioctls).toBe(ours);
        // Beyond ASCII the two agree; it is other clients that do not (rule 3).
        else if (/[<>&\u2028\u2029]/.test(ours)) expect(fioctls).not.toBe(ours);
        else expect(ours).toMatch(/[^\n -~]/);
        if (findings.length === 0) accepted += 1;
        else refused += 1;
      }),
      { numRuns: 1000 },
    );
    expect(Math.min(accepted, refused)).toBeGreaterThan(100);
  });

  test("lose every member that we refuse", () => {
    const hashes = jsonObject({ sha256: "0".repeat(64) });
    const entry = jsonObject({ length: 1, hashes, size: 1 });
    const entries = jsonObject({ a: entry });
    expect(judgeTargetEntries(entries, "ats").findings).toHaveLength(1);
    const [ours, fioctls] = bothForms(entries);
    expect(fioctls).toBe(ours.replace(',"size":1', ""));
  });
});
