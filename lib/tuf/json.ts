/**
 * Strict reading of JSON (rules 1 to 3 of docs/root-rules.md).
 *
 * JSON.parse hides what an attacker needs: of two equal member names it keeps the last, `1.0`,
 * `1e0` and `-0` become integers, and 2^53 + 1 becomes another number. Two readers that disagree
 * about one document are how signed metadata gets two meanings, so here each of these is an error:
 * bytes that are not UTF-8, a byte order mark, anything after the document, a duplicate member
 * name, a number that is not a plain integer from 0 to 2^53-1, nesting deeper than the limit, a
 * lone surrogate. The reader is linear in its input, never recurses deeper than the limit, and can
 * be told how many values are too many.
 *
 * Objects have no prototype, so `__proto__` and `constructor` are ordinary names.
 */
import { RootwardError } from "../error.ts";

export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
export type JsonArray = readonly JsonValue[];
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

export interface JsonLimits {
  /** Longest input in bytes; a longer one is `too-large` before a byte of it is looked at. */
  readonly maxBytes: number;
  /** Deepest nesting of arrays and objects; 32 unless given. */
  readonly maxDepth?: number;
  /** Most values, counting each member and each item; any number unless given. */
  readonly maxValues?: number;
  /** Most members of one object; any number unless given. Tables of names cost more than values. */
  readonly maxMembers?: number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const UNPLAIN_CHARACTER = /[\\\u0000-\u001f]/;
/** One digit more than 2^53 has, and whatever else a number of JSON may go on with. */
const NUMBER = /-?[0-9]{0,17}[-+.0-9A-Za-z]?/y;
const PLAIN_INTEGER = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * Reads one JSON document.
 *
 * @param bytes UTF-8, without byte order mark
 * @returns the value; objects are without prototype
 * @throws RootwardError `too-large` over the byte limit, `malformed` for everything else; the
 *   message names the rule and the offset, never the content
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): JsonValue {
  if (bytes.length > limits.maxBytes) {
    throw new RootwardError(
      "too-large",
      `document is too large: expected at most ${limits.maxBytes} bytes, got ${bytes.length}`,
    );
  }
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new RootwardError("malformed", "document is not JSON: expected UTF-8");
  }
  return new Reader(text, limits).document();
}

/** Whether `value` is a JSON object (not an array, not null). */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether `value` is a JSON array; narrows where Array.isArray does not for readonly arrays. */
export function isJsonArray(value: JsonValue | undefined): value is JsonArray {
  return Array.isArray(value);
}

/** Whether two values are equal; the order of members does not matter. */
export function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (isJsonArray(a)) {
    return isJsonArray(b) && a.length === b.length && a.every((x, i) => sameJson(x, b[i] ?? null));
  }
  if (!isJsonObject(a) || !isJsonObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name] ?? null, b[name] ?? null))
  );
}

/** An object without prototype holding `members`; the way to build a JsonObject in code. */
export function jsonObject(members: Readonly<Record<string, JsonValue | undefined>>): JsonObject {
  const object = emptyObject();
  for (const name of Object.keys(members)) {
    const value = members[name];
    if (value !== undefined) object[name] = value;
  }
  return object;
}

/** Space, newline, carriage return, tab, by character code. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

function emptyObject(): Record<string, JsonValue> {
  return Object.create(null) as Record<string, JsonValue>;
}

function tooMany(most: number, what: string): never {
  throw new RootwardError("too-large", `document is too large: expected at most ${most} ${what}`);
}

class Reader {
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #maxValues: number;
  readonly #maxMembers: number;
  #values = 0;
  #at = 0;

  constructor(
    text: string,
    { maxDepth = 32, maxValues = Infinity, maxMembers = Infinity }: JsonLimits,
  ) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#maxValues = maxValues;
    this.#maxMembers = maxMembers;
  }

  document(): JsonValue {
    this.#space();
    const value = this.#value(1);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("expected the end of the document");
    return value;
  }

  #value(depth: number): JsonValue {
    this.#values += 1;
    if (this.#values > this.#maxValues) tooMany(this.#maxValues, "values");
    const c = this.#text[this.#at];
    switch (c) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case undefined:
        return this.#fail("expected a value, got the end of the document");
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    this.#enter(depth);
    const object = emptyObject();
    if (this.#peek() === "}") {
      this.#at += 1;
      return object;
    }
    for (let members = 1; ; members += 1) {
      if (members > this.#maxMembers) tooMany(this.#maxMembers, "members in one object");
      if (this.#peek() !== '"') this.#fail("expected a member name");
      const name = this.#string();
      if (Object.hasOwn(object, name)) this.#fail("duplicate member name");
      this.#expect(":");
      this.#space();
      object[name] = this.#value(depth + 1);
      if (!this.#more("}")) return object;
    }
  }

  #array(depth: number): JsonArray {
    this.#enter(depth);
    const array: JsonValue[] = [];
    if (this.#peek() === "]") {
      this.#at += 1;
      return array;
    }
    for (;;) {
      this.#space();
      array.push(this.#value(depth + 1));
      if (!this.#more("]")) return array;
    }
  }

  #enter(depth: number): void {
    if (depth > this.#maxDepth) this.#fail(`nested deeper than ${this.#maxDepth}`);
    this.#at += 1;
  }

  /** After a member: true for a comma, false for the closing bracket. */
  #more(close: string): boolean {
    const c = this.#peek();
    if (c !== "," && c !== close) this.#fail(`expected , or ${close}`);
    this.#at += 1;
    return c === ",";
  }

  /** JSON.parse hides nothing inside a string; it only lets lone surrogates pass. */
  #string(): string {
    const end = this.#endOfString();
    const inside = this.#text.slice(this.#at + 1, end);
    let value = inside;
    if (UNPLAIN_CHARACTER.test(inside)) {
      try {
        value = JSON.parse(`"${inside}"`) as string;
      } catch {
        this.#fail("control character or unknown escape in a string");
      }
    }
    if (!value.isWellFormed()) this.#fail("lone surrogate in a string");
    this.#at = end + 1;
    return value;
  }

  /** Where the closing quote is: the first one with an even number of backslashes before it. */
  #endOfString(): number {
    for (let at = this.#at + 1; ; at += 1) {
      at = this.#text.indexOf('"', at);
      if (at < 0) this.#fail("string without end");
      let start = at;
      while (this.#text[start - 1] === "\\") start -= 1;
      if ((at - start) % 2 === 0) return at;
    }
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const source = NUMBER.exec(this.#text)?.[0] ?? "";
    if (source === "") return this.#fail("expected a value");
    const value = Number(source);
    if (!PLAIN_INTEGER.test(source) || value > Number.MAX_SAFE_INTEGER) {
      this.#fail("expected a plain integer from 0 to 2^53-1");
    }
    this.#at += source.length;
    return value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("expected a value");
    this.#at += word.length;
    return value;
  }

  #expect(c: string): void {
    if (this.#peek() !== c) this.#fail(`expected ${c}`);
    this.#at += 1;
  }

  #peek(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  #space(): void {
    const text = this.#text;
    let at = this.#at;
    while (isSpace(text.charCodeAt(at))) at += 1;
    this.#at = at;
  }

  #fail(what: string): never {
    throw new RootwardError("malformed", `document is not strict JSON: ${what} (at ${this.#at})`);
  }
}
