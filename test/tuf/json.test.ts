/**
 * Strict JSON (rules 1 to 3): a document has one meaning or none. Each refused row is a way in
 * which two readers could see two documents, or one reader could be brought down.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { isRootwardError } from "../../lib/error.ts";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { isJsonArray, isJsonObject, jsonObject, parseJson, sameJson } from "../../lib/tuf/json.ts";
import type { JsonValue } from "../../lib/tuf/json.ts";

const MiB = 2 ** 20;
const utf8 = new TextEncoder();

function parse(source: string | Uint8Array, maxDepth?: number): JsonValue {
  const bytes = typeof source === "string" ? utf8.encode(source) : source;
  return parseJson(bytes, { maxBytes: 2 * MiB, ...(maxDepth !== undefined && { maxDepth }) });
}

/** The code and message of what `source` is refused with; null if it is accepted. */
function refusal(source: string | Uint8Array): { code: string; message: string } | null {
  try {
    parse(source);
    return null;
  } catch (error) {
    if (isRootwardError(error)) return { code: error.code, message: error.message };
    throw error;
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const QUOTE = 0x22;

const REFUSED: readonly (readonly [name: string, source: string | Uint8Array, says: string])[] = [
  ["equal member names", '{"a":1,"a":1}', "duplicate member name"],
  ["equal member names in an inner object", '[{"b":{"a":1,"c":2,"a":3}}]', "duplicate member name"],
  ["equal names, one with an escape", '{"a":1,"\\u0061":1}', "duplicate member name"],
  ["equal names, a slash escaped", '{"/":1,"\\/":1}', "duplicate member name"],
  ["equal names, an astral one escaped", '{"😀":1,"\\ud83d\\uDE00":2}', "duplicate member name"],
  ["__proto__ twice", '{"__proto__":1,"__proto__":2}', "duplicate member name"],
  ["1.0", "1.0", "plain integer"],
  ["1e0", "1e0", "plain integer"],
  ["1E0", "[1E0]", "plain integer"],
  ["1e400", "1e400", "plain integer"],
  ["0.5", "0.5", "plain integer"],
  ["-0", "-0", "plain integer"],
  ["-1", "-1", "plain integer"],
  ["01", "01", "plain integer"],
  ["00", "00", "plain integer"],
  ["+1", "+1", "plain integer"],
  [".5", ".5", "plain integer"],
  ["1.", "1.", "plain integer"],
  ["0x10", "0x10", "plain integer"],
  ["1_000", "1_000", "end of the document"],
  ["2^53", "9007199254740992", "plain integer"],
  ["2^53 + 1", "9007199254740993", "plain integer"],
  ["sixteen nines", "9999999999999999", "plain integer"],
  ["seventeen digits", "10000000000000000", "plain integer"],
  ["NaN", "NaN", "plain integer"],
  ["-Infinity", "-Infinity", "plain integer"],
  ["a byte order mark", bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), "expected a value"],
  ["UTF-16", bytes(0xff, 0xfe, 0x7b, 0, 0x7d, 0), "UTF-8"],
  ["a second document", "{}{}", "end of the document"],
  ["a byte after the document", "{}x", "end of the document"],
  ["a NUL after the document", "{}\0", "end of the document"],
  ["a word after a number", "1 true", "end of the document"],
  ["a comment", "{}/**/", "end of the document"],
  ["a no-break space", "{}\u00a0", "end of the document"],
  ["a form feed as white space", "\f{}", "expected a value"],
  ["a lone high surrogate", '"\\ud83d"', "lone surrogate"],
  ["a lone low surrogate", '"\\ude00"', "lone surrogate"],
  ["surrogates the wrong way round", '"\\ude00\\ud83d"', "lone surrogate"],
  ["a surrogate half in a name", '{"\\ud83d":1}', "lone surrogate"],
  ["a surrogate in UTF-8", bytes(QUOTE, 0xed, 0xa0, 0xbd, QUOTE), "UTF-8"],
  ["an overlong slash", bytes(QUOTE, 0xc0, 0xaf, QUOTE), "UTF-8"],
  ["a cut character", bytes(QUOTE, 0xe2, 0x82, QUOTE), "UTF-8"],
  ["a stray continuation byte", bytes(QUOTE, 0x80, QUOTE), "UTF-8"],
  ["a code point past U+10FFFF", bytes(QUOTE, 0xf4, 0x90, 0x80, 0x80, QUOTE), "UTF-8"],
  ["a raw newline in a string", '"a\nb"', "control character"],
  ["a raw tab in a string", '"a\tb"', "control character"],
  ["a raw NUL in a string", '"a\0b"', "control character"],
  ["a raw U+001F in a name", '{"\u001f":1}', "control character"],
  ["an unknown escape", '"\\x41"', "unknown escape"],
  ["an escape named like a method", '"\\toString\\constructor"', "unknown escape"],
  ["a short \\u escape", '"\\u12"', "unknown escape"],
  ["a signed \\u escape", '"\\u+123"', "unknown escape"],
  ["an upper-case \\U escape", '"\\U0041"', "unknown escape"],
  ["nothing", "", "end of the document"],
  ["only white space", " \n", "end of the document"],
  ["an unfinished object", '{"a":1', "expected , or }"],
  ["an unfinished array", "[1", "expected , or ]"],
  ["an unfinished string", '"a', "without end"],
  ["an unfinished escape", '"a\\', "string without end"],
  ["an unfinished word", "tru", "expected a value"],
  ["a member without value", '{"a":}', "expected a value"],
  ["a member without colon", '{"a" 1}', "expected :"],
  ["a name without quotes", "{a:1}", "expected a member name"],
  ["a name in single quotes", "{'a':1}", "expected a member name"],
  ["a number as name", "{1:1}", "expected a member name"],
  ["a comma at the end of an object", '{"a":1,}', "expected a member name"],
  ["a comma at the end of an array", "[1,]", "expected a value"],
  ["two commas", "[1,,2]", "expected a value"],
  ["no comma", "[1 2]", "expected , or ]"],
  ["brackets that do not match", "[1}", "expected , or ]"],
  ["a lone closing bracket", "]", "expected a value"],
  ["True", "True", "plain integer"],
  ["undefined", "undefined", "plain integer"],
  ["33 arrays", "[".repeat(33) + "]".repeat(33), "nested deeper than 32"],
  ["33 objects", '{"a":'.repeat(33) + "1" + "}".repeat(33), "nested deeper than 32"],
  ["64 KiB of arrays", "[".repeat(65_536), "nested deeper than 32"],
  ["64 KiB of objects", '{"a":'.repeat(13_107), "nested deeper than 32"],
  ["a megabyte of digits", "9".repeat(MiB), "plain integer"],
  ["a megabyte of an unfinished string", `"${"\\n".repeat(MiB / 2)}`, "without end"],
];

test.each(REFUSED)("refuses %s", (_name, source, says) => {
  expect(refusal(source)).toEqual({
    code: "malformed",
    message: expect.stringContaining(says),
  });
});

test.each<readonly [string, JsonValue]>([
  ["0", 0],
  ["9007199254740991", 2 ** 53 - 1],
  ["true", true],
  ["false", false],
  [" \t\r\n null \n", null],
  ["[]", []],
  ["[ ]", []],
  ["{ }", {}],
  [' { "a" : [ 1 , 2 ] , "b" : { } } ', { a: [1, 2], b: {} }],
  ['"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'],
  ['"\\u0041\\u00e9\\ud83d\\ude00"', "Aé😀"],
  ['"é😀\u2028\u007f"', "é😀\u2028\u007f"],
  ['{"":1," ":2}', { "": 1, " ": 2 }],
])("accepts %s", (source, value) => {
  expect(parse(source)).toEqual(value);
});

test("32 levels are not too deep, and the limit is the caller's", () => {
  expect(() => parse("[".repeat(32) + "]".repeat(32))).not.toThrow();
  expect(() => parse("[[[]]]", 3)).not.toThrow();
  expect(() => parse("[[[]]]", 2)).toThrow("nested deeper than 2");
});

test("a document over the byte limit is too large, whatever is in it", () => {
  expect(() => parseJson(utf8.encode("12"), { maxBytes: 2 })).not.toThrow();
  const refused = { code: "too-large", message: expect.stringContaining("at most 2 bytes, got 3") };
  expect(() => parseJson(bytes(0xff, 0xff, 0xff), { maxBytes: 2 })).toThrow(
    expect.objectContaining(refused),
  );
});

test("each value counts against the limit of values: the document, its members and items", () => {
  const five = utf8.encode('{"a":[1,2],"b":null}');
  expect(() => parseJson(five, { maxBytes: MiB, maxValues: 5 })).not.toThrow();
  expect(() => parseJson(five, { maxBytes: MiB, maxValues: 4 })).toThrow(
    expect.objectContaining({ code: "too-large", message: expect.stringContaining("4 values") }),
  );
});

test("a refusal does not repeat the document", () => {
  expect(refusal('{"secret": hunter2}')?.message).not.toMatch(/secret|hunter2/);
});

describe("names that mean something to JavaScript are ordinary names", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

  test.each(NAMES)("%s", (name) => {
    const value = parse(`{"${name}":{"polluted":1}}`);
    expect(isJsonObject(value) && Object.keys(value)).toEqual([name]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
    expect(isJsonObject(value) && isJsonObject(value[name]) && value[name]["polluted"]).toBe(1);
  });

  test("an object has no prototype: what is not in the document is not there", () => {
    const value = parse("{}");
    expect(isJsonObject(value) && NAMES.map((name) => value[name])).toEqual(
      NAMES.map(() => undefined),
    );
    expect(Object.getPrototypeOf(jsonObject({ a: 1 }))).toBeNull();
  });
});

test("objects and arrays are told apart", () => {
  const values = [{}, [], null, "", undefined];
  expect(values.filter((value) => isJsonObject(value))).toEqual([{}]);
  expect(values.filter((value) => isJsonArray(value))).toEqual([[]]);
  expect(jsonObject({ a: undefined, b: null })).toEqual({ b: null });
});

test.each<readonly [a: JsonValue, b: JsonValue]>([
  [{ a: null }, { b: null }],
  [{ a: 1 }, { a: 1, b: 2 }],
  [[null], []],
  [[], {}],
  [{}, null],
  [1, "1"],
])("%j and %j are not the same", (a, b) => {
  expect([sameJson(a, b), sameJson(b, a)]).toEqual([false, false]);
});

/** Any well-formed text without the control characters that encodeJson refuses. */
const text = fc
  .string({ unit: "binary" })
  .filter((value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(value));
const json = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.maxSafeNat(),
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constant("__proto__")), tie("value")), { maxLength: 4 })
      .map((members) => jsonObject(Object.fromEntries(members))),
  ),
})).value;

