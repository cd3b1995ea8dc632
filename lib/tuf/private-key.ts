/**
 * Private keys where none may be (rule 14). A sent private key is exposed: it is refused loudly, is not
 * stored, and no message repeats it.
 */
import { findPlace } from "./find-place.ts";
import { isJsonObject, type JsonValue } from "./json.ts";

/** Whether `text` holds a private key in PEM, of whatever kind. */
export function holdsPrivateKey(text: string): boolean {
  return text.includes("PRIVATE KEY") && /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY/.test(text);
}

/**
 * Where a private key is inside `value`: a PEM in any string or member name, or `keyval.private`.
 *
 * @param path how a message calls `value` itself
 * @param text the value as canonicalText writes it, where it is known
 * @returns a path such as `root.signed.keys.ab12`, or null if there is none
 */
export function findPrivateKey(value: JsonValue, path: string, text?: string): string | null {
  // Nearly always there is none, and one look at the whole text says so.
  if (text !== undefined && !text.includes("PRIVATE KEY") && !text.includes('"private"')) {
    return null;
  }
  return findPlace(value, path, (part) => {
    if (typeof part === "string") return holdsPrivateKey(part);
    const keyval = part["keyval"];
    return isJsonObject(keyval) && Object.hasOwn(keyval, "private");
  });
}
