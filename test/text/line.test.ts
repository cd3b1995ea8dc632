/** One line for people: whatever a value holds, it is one line, it is short, and it draws nothing else. */
import { assert, property, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { asciiLine } from "../../lib/text/forms.ts";
import { cleaned, column, line, listed, printableJson } from "../../lib/text/line.ts";
import { HOSTILE, notAllowed } from "../support/hostile-text.ts";

describe("a value in a line", () => {
  test.each(HOSTILE)("%s", (_, text) => {
    const made = String(line`name ${text} end`);
    expect(notAllowed(made)).toEqual([]);
    expect(made).not.toMatch(/\n/);
    expect(made.startsWith("name ") && made.endsWith(" end")).toBe(true);
    expect(made.length).toBeLessThan(1100);
  });

  test("any text at all", () => {
    const cleans = property(string({ unit: "binary", maxLength: 3000 }), (text) => {
      const made = String(line`<${text}>`);
      expect(notAllowed(made)).toEqual([]);
      expect(notAllowed(printableJson({ [text]: text }))).toEqual([]);
      expect(asciiLine(text)).toMatch(/^[ -~]{0,500}$/);
    });
    assert(cleans, { numRuns: 500 });
  });

  test("keeps what people write in any language", () => {
    for (const text of ["/home/jürgen/ключи/acme.tgz", "鍵", "a  b", "naïve 😀"]) {
      expect(String(line`${text}`)).toBe(text);
    }
  });

  test("is not padded to the edge of a terminal, where the rest looks like a line of ours", () => {
    expect(cleaned(`a${" ".repeat(79)}error: b`)).toBe("a error: b");
  });

  test("of a line that was made already stays as it is, our own new lines included", () => {
    expect(String(line`${line`a\nb`} ${"c\nd"}`)).toBe("a\nb c?d");
  });
});

test("a table's column is filled after it was cleaned", () => {
  expect(String(line`${column("a\n", 4)}|${column(7, 3)}|`)).toBe("a?  |7  |");
});

test("a list is cleaned item by item, and ends", () => {
  expect(String(listed(["a", "b\r\nc", 3]))).toBe("a, b??c, 3");
  expect(String(listed([]))).toBe("");
  expect(String(listed(Array.from({ length: 60 }, () => "x")))).toMatch(
    /^(?:x, ){49}x and 10 more$/,
  );
});

test("JSON says the same with escapes", () => {
  for (const [, text] of HOSTILE) {
    const json = printableJson({ text });
    expect(notAllowed(json)).toEqual([]);
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ text })));
  }
});
