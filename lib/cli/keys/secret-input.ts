/**
 * A secret typed by a person: not shown, and in no shell history or process list. The terminal is put
 * into raw mode for as long as it takes, so the keys that edit and end a line are ours to read.
 */
import { RootwardError } from "../../error.ts";

/** The part of a terminal's standard input that we use. */
export interface SecretInput {
  setRawMode(on: boolean): unknown;
  setEncoding(encoding: "utf8"): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: "data", listener: (chunk: string) => void): unknown;
  off(event: "data", listener: (chunk: string) => void): unknown;
}

const INTERRUPT = "\u0003";
const END_OF_INPUT = "\u0004";
const ERASE = ["\b", "\u007f"];
const END_OF_LINE = ["\r", "\n"];

/**
 * Reads one line.
 *
 * @param input a terminal
 * @param ask tells the person; called once typed characters are no longer shown
 * @throws RootwardError `usage` if the person gives up (^C, ^D)
 */
export async function askSecret(input: SecretInput, ask: () => void): Promise<string> {
  const typed = Promise.withResolvers<string>();
  let text = "";
  const listener = (chunk: string): void => {
    // By characters, since a paste comes as one chunk.
    for (const character of Array.from(chunk)) {
      if (END_OF_LINE.includes(character)) return typed.resolve(text);
      if (character === INTERRUPT || character === END_OF_INPUT) {
        return typed.reject(new RootwardError("usage", "no passphrase was given"));
      }
      text = ERASE.includes(character) ? Array.from(text).slice(0, -1).join("") : text + character;
    }
  };
  input.setRawMode(true);
  input.setEncoding("utf8");
  input.on("data", listener);
  input.resume();
  ask();
  try {
    return await typed.promise;
  } finally {
    input.off("data", listener);
    input.setRawMode(false);
    input.pause();
  }
}
