/**
 * One line of text for people, made of our own words and of values that others may have chosen. Each
 * value is cleaned as it is put in: no control character, no character that hides or reorders its
 * neighbours, one line, bounded length. Only a template of our own can begin a new line.
 *
 * Whatever writes for people (the terminal, mails, the service's log) takes a Line and no string, so
 * a new caller cannot forget the cleaning.
 */

/** Characters of a value; the name of a target has as many. */
const MAX_VALUE = 512;

/** Values of a list that are shown. */
const MAX_LISTED = 50;

/**
 * Controls, format characters (bidirectional ones, zero width, tags), lone surrogates, private and
 * unassigned code points, line and paragraph separators, and everything that is drawn as nothing.
 */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{DI}\u2800]/gu;
/** Spaces of other widths. */
const SPACES = /(?! )\p{Zs}/gu;
/** Many spaces wrap at the terminal's edge, and what follows looks like a line of its own. */
const WIDE_GAP = / {4,}/g;
/** More marks than any language puts on one letter are drawn across the lines around it. */
const MANY_MARKS = /\p{M}{5,}/gu;

export type Value = string | number | Line;

export class Line {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** Our own strings as they are, values cleaned. */
  static from(own: readonly string[], values: readonly Value[]): Line {
    return new Line(own.map((text, at) => text + shown(values[at])).join(""));
  }

  toString(): string {
    return this.#text;
  }
}

/** The tag of a template: `` line`Factory ${name} is live` ``. */
export function line(own: TemplateStringsArray, ...values: readonly Value[]): Line {
  return Line.from(own, values);
}

/** A list of values with `between`, each cleaned by itself; of a long list the first 50. */
export function listed(values: readonly Value[], between: ", " | " " | "; " = ", "): Line {
  const [first, ...rest] = values.slice(0, MAX_LISTED);
  if (first === undefined) return line``;
  const own = ["", ...rest.map(() => between), ""];
  const all = Line.from(own, [first, ...rest]);
  const more = values.length - MAX_LISTED;
  return more > 0 ? line`${all} and ${more} more` : all;
}

/** A value, cleaned and filled with spaces up to `width`, for a table. */
export function column(value: string | number, width: number): Line {
  return Line.from([cleaned(String(value)).padEnd(width)], []);
}

/**
 * A value as it may stand in a line.
 *
 * @param most characters; of a longer one the beginning is left, with dots
 */
export function cleaned(text: string, most = MAX_VALUE): string {
  // First the length, with room for what is replaced: a value of megabytes is not searched whole.
  const clean = text
    .slice(0, 4 * most)
    .replace(HIDDEN, "?")
    .replace(SPACES, " ")
    .replace(WIDE_GAP, " ")
    .replace(MANY_MARKS, "?");
  const characters = Array.from(clean);
  if (characters.length <= most && text.length <= 4 * most) return clean;
  return `${characters.slice(0, most - 3).join("")}...`;
}

/** JSON that draws nothing: the characters which a line replaces are escaped. */
export function printableJson(value: unknown): string {
  const escape = (found: string): string =>
    Array.from({ length: found.length }, (_, at) => escaped(found.charCodeAt(at))).join("");
  return JSON.stringify(value).replace(HIDDEN, escape).replace(SPACES, escape);
}

/** Whether a text is drawn as it is: nothing of it would be replaced in a line. */
export function isPlain(text: string): boolean {
  return text.search(HIDDEN) < 0 && text.search(SPACES) < 0;
}

function shown(value: Value | undefined): string {
  if (value === undefined) return "";
  return typeof value === "string" ? cleaned(value) : String(value);
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
