/**
 * One member of a JSON value, at any depth, replaced, added or taken out: what a table of edits has
 * not thought of.
 */
import * as fc from "fast-check";
import {
  isJsonObject,
  jsonObject,
  type JsonObject,
  type JsonValue,
} from "../../../lib/tuf/json.ts";

const VALUES: readonly (JsonValue | undefined)[] = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  2,
  99,
  Number.MAX_SAFE_INTEGER,
  "",
  "1",
  "text",
  "ab".repeat(32),
  [],
  [null],
  ["ab".repeat(32)],
  {},
  { a: null },
  { keyids: [], threshold: 1 },
  { keytype: "ed25519", scheme: "ed25519", keyval: { public: "ab".repeat(32) } },
];

const NAMES = [
  "x-note",
  "private",
  "name",
  "keyids",
  "method",
  "toJSON",
  "__proto__",
  "constructor",
];

/** Where, by numbers that fit any document, and what. */
export interface Change {
  readonly container: number;
  /** A member that is there, or one of {@link NAMES}. */
  readonly member: number;
  readonly isNew: boolean;
  readonly value: JsonValue | undefined;
}

export const changes: fc.Arbitrary<Change> = fc.record({
  container: fc.nat(),
  member: fc.nat(),
  isNew: fc.boolean(),
  value: fc.constantFrom(...VALUES),
});

/** `value` with the change made somewhere inside; arrays are left as they are. */
export function changedAnywhere(value: JsonObject, change: Change): JsonObject {
  const paths = containers(value, []);
  const path = paths[change.container % paths.length] ?? [];
  return changedAt(value, path, (object) => {
    const names = change.isNew ? NAMES : Object.keys(object);
    const name = names[change.member % names.length] ?? "x-note";
    return jsonObject({ ...object, [name]: change.value });
  });
}

function containers(value: JsonObject, path: readonly string[]): readonly (readonly string[])[] {
  const inner = Object.entries(value).flatMap(([name, member]) =>
    isJsonObject(member) ? containers(member, [...path, name]) : [],
  );
  return [path, ...inner];
}

function changedAt(
  value: JsonObject,
  [name, ...rest]: readonly string[],
  change: (object: JsonObject) => JsonObject,
): JsonObject {
  if (name === undefined) return change(value);
  const inner = value[name];
  const next = isJsonObject(inner) ? changedAt(inner, rest, change) : inner;
  return jsonObject({ ...value, [name]: next });
}
