/**
 * Sentences that people read in a file: of comments in TypeScript, and of text and table cells in Markdown. Code
 * blocks, inline code, links' targets and the tags of docstrings are left out.
 */

export interface Sentence {
  /** The line on which it begins; 1 for the first. */
  readonly line: number;
  /** Its words, with one space between two. */
  readonly text: string;
}

interface Passage {
  readonly line: number;
  readonly text: string;
}

export function sentencesOf(file: string, content: string): readonly Sentence[] {
  const lines = content.split("\n");
  const passages = file.endsWith(".md") ? textPassages(lines) : commentPassages(lines);
  return passages.flatMap(cut);
}

/** Comments that begin a line. One beside code is a note of a few words. */
function commentPassages(lines: readonly string[]): readonly Passage[] {
  const words = lines.map((line) => {
    const text = /^\s*(?:\/\/|\/\*\*?|\*(?!\/))(.*)$/.exec(line)?.[1]?.replace(/\*\/\s*$/, "");
    // A tag begins a text of its own, and the name of a parameter is no word of it.
    return text?.replace(/^\s*@(?:param \S+|\w+)/, "\0").trimEnd();
  });
  return joined(words, (text) => text.startsWith("\0") || /^\s*(?:[-*\d]|\S.*?\s{3,})/.test(text));
}

function textPassages(lines: readonly string[]): readonly Passage[] {
  let code = false;
  const kept = lines.map((line) => {
    if (/^\s*```/.test(line)) code = !code;
    return code || /^\s*(?:```|#|\|\s*-{3}|<)/.test(line) ? undefined : line;
  });
  const cells = kept.flatMap((line, at) =>
    line?.startsWith("|")
      ? line
          .split(/(?<!\\)\|/)
          .filter((cell) => cell.trim() !== "")
          .map((text) => ({ line: at + 1, text }))
      : [],
  );
  const prose = kept.map((line) => (line?.startsWith("|") ? undefined : line));
  return [...joined(prose, (text) => /^\s*(?:[-*]|\d+\.)\s/.test(text)), ...cells];
}

/** Lines that follow each other are one passage, until one is empty or begins another. */
function joined(
  lines: readonly (string | undefined)[],
  begins: (text: string) => boolean,
): readonly Passage[] {
  const passages: Passage[] = [];
  let open: { line: number; text: string } | null = null;
  for (const [at, text] of lines.entries()) {
    if (text === undefined || text.trim() === "") {
      open = null;
    } else if (open === null || begins(text)) {
      open = { line: at + 1, text };
      passages.push(open);
    } else {
      open.text += `\n${text}`;
    }
  }
  return passages;
}

/** A sentence begins with a capital, a number, code, or the name of a tool that is written in lower case. */
const BETWEEN =
  /(?<=[.!?;](?:\*\*)?)(?=\s+(?:[A-Z\d*[(x"]|(?:aktualizr|fioctl|go-tuf|python-tuf|tough|tuf-js)\b))/;

function cut({ line, text }: Passage): readonly Sentence[] {
  const plain = text
    .replaceAll("\0", " ")
    .replaceAll(/`[^`]*`/g, (code) => "x".padEnd(code.length, "x").replaceAll(/./g, "x"))
    .replaceAll(/\]\([^)]*\)/g, "]")
    .replaceAll(/\{@link (\S+)\}/g, "$1");
  const sentences: Sentence[] = [];
  let at = line;
  for (const part of plain.split(BETWEEN)) {
    const leading = /^\s*/.exec(part)?.[0] ?? "";
    at += count(leading);
    const words = part.trim().replace(/^(?:[-*]+|\d+\.)\s+/, "");
    if (words !== "") sentences.push({ line: at, text: words.replaceAll(/\s+/g, " ") });
    at += count(part.slice(leading.length));
  }
  return sentences;
}

function count(text: string): number {
  return text.split("\n").length - 1;
}
