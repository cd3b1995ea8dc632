/**
 * The one file that writes to the terminal. Results go to stdout, everything that happens on the
 * way to stderr; with `--json` stdout is exactly one JSON object.
 */
import { styleText } from "node:util";
import ora from "ora";

export interface Terminal {
  /** Does one step, with a spinner where a person watches, and says how long it took. */
  step<T>(text: string, work: () => Promise<T>): Promise<T>;
  /** A line for the person, not part of the result. */
  note(line: string): void;
  warn(line: string): void;
  /** The result: the object with `--json`, else the lines. Called once. */
  result(object: object, lines: readonly string[]): void;
  /** An error, with findings and a hint below it. */
  error(message: string, findings: readonly string[], hint: string | null): void;
}

/** Steps shorter than this are told without their time. */
const WORTH_TELLING_MS = 100;

export function createTerminal(json: boolean): Terminal {
  const line = (text: string): void => console.error(text);
  return {
    async step(text, work) {
      const spinner = process.stderr.isTTY ? ora({ text, stream: process.stderr }).start() : null;
      const start = performance.now();
      try {
        const result = await work();
        const took = performance.now() - start;
        const time = took < WORTH_TELLING_MS ? "" : ` (${(took / 1000).toFixed(1)} s)`;
        spinner?.stop();
        line(`${styleText("green", "✔", { stream: process.stderr })} ${text}${time}`);
        return result;
      } catch (error) {
        spinner?.stop();
        line(`${styleText("red", "✘", { stream: process.stderr })} ${text}`);
        throw error;
      }
    },
    note: line,
    warn: (text) => line(`${styleText("yellow", "warning:", { stream: process.stderr })} ${text}`),
    result(object, lines) {
      if (json) console.log(JSON.stringify(object));
      else for (const text of lines) console.log(text);
    },
    error(message, findings, hint) {
      line(`${styleText("red", "error:", { stream: process.stderr })} ${message}`);
      for (const finding of findings) line(`  - ${finding}`);
      if (hint !== null) line(`  ${hint}`);
    },
  };
}