test("law: what is written is read back", () => {
  const law = fc.property(json, (value) => {
    expect(parse(encodeJson(value))).toEqual(value);
  });
  fc.assert(law);
});

const TOKENS = ["{", "}", "[", "]", ",", ":", '"a"', '"b"', '"\\u0061"', '"\\ud83d"', " ", "\n"];
const WORDS = ["0", "1", "-0", "1.0", "1e1", "01", "true", "null", "nul", "\u00a0", '"', "\\"];
const tokens = fc.array(fc.constantFrom(...TOKENS, ...WORDS), { maxLength: 9 });
const spoiled = fc
  .tuple(json, fc.nat(), fc.constantFrom("", ...TOKENS, ...WORDS))
  .map(([value, at, token]) => {
    const source = JSON.stringify(value, null, 1);
    const i = at % (source.length + 1);
    // A cut through a surrogate pair would not survive the way into UTF-8.
    return (source.slice(0, i) + token + source.slice(i + 1)).toWellFormed();
  });

test("law: what is accepted, JSON.parse accepts and reads in the same way", () => {
  const agrees = (source: string): void => {
    if (refusal(source) !== null) return;
    expect(parse(source)).toEqual(JSON.parse(source));
  };
  fc.assert(
    fc.property(
      tokens.map((list) => list.join("")),
      agrees,
    ),
    { numRuns: 3000 },
  );
  fc.assert(fc.property(spoiled, agrees), { numRuns: 500 });
  fc.assert(
    fc.property(
      json.map((value) => JSON.stringify(value, null, 2)),
      agrees,
    ),
  );
});
