/** The checker of plain English sees what it is for, and lets good sentences pass. */
import { describe, expect, test } from "vitest";
import { offencesOf } from "../../tools/words/rules.ts";
import { sentencesOf } from "../../tools/words/sentences.ts";

function rulesBroken(file: string, content: string): readonly string[] {
  return offencesOf(sentencesOf(file, content), file.endsWith(".md")).map(({ rule }) => rule);
}

const LONG = `The ${"word ".repeat(30)}ends.`;

describe("a sentence that is to be rewritten", () => {
  test.each([
    ["in a comment of one line", "a.ts", "/** What the caller gets. */"],
    ["after another", "a.ts", "// It is stored. Who asks gets it."],
    ["after a tag", "a.ts", "/**\n * Reads it.\n *\n * @returns Who was first\n */"],
    ["over two lines", "a.ts", "/**\n * It is read, and\n * nobody else reads it.\n */"],
    ["in a list", "a.md", "- Fine.\n- Of a root the version."],
    ["in a cell", "a.md", "| who | what |\n|---|---|\n| owner | What they hold. |"],
    ["with a banned word", "a.md", "The link does not work any more."],
    ["that is too long for docs", "a.md", LONG],
    ["that is too long, over lines", "a.md", LONG.replaceAll(" word word", "\nword word")],
  ])("%s", (_, file, content) => {
    expect(rulesBroken(file, content)).toHaveLength(1);
  });
});

describe("a sentence that is fine", () => {
  test.each([
    ["a question", "a.md", "What does it cost?"],
    ["code", "a.md", "```\nWhat is here is code.\n```\n\n`What is this` is code, too."],
    ["a text of the program", "a.ts", 'const text = "What is this.";'],
    ["a long comment", "a.ts", `// ${LONG}`],
    [
      "two sentences that are short",
      "a.md",
      `${"word ".repeat(20)}ends. ${"Word ".repeat(20)}ends.`,
    ],
    ["the target of a link", "a.md", "[The text](what-whoever-told-him.md) is fine."],
  ])("%s", (_, file, content) => {
    expect(rulesBroken(file, content)).toEqual([]);
  });
});

test("a sentence is found on the line where it begins", () => {
  const lines = "/**\n * It is read. It is\n * stored. What is left is removed.\n */";
  const [offence] = offencesOf(sentencesOf("a.ts", lines), false);
  expect(offence).toMatchObject({ line: 3, text: "What is left is removed." });
});
