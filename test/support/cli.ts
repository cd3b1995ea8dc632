/**
 * The command line as a person runs it: a child process, its exit code, stdout and stderr. Nothing of
 * this process's own environment that changes the answer reaches it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ENTRY = fileURLToPath(new URL("../../bin/rootward.js", import.meta.url));
/** Preloaded by a run that is to die at its n-th change of a file. */
export const CRASH = new URL("./cli-crash.ts", import.meta.url).href;
/** Preloaded by a run on a file system without hard links. */
export const NO_LINKS = new URL("./cli-no-links.ts", import.meta.url).href;
/** Halves the time of a run. */
const COMPILE_CACHE = fileURLToPath(
  new URL("../../node_modules/.cache/rootward-cli-test", import.meta.url),
);

/** Where the command line keeps its notes, instead of in this user's home. */
const STATE = mkdtempSync(join(tmpdir(), "rootward-cli-state-"));

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Standard input; empty unless given. */
  readonly input?: string;
  /** Arguments of node itself. */
  readonly node?: readonly string[];
  /** A command that runs the one given to it as further arguments. */
  readonly through?: readonly [string, ...string[]];
}

export interface CliResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  readonly result: Promise<CliResult>;
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const own = [process.execPath, ...(options.node ?? []), ENTRY, ...args] as const;
  const [command, ...rest] = options.through === undefined ? own : [...options.through, ...own];
  const child = spawn(command, rest, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: {
      PATH: process.env["PATH"],
      NO_COLOR: "1",
      XDG_STATE_HOME: STATE,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...options.env,
    },
  });
  // A process that ended before it read its input is no error of ours.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const result = collect(child);
  return {
    result,
    kill: async () => {
      child.kill("SIGKILL");
      await result;
    },
  };
}

export async function runCli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<CliResult> {
  return startCli(args, options).result;
}

async function collect(child: ChildProcess): Promise<CliResult> {
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...texts };
}

/** Several stories at once; when one fails, the others are still told to their end. */
export async function together<T>(stories: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(stories);
  return Promise.all(stories);
}

/** The one JSON object that a `--json` run wrote; fails on anything more or less. */
export function onlyJson({ stdout }: CliResult): Record<string, unknown> {
  if (!/^\{.*\}\n$/.test(stdout)) throw new Error(`expected one line of JSON, got: ${stdout}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
