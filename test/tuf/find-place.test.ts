/** Looking through a document: what is asked about, in which order, and how its place is named. */
import { expect, test } from "vitest";
import { findPlace } from "../../lib/tuf/find-place.ts";
import type { JsonValue } from "../../lib/tuf/json.ts";

const SIGNED: JsonValue = { keys: { ab: ["x", { y: 1 }, null] }, version: 1, note: "n" };

/** What `findPlace` asks about, until one of them is the string `found`. */
function asked(value: JsonValue, found?: string): readonly [JsonValue[], string | null] {
  const parts: JsonValue[] = [];
  const place = findPlace(value, "signed", (part) => {
    parts.push(part);
    return part === found;
  });
  return [parts, place];
}

test("each object, string and member name is asked about once, outer ones first", () => {
  const [parts, place] = asked(SIGNED);
  const { keys } = SIGNED as { keys: { ab: JsonValue[] } };
  expect(parts).toEqual([SIGNED, "keys", keys, "ab", "x", keys.ab[1], "y", "version", "note", "n"]);
  expect(place).toBeNull();
});

test.each([null, true, 1, [], [1, [null]]])("in %j there is nothing to ask about", (value) => {
  expect(asked(value)).toEqual([[], null]);
});

test("it ends with what was found", () => {
  expect(asked(SIGNED, "x")).toEqual([
    [expect.anything(), "keys", expect.anything(), "ab", "x"],
    "signed.keys.ab.0",
  ]);
  expect(asked(SIGNED, "ab")[1]).toBe("signed.keys (a member name)");
  expect(asked("n", "n")).toEqual([["n"], "signed"]);
});

test.each(["a b", "", "é", "\n", "n".repeat(65)])("the member name %j is not repeated", (name) => {
  expect(asked({ [name]: ["x"] }, "x")[1]).toBe("signed.member.0");
});
