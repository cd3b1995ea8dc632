/** JSON values at random, and each in one of its many spellings. */
import * as fc from "fast-check";
import { isJsonArray, isJsonObject, jsonObject, type JsonValue } from "../../../lib/tuf/json.ts";

/** Any text that canonical JSON has a form for. */
export const text = fc
  .string({ unit: "binary", maxLength: 8 })
  .filter((value) => !/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(value));
/** What could be taken for the marks of JSON itself. */
export const marks = fc.string({
  unit: fc.constantFrom(...'"\\n\n,:{}[]1'.split("")),
  maxLength: 3,
});

/** Any value with such texts as strings and member names. */
export function values(names: fc.Arbitrary<string>, maxLength: number): fc.Arbitrary<JsonValue> {
  return fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom(null, true, false),
      fc.oneof(fc.nat(1), fc.maxSafeNat()),
      names,
      fc.array(tie("value"), { maxLength }),
      fc
        .dictionary(names, tie("value"), { maxKeys: maxLength })
        .map((members) => jsonObject(members)),
    ),
  })).value;
}

/** Numbers below the one that is asked for, one after the other. */
export type Pick = (below: number) => number;
export const picks = fc
  .array(fc.nat(), { minLength: 1, maxLength: 24 })
  .map((list): (() => Pick) => () => {
    let i = 0;
    return (below) => (list[i++ % list.length] ?? 0) % below;
  });

/** `value` as JSON in one of its many spellings: white space, order of members, escapes. */
export function spelled(value: JsonValue, pick: Pick): string {
  const space = (): string => ["", "", " ", "\n", "\t", "\r\n"][pick(6)] ?? "";
  const list = (open: string, parts: readonly string[], close: string): string =>
    open + space() + parts.map((part) => part + space()).join(`,${space()}`) + close;
  if (typeof value === "string") return spelledText(value, pick);
  if (isJsonArray(value)) {
    const items = value.map((item) => spelled(item, pick));
    return list("[", items, "]");
  }
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `${spelledText(name, pick)}${space()}:${space()}${spelled(member, pick)}`,
  );
  const from = pick(members.length + 1);
  const other = [...members.slice(from), ...members.slice(0, from)];
  return list("{", pick(2) === 0 ? other : other.toReversed(), "}");
}

function spelledText(value: string, pick: Pick): string {
  // By UTF-16 unit: an escape may be half of an astral character.
  const units = value.split("").map((unit, i) => {
    if (pick(4) > 0 && !/[\ud800-\udfff]/.test(value)) return JSON.stringify(unit).slice(1, -1);
    const code = value.charCodeAt(i).toString(16).padStart(4, "0");
    return `\\u${pick(2) === 0 ? code : code.toUpperCase()}`;
  });
  return `"${units.join("")}"`;
}
