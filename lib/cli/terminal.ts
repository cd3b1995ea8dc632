/**
 * The one file that writes to the terminal. Results go to stdout, everything that happens on the
 * way to stderr; with `--json` stdout is exactly one JSON object.
 */
import { styleText } from "node:util";
import ora from "ora";
import { isRootwardError } from "../error.ts";
import { EXIT } from "./exit.ts";

export interface Terminal {
  /**
   * Does one step, with a spinner where a person watches, and says how long it took. What the work
   * tells of its progress is shown beside the spinner, and nowhere else.
   */
  step<T>(text: string, work: (progress: (detail: string) => void) => Promise<T>): Promise<T>;
  /** A line for the person, not part of the result. */
  note(line: string): void;
  warn(line: string): void;
  /** The result: the object with `--json`, else the lines. Called once. */
  result(object: object, lines: readonly string[]): void;
  /** An error, with findings and a hint below it. */
  error(message: string, findings: readonly string[], hint: string | null): void;
}

/** Without control characters: what a service says must not move the cursor or change the title. */
function printable(text: string): string {
  return text.replace(/[^\n\u0020-\u007e\u00a0-\uffff]/g, "?");
}

/** Steps shorter than this are told without their time. */
const WORTH_TELLING_MS = 100;

/** Nobody reads faster, and each costs as much as hashing a megabyte. */
const BETWEEN_DETAILS_MS = 100;

export function createTerminal(json: boolean): Terminal {
  const line = (text: string): void => console.error(printable(text));
  const marked = (colour: "green" | "red" | "yellow", mark: string, text: string): void =>
    console.error(`${styleText(colour, mark, { stream: process.stderr })} ${printable(text)}`);
  return {
    async step(text, work) {
      // A terminal may say that it has no columns (one of `script`, of a CI): ora would never end there.
      const watched = process.stderr.isTTY && process.stderr.columns > 0;
      const spinner = watched
        ? ora({ text: printable(text), stream: process.stderr }).start()
        : null;
      const start = performance.now();
      let told = start;
      const progress = (detail: string): void => {
        const now = performance.now();
        if (spinner === null || now < told + BETWEEN_DETAILS_MS) return;
        told = now;
        spinner.text = printable(`${text}: ${detail}`);
      };
      try {
        const result = await work(progress);
        const took = performance.now() - start;
        const time = took < WORTH_TELLING_MS ? "" : ` (${(took / 1000).toFixed(1)} s)`;
        spinner?.stop();
        marked("green", "✔", `${text}${time}`);
        return result;
      } catch (error) {
        spinner?.stop();
        marked("red", "✘", text);
        throw error;
      }
    },
    note: line,
    warn: (text) => marked("yellow", "warning:", text),
    result(object, lines) {
      if (json) console.log(JSON.stringify(object));
      else for (const text of lines) console.log(printable(text));
    },
    error(message, findings, hint) {
      marked("red", "error:", message);
      for (const finding of findings) line(`  - ${finding}`);
      if (hint !== null) line(`  ${hint}`);
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

/** A line for the operator about an error that nobody else is told of. */
export function reportLine(what: string, error: unknown): string {
  const told = Error.isError(error) ? (error.stack ?? error.message) : "unknown error";
  return `${new Date().toISOString()} ${what}: ${told}`;
}
