/** The rules of plain English that a program can hold (CONTRIBUTING.md, Words). */
import type { Sentence } from "./sentences.ts";

export interface Offence extends Sentence {
  readonly rule: string;
}

/** The longest sentence in docs. */
const MOST_WORDS = 30;

const OPENING = /^\W*(?:What|Who|Whoever|Whom|Whose|Of|By which)\b(?!.*\?\W*$)/;
const BANNED =
  /\b(?:whoever|whomever|nobody else|any more|tell of|tells of|told of|he|him|his|himself|stands for|goes by|takes back|settles|tends)\b/i;

/** @param isDoc in docs sentences are short, too */
export function offencesOf(sentences: readonly Sentence[], isDoc: boolean): readonly Offence[] {
  return sentences.flatMap((sentence): readonly Offence[] => {
    const { text } = sentence;
    const word = BANNED.exec(text)?.[0];
    const words = text.split(/\s+/).filter((part) => /\w/.test(part)).length;
    return [
      ...(OPENING.test(text)
        ? [{ ...sentence, rule: "begins with a clause: name the thing" }]
        : []),
      ...(word === undefined ? [] : [{ ...sentence, rule: `"${word}": another word` }]),
      ...(isDoc && words > MOST_WORDS ? [{ ...sentence, rule: `${words} words: cut it` }] : []),
    ];
  });
}
