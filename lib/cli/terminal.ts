/**
 * The one file that writes to the terminal. Results go to stdout, everything that happens on the
 * way to stderr; with `--json` stdout is exactly one JSON object.
 *
 * It takes lines (text/line.ts) and no strings: a value that a server, a file or another program chose
 * can neither begin a line nor move the cursor. Messages of errors are values.
 */
import { styleText } from "node:util";
import ora from "ora";
import { isRootwardError } from "../error.ts";
import { cleaned, line, printableJson, type Line } from "../text/line.ts";
import { EXIT } from "./exit.ts";

export interface Terminal {
  /**
   * Does one step, with a spinner where a person watches, and says how long it took. The progress of the
   * work is shown beside the spinner, and nowhere else.
   */
  step<T>(text: Line, work: (progress: (detail: Line) => void) => Promise<T>): Promise<T>;
  /** A line for the person, not part of the result. */
  note(text: Line): void;
  warn(text: Line): void;
  /** The result: the object with `--json`, else the lines. Called once. */
  result(object: object, lines: readonly Line[]): void;
  /** An error, with findings and a hint below it. */
  error(message: string, findings: readonly string[], hint: string | null): void;
}

/** A message may hold several values, and names of files. */
const MAX_MESSAGE = 2000;
const MAX_FINDINGS = 100;

/** Steps shorter than this are told without their time. */
const WORTH_TELLING_MS = 100;

/** Nobody reads faster, and each costs as much as hashing a megabyte. */
const BETWEEN_DETAILS_MS = 100;

export function createTerminal(json: boolean): Terminal {
  const marked = (colour: "green" | "red" | "yellow", mark: string, text: Line | string): void =>
    console.error(`${styleText(colour, mark, { stream: process.stderr })} ${String(text)}`);
  return {
    async step(text, work) {
      // A terminal may say that it has no columns (one of `script`, of a CI): ora would never end there.
      const watched = process.stderr.isTTY && process.stderr.columns > 0;
      const spinner = watched ? ora({ text: String(text), stream: process.stderr }).start() : null;
      const start = performance.now();
      let told = start;
      const progress = (detail: Line): void => {
        const now = performance.now();
        if (spinner === null || now < told + BETWEEN_DETAILS_MS) return;
        told = now;
        spinner.text = String(line`${text}: ${detail}`);
      };
      try {
        const result = await work(progress);
        const took = performance.now() - start;
        const time = took < WORTH_TELLING_MS ? "" : ` (${(took / 1000).toFixed(1)} s)`;
        spinner?.stop();
        marked("green", "✔", line`${text}${time}`);
        return result;
      } catch (error) {
        spinner?.stop();
        marked("red", "✘", text);
        throw error;
      }
    },
    note: (text) => console.error(String(text)),
    warn: (text) => marked("yellow", "warning:", text),
    result(object, lines) {
      if (json) console.log(printableJson(object));
      else for (const text of lines) console.log(String(text));
    },
    error(message, findings, hint) {
      marked("red", "error:", cleaned(message, MAX_MESSAGE));
      for (const finding of findings.slice(0, MAX_FINDINGS)) {
        console.error(`  - ${cleaned(finding, MAX_MESSAGE)}`);
      }
      const more = findings.length - MAX_FINDINGS;
      if (more > 0) console.error(`  - and ${more} more`);
      if (hint !== null) console.error(`  ${hint}`);
    },
  };
}

/** Says what ended a command. @returns the exit code for it */
export function reportError(terminal: Terminal, error: unknown): number {
  if (!isRootwardError(error)) {
    const message = Error.isError(error) ? error.message : "unknown error";
    terminal.error(message, [], null);
    return 1;
  }
  const { code, hint } = EXIT[error.code];
  terminal.error(error.message, error.details.errors ?? [], hint);
  return code;
}

/**
 * A line for the operator about an error that no caller sees. The message may be a stranger's: the
 * line stays one line whatever is in it, so that nobody writes the log but the service.
 */
export function reportLine(what: string, error: unknown): Line {
  const time = new Date().toISOString();
  if (!Error.isError(error)) return line`${time} ${what}: unknown error`;
  const { name, message } = error;
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return line`${time} ${what}: ${name}${code}: ${message}${framesOf(error)}`;
}

/** Where an error came from; a message of several lines is in the stack, too, and is left out. */
function framesOf({ stack = "", message }: Error): Line {
  const at = stack.indexOf(message);
  const frames = (at < 0 ? stack : stack.slice(at + message.length))
    .split("\n")
    .filter((text) => text.startsWith("    at "))
    .slice(0, MAX_FRAMES);
  return frames.reduce((all, frame) => line`${all} <${frame.trim()}>`, line``);
}

const MAX_FRAMES = 12;
