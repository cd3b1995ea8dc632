/**
 * A suite compares us with software that is no package of ours, so it says which tools it needs.
 * A machine without them runs the others.
 */
import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import type { Randomness } from "../test/conformance/corpus/random-cases.ts";

export interface Tool {
  /** The name that a person would look for. */
  readonly name: string;
  /** A command that succeeds only where the tool is there, and new enough. */
  readonly check: readonly [command: string, ...args: readonly string[]];
}

export interface SuiteOptions extends Randomness {
  readonly say: (line: string) => void;
}

export interface Suite {
  readonly name: string;
  readonly needs: readonly Tool[];
  /** Left out unless `--all` is given or it is named. */
  readonly slow?: boolean;
  /** Why the suite does not run here, and what a person can do to run it; null or absent where it runs. */
  readonly skipped?: string | null;
  /** @returns what is wrong, one text each; empty if all is well */
  readonly run: (options: SuiteOptions) => Promise<readonly string[]>;
}

export function missingTools({ needs }: Suite): readonly string[] {
  return needs
    .filter(({ check: [command, ...args] }) => spawnSync(command, args).status !== 0)
    .map(({ name }) => name);
}

/** A folder that outlives the run, outside of the repository: what is installed once stays. */
export function cacheFolder(name: string): string {
  const caches = env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return join(caches, "rootward-interop", name);
}
