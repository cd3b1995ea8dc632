/** One run of the client: what it prints, and how it ends when something is wrong. */
import { GoError } from "./go-error.ts";
import type { ClientOptions } from "./http.ts";

/** The client ended with exit code 1. */
export class FioctlError extends Error {
  override readonly name = "FioctlError";
  /** Everything it printed, on stdout. */
  readonly printed: string;

  constructor(printed: string) {
    super(printed);
    this.printed = printed;
  }
}

export interface Shell {
  readonly client: ClientOptions;
  print(line: string): void;
  /** Set while a shortcut chains several steps; what it says decides the last words of a failure. */
  shortcut: "no" | "not initialized" | "initialized";
}

const LAST_WORDS = {
  no: "",
  "not initialized":
    "\n\nNo changes were made to your Factory.\nPlease, fix an error above and try again.",
  initialized:
    "\n\nNo changes were made to your Factory.\nPlease, cancel the staged TUF root updates\n" +
    'using the "fioctl keys tuf updates cancel" command, and try again later.',
};

/**
 * Runs a command.
 *
 * @returns what it printed
 * @throws FioctlError with what it printed, `ERROR: ...` at the end
 */
export async function runCommand(
  client: ClientOptions,
  command: (shell: Shell) => Promise<void> | void,
): Promise<string> {
  const lines: string[] = [];
  const shell: Shell = { client, print: (line) => lines.push(line), shortcut: "no" };
  try {
    await command(shell);
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    lines.push(`ERROR: ${error.message}${LAST_WORDS[shell.shortcut]}`);
    throw new FioctlError(`${lines.join("\n")}\n`);
  }
  return `${lines.join("\n")}\n`;
}

/** Now plus a year, in whole seconds. */
export function inOneYear({ client }: Shell): string {
  const date = new Date(Math.round((client.now ?? Date.now)() / 1000) * 1000);
  date.setUTCFullYear(date.getUTCFullYear() + 1);
  return `${date.toISOString().slice(0, 19)}Z`;
}

/** Now, cut to whole seconds. */
export function thisSecond({ client }: Shell): string {
  return `${new Date((client.now ?? Date.now)()).toISOString().slice(0, 19)}Z`;
}
