/**
 * All in which the strict and the lenient policy differ over the history of Sigstore's root, one
 * leniency a row: which versions need it, what the strict policy says of those for that and nothing
 * else, and how they would have had to be written.
 */
import type { FindingCode } from "../../lib/tuf/findings.ts";
import { isJsonArray, isJsonObject, jsonObject } from "../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import { keyidsOf, type RootKey } from "../../lib/tuf/keys.ts";
import { toPem } from "../../lib/tuf/spki.ts";
import { rootOf, textOf } from "../support/tuf/sigstore.ts";
import { edits, type Edit } from "../support/tuf/test-factory.ts";

export interface Leniency {
  readonly name: string;
  /** The versions that need it. */
  readonly versions: readonly number[];
  /** What the strict policy says of those. */
  readonly codes: readonly FindingCode[];
  /** The `signed` of a version without this oddity, everything else as it was. */
  readonly repair: (signed: JsonObject, version: number) => JsonObject;
}

export const LENIENCIES: readonly Leniency[] = [
  {
    name: "fractions of a second in expires",
    versions: [1, 2, 3],
    codes: ["expires-format"],
    repair: (signed) => edits(signed, [["expires"], expiresOf(signed).replace(/\.\d+/, "")]),
  },
  {
    name: "an offset in expires",
    versions: [1],
    codes: ["expires-format"],
    repair: (signed) =>
      edits(signed, [["expires"], expiresOf(signed).replace(/T13(.*)-06:00$/, "T19$1Z")]),
  },
  {
    name: "ECDSA keys as hex points",
    versions: [1, 2, 3, 4],
    codes: ["key-material", "keyid-without-key"],
    repair: (signed, version) =>
      withKeys(signed, version, ({ object, key }) =>
        isHexKey(object) ? edits(object, [["keyval", "public"], toPem(key.spki)]) : null,
      ),
  },
  {
    // The key itself is that of version 10: a member beside it changed, and the id did not.
    name: "a keyid that does not follow from its key",
    versions: [11],
    codes: ["keyid-derivation"],
    repair: (signed, version) =>
      withKeys(signed, version, ({ object }) => (isHexKey(object) ? null : object)),
  },
];

function expiresOf(signed: JsonObject): string {
  return textOf(signed["expires"]);
}

/** The text of the key in a key object. */
export function publicOf(object: JsonObject): string {
  return textOf(objectAt(object, "keyval")["public"]);
}

export function isHexKey(object: JsonObject): boolean {
  return /^[0-9a-f]+$/.test(publicOf(object));
}

/** The object at `path` inside `value`; an empty one where there is none. */
export function objectAt(value: JsonObject, ...path: readonly string[]): JsonObject {
  return path.reduce((at, name) => {
    const inner = at[name];
    return isJsonObject(inner) ? inner : jsonObject({});
  }, value);
}

/** `signed` with other key objects, under the ids that follow from them; null leaves a key alone. */
function withKeys(
  signed: JsonObject,
  version: number,
  change: (key: RootKey) => JsonObject | null,
): JsonObject {
  return [...rootOf(version).keys.values()].reduce((before, entry) => {
    const object = change(entry);
    if (object === null) return before;
    const [keyid] = keyidsOf(object, entry.key, "tuf");
    const renamed = (value: JsonValue): JsonValue => (value === entry.keyid ? keyid : value);
    const roles = Object.keys(objectAt(before, "roles")).map((role): Edit => {
      const { keyids = null } = objectAt(before, "roles", role);
      return [["roles", role, "keyids"], isJsonArray(keyids) ? keyids.map(renamed) : []];
    });
    return edits(before, [["keys", entry.keyid], undefined], [["keys", keyid], object], ...roles);
  }, signed);
}
