/**
 * A start, seen from inside: imports the bundle that it is told and says what that took until there
 * was a handler. Node's own start is over then, and is told apart.
 */
import { cpuUsage, hrtime } from "node:process";
import { pathToFileURL } from "node:url";

/** Microseconds. */
export interface Effort {
  /** The time of all threads, the collector's and the compiler's included. */
  readonly processor: number;
  readonly wall: number;
}

export interface Start {
  readonly init: Effort;
  /** With Node's own start, up to there. */
  readonly process: Effort;
}

async function start(file: string): Promise<Start> {
  const before = cpuUsage();
  const since = hrtime.bigint();
  const bundle = (await import(pathToFileURL(file).href)) as { readonly handler?: unknown };
  const wall = Number(hrtime.bigint() - since) / 1000;
  const { user, system } = cpuUsage(before);
  if (typeof bundle.handler !== "function") throw new Error(`${file} has no handler`);
  const all = cpuUsage();
  return {
    init: { processor: user + system, wall },
    process: { processor: all.user + all.system, wall: performance.now() * 1000 },
  };
}

const [, , file = ""] = process.argv;
console.log(JSON.stringify(await start(file)));
