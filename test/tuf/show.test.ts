/** How messages show values from outside: short, plain, and never a private key. */
import { expect, test } from "vitest";
import type { JsonValue } from "../../lib/tuf/json.ts";
import { show, showSome } from "../../lib/tuf/show.ts";

const PRIVATE_PEM = ["-----BEGIN ", " KEY-----\nMC4CAQA=\n-----END ", " KEY-----\n"].join(
  "PRIVATE",
);

test.each<readonly [value: JsonValue | undefined, shown: string]>([
  [undefined, "nothing"],
  [null, "null"],
  [true, "true"],
  [42, "42"],
  ["", '""'],
  ['a "word"\n', '"a \\"word\\"\\n"'],
  ["f\u00fcr \u0007\u{1f600}", '"f?r \\u0007??"'],
  [{ a: 1 }, "an object"],
  [["a"], "a list"],
  [PRIVATE_PEM, "a private key"],
  ["n".repeat(78), `"${"n".repeat(78)}"`],
  ["n".repeat(79), `"${"n".repeat(76)}...`],
])("%j", (value, shown) => {
  expect(show(value)).toBe(shown);
});

test("of a list the first few are shown, and the others counted", () => {
  expect(showSome([])).toBe("");
  expect(showSome(["a", "b", "c"])).toBe('"a", "b", "c"');
  expect(showSome(["a", "b", "c", "d", "e"])).toBe('"a", "b", "c" and 2 more');
  expect(showSome(["a", PRIVATE_PEM, "c"], 2)).toBe('"a", a private key and 1 more');
});
