/**
 * The bytes that are signed. The dialects differ in one thing, how a newline in a string is
 * written, and that decides whether a signature over a PEM key verifies on a device.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { isRootwardError } from "../../lib/error.ts";
import { canonicalize, encodeJson, foreignCharacter } from "../../lib/tuf/canonical.ts";
import { DIALECTS, type Dialect } from "../../lib/tuf/dialect.ts";
import { isJsonArray, isJsonObject, jsonObject, parseJson } from "../../lib/tuf/json.ts";
import type { JsonValue } from "../../lib/tuf/json.ts";

const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const canonical = (value: JsonValue, dialect: Dialect): string =>
  decode(canonicalize(value, dialect));

test.each<readonly [name: string, value: JsonValue, tuf: string, ats: string]>([
  ["words", [null, true, false], "[null,true,false]", "[null,true,false]"],
  ["numbers", [0, 42, 2 ** 53 - 1], "[0,42,9007199254740991]", "[0,42,9007199254740991]"],
  ["empty things", { a: [], b: {}, c: "" }, '{"a":[],"b":{},"c":""}', '{"a":[],"b":{},"c":""}'],
  ["order of members", { b: 1, a: 2, B: 3 }, '{"B":3,"a":2,"b":1}', '{"B":3,"a":2,"b":1}'],
  ["a name that begins another", { ab: 1, a: 2 }, '{"a":2,"ab":1}', '{"a":2,"ab":1}'],
  ["names of digits", { 10: 1, 9: 2, "": 3 }, '{"":3,"10":1,"9":2}', '{"":3,"10":1,"9":2}'],
  ["order of items", [2, 1, [3]], "[2,1,[3]]", "[2,1,[3]]"],
  ["quote and backslash", '"\\', '"\\"\\\\"', '"\\"\\\\"'],
  ["a slash, not escaped", "a/b", '"a/b"', '"a/b"'],
  ["a newline", "a\nb", '"a\nb"', '"a\\nb"'],
  ["return and tab", "\r\t", '"\r\t"', '"\\r\\t"'],
  ["a newline in a name", { "a\nb": 1 }, '{"a\nb":1}', '{"a\\nb":1}'],
  ["the two characters \\n", "\\n", '"\\\\n"', '"\\\\n"'],
  ["beyond ASCII, not escaped", "é\u2028😀", '"é\u2028😀"', '"é\u2028😀"'],
])("%s", (_name, value, tuf, ats) => {
  expect(canonical(value, "tuf")).toBe(tuf);
  expect(canonical(value, "ats")).toBe(ats);
  expect(decode(encodeJson(value))).toBe(ats);
});

test("names are sorted by their bytes in UTF-8, not by UTF-16 units", () => {
  // U+E000 to U+FFFF come before astral characters in UTF-8, and after their surrogates in UTF-16.
  const names = ["\uffff", "\ue000", "😀", "😁", "a😀", "a\uffff", "\ud7ff", "é", "z"];
  const value = jsonObject(Object.fromEntries(names.map((name) => [name, 1])));
  const sorted = ["a\uffff", "a😀", "z", "é", "\ud7ff", "\ue000", "\uffff", "😀", "😁"];
  expect(canonical(value, "tuf")).toBe(`{${sorted.map((name) => `"${name}":1`).join(",")}}`);
});

describe.each(DIALECTS)("%s", (dialect) => {
  test.each(["\0", "\u0007", "\b", "\v", "\f", "\u000e", "\u001f"])(
    "refuses the control character %j",
    (character) => {
      for (const value of [`a${character}`, [character], { [character]: 1 }]) {
        expect(codeOf(() => canonicalize(value, dialect))).toBe("malformed");
        expect(codeOf(() => encodeJson(value))).toBe("malformed");
      }
    },
  );
});

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return isRootwardError(error) ? error.code : "another error";
  }
}

test.each<readonly [name: string, value: JsonValue, path: string | null]>([
  ["printable ASCII", { " ~": [" ~", 1, true, null] }, null],
  ["newline, return, tab", { "\n\r\t": "\n\r\t" }, null],
  ["a letter with an accent", { keys: { ab12: "é" } }, "signed.keys.ab12"],
  ["in a list", { list: ["a", ["b", "ü"]] }, "signed.list.1.1"],
  ["in a name", { keys: { ünï: 1 } }, "signed.keys (a member name)"],
  ["DEL", { a: "\u007f" }, "signed.a"],
  ["NUL", { a: "\0" }, "signed.a"],
  ["form feed", { a: "\f" }, "signed.a"],
  ["an astral character", { a: "😀" }, "signed.a"],
  ["the value itself", "é", "signed"],
])("foreign character: %s", (_name, value, path) => {
  expect(foreignCharacter(value, "signed")).toBe(path);
});

const text = fc
  .string({ unit: "binary", maxLength: 6 })
  .filter((value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(value));
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false),
    fc.maxSafeNat(),
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(text, tie("value"), { maxKeys: 5 }).map((members) => jsonObject(members)),
  ),
})).value;

/** The same value with the members of each object the other way round. */
function reversed(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, reversed(member)] as const);
  return jsonObject(Object.fromEntries(members.toReversed()));
}

describe("laws", () => {
  test("the order of members does not matter", () => {
    fc.assert(
      fc.property(json, fc.constantFrom(...DIALECTS), (value, dialect) => {
        expect(canonical(reversed(value), dialect)).toBe(canonical(value, dialect));
      }),
    );
  });

  test("reading the ats form and writing it again changes nothing", () => {
    fc.assert(
      fc.property(json, (value) => {
        const once = canonicalize(value, "ats");
        const again = parseJson(once, { maxBytes: once.length });
        expect(canonical(again, "ats")).toBe(decode(once));
        expect(canonical(again, "tuf")).toBe(canonical(value, "tuf"));
      }),
    );
  });

  test("members are in the order of their bytes", () => {
    fc.assert(
      fc.property(fc.uniqueArray(text, { maxLength: 8 }), (names) => {
        const value = jsonObject(Object.fromEntries(names.map((name) => [name, 0])));
        const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const parts = sorted.map((name) => `${canonical(name, "tuf")}:0`);
        expect(canonical(value, "tuf")).toBe(`{${parts.join(",")}}`);
      }),
      { numRuns: 300 },
    );
  });

  test("the dialects differ exactly where there is a newline, a return or a tab", () => {
    fc.assert(
      fc.property(json, (value) => {
        const tuf = canonical(value, "tuf");
        expect(canonical(value, "ats") === tuf).toBe(!/[\n\r\t]/.test(tuf));
      }),
    );
  });
});
