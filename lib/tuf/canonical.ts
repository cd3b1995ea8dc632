/**
 * Canonical JSON: the bytes that are signed.
 *
 * `tuf`: OLPC canonical JSON, as the TUF specification (4.2.1) asks: members sorted, no white
 * space, in strings only `"` and `\` escaped, so a newline in a PEM key stays the byte 0x0A.
 * `ats`: fioctl's fork and ota-tuf's circe also write newline, carriage return and tab as `\n`,
 * `\r`, `\t`. That form is valid JSON, so it is what we store and serve too.
 *
 * The two, and jsoncpp, agree on nothing beyond printable ASCII and those three (rule 3):
 * {@link foreignCharacter} finds what is outside, and canonicalize refuses control characters.
 */
import { RootwardError } from "../error.ts";
import type { Dialect } from "./dialect.ts";
import { findPlace } from "./find-place.ts";
import { isJsonArray, type JsonValue } from "./json.ts";

const utf8 = new TextEncoder();
const FOREIGN = /[^\n\r\t\u0020-\u007e]/;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

/**
 * @returns the UTF-8 bytes that a signature over `value` covers
 * @throws RootwardError `malformed` for a control character other than newline, return and tab
 */
export function canonicalize(value: JsonValue, dialect: Dialect): Uint8Array {
  return signedBytes(checked(canonicalText(value)), dialect);
}

/** Valid JSON with sorted members and no white space: what is stored and served. UTF-8. */
export function encodeJson(value: JsonValue): Uint8Array {
  return servedBytes(checked(canonicalText(value)));
}

/** The bytes that a signature covers, from a text by {@link canonicalText}. */
export function signedBytes(text: string, dialect: Dialect): Uint8Array {
  return dialect === "ats" ? servedBytes(text) : utf8.encode(text);
}

/**
 * The bytes that are served, from a text by {@link canonicalText}. Nothing stands between its tokens, so
 * each line break in it is inside a string.
 */
export function servedBytes(text: string): Uint8Array {
  return utf8.encode(text.replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t"));
}

/** OLPC canonical JSON as text. Control characters, which have no agreed form, stay as they are. */
export function canonicalText(value: JsonValue): string {
  if (typeof value === "string") return quote(value);
  if (typeof value !== "object" || value === null) return String(value);
  let parts = "";
  if (isJsonArray(value)) {
    for (const item of value) parts += (parts === "" ? "" : ",") + canonicalText(item);
    return `[${parts}]`;
  }
  for (const name of sorted(Object.keys(value))) {
    const member = canonicalText(value[name] ?? null);
    parts += `${parts === "" ? "" : ","}${quote(name)}:${member}`;
  }
  return `{${parts}}`;
}

/** The characters that JSON.stringify escapes besides `"` and `\\`, and we do not. */
const ESCAPED_BY_JSON = /[\u0000-\u001f\ud800-\udfff]/;

function quote(text: string): string {
  // Nearly no string has either, and one look is quicker than two.
  if (!/["\\]/.test(text)) return `"${text}"`;
  return `"${text.split("\n").map(escaped).join("\n")}"`;
}

/** `"` and `\\` with a backslash before them: what JSON.stringify does, and quickest, where it can. */
function escaped(line: string): string {
  if (!ESCAPED_BY_JSON.test(line)) return JSON.stringify(line).slice(1, -1);
  return line.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
}

/** Metadata mostly comes with its members in order. */
function sorted(names: readonly string[]): readonly string[] {
  for (let i = 1; i < names.length; i += 1) {
    if (compareCodePoints(names[i - 1] ?? "", names[i] ?? "") > 0) {
      return names.toSorted(compareCodePoints);
    }
  }
  return names;
}

/** Bytewise order of the UTF-8 forms, which JavaScript's own order is not beyond the BMP. */
function compareCodePoints(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i += 1;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

/** Whether a text by {@link canonicalText} has a character without an agreed form. */
export function hasControlCharacter(text: string): boolean {
  return CONTROL.test(text);
}

function checked(text: string): string {
  if (!hasControlCharacter(text)) return text;
  throw new RootwardError("malformed", "control character in a string of signed metadata");
}

/**
 * The first place inside `value` with a character that the clients' canonical forms do not agree
 * on (rule 3): anything but printable ASCII, newline, carriage return and tab.
 *
 * @param text the value by {@link canonicalText}, where it is known
 * @returns a path such as `signed.keys.ab12`, or null if there is none
 */
export function foreignCharacter(
  value: JsonValue,
  path: string,
  text = canonicalText(value),
): string | null {
  if (!FOREIGN.test(text)) return null;
  return findPlace(value, path, (part) => typeof part === "string" && FOREIGN.test(part));
}
