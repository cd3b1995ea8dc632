/**
 * Looking through a document from outside and naming the place of what was found, in words that
 * may stand in a message: a member name goes into the path only where it is harmless there.
 */
import { isJsonArray, type JsonObject, type JsonValue } from "./json.ts";

const HARMLESS_NAME = /^[\u0021-\u007e]{1,64}$/;

/**
 * The first place inside `value` for which `wanted` holds. It is asked about each object, each
 * string and each member name, outer ones first.
 *
 * @param path how the message calls `value` itself
 * @returns a path such as `signed.keys.ab12`, or null if there is none
 */
export function findPlace(
  value: JsonValue,
  path: string,
  wanted: (part: string | JsonObject) => boolean,
): string | null {
  const below = placeBelow(value, wanted);
  return below === null ? null : path + below;
}

function placeBelow(
  value: JsonValue,
  wanted: (part: string | JsonObject) => boolean,
): string | null {
  if (typeof value === "string") return wanted(value) ? "" : null;
  if (typeof value !== "object" || value === null) return null;
  if (isJsonArray(value)) {
    for (const [i, item] of value.entries()) {
      const below = placeBelow(item, wanted);
      if (below !== null) return `.${i}${below}`;
    }
    return null;
  }
  if (wanted(value)) return "";
  for (const name of Object.keys(value)) {
    if (wanted(name)) return " (a member name)";
    const below = placeBelow(value[name] ?? null, wanted);
    if (below !== null) return `.${HARMLESS_NAME.test(name) ? name : "member"}${below}`;
  }
  return null;
}
