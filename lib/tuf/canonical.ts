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

/**
 * @returns the UTF-8 bytes that a signature over `value` covers
 * @throws RootwardError `malformed` for a control character other than newline, return and tab
 */
export function canonicalize(value: JsonValue, dialect: Dialect): Uint8Array {
  return utf8.encode(canonicalText(value, dialect === "ats"));
}

/** Valid JSON with sorted members and no white space: what is stored and served. UTF-8. */
export function encodeJson(value: JsonValue): Uint8Array {
  return utf8.encode(canonicalText(value, true));
}

function canonicalText(value: JsonValue, escapeBreaks: boolean): string {
  if (typeof value === "string") return quote(value, escapeBreaks);
  if (typeof value !== "object" || value === null) return String(value);
  if (isJsonArray(value)) {
    return `[${value.map((item) => canonicalText(item, escapeBreaks)).join(",")}]`;
  }
  const members = Object.entries(value).sort(([a], [b]) => compareCodePoints(a, b));
  const parts = members.map(
    ([name, member]) => `${quote(name, escapeBreaks)}:${canonicalText(member, escapeBreaks)}`,
  );
  return `{${parts.join(",")}}`;
}

const BREAKS: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
const FOREIGN = /[^\n\r\t\u0020-\u007e]/;
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

function quote(text: string, escapeBreaks: boolean): string {
  if (CONTROL.test(text)) {
    throw new RootwardError("malformed", "control character in a string of signed metadata");
  }
  const escaped = text.replace(/["\\]/g, "\\$&");
  return `"${escapeBreaks ? escaped.replace(/[\n\r\t]/g, (c) => BREAKS[c] ?? c) : escaped}"`;
}

/** Bytewise order of the UTF-8 forms, which JavaScript's own order is not beyond the BMP. */
function compareCodePoints(a: string, b: string): number {
  if (a === b) return 0;
  let i = 0;
  while (i < a.length && a[i] === b[i]) i += 1;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}

/** Whether {@link canonicalize} takes `value`. */
export function hasCanonicalForm(value: JsonValue): boolean {
  return findPlace(value, "", (part) => typeof part === "string" && CONTROL.test(part)) === null;
}

/**
 * The first place inside `value` with a character that the clients' canonical forms do not agree
 * on (rule 3): anything but printable ASCII, newline, carriage return and tab.
 *
 * @returns a path such as `signed.keys.ab12`, or null if there is none
 */
export function foreignCharacter(value: JsonValue, path: string): string | null {
  return findPlace(value, path, (part) => typeof part === "string" && FOREIGN.test(part));
}
