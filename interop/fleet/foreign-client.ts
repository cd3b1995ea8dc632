/**
 * A client in another language as one long-lived process: a line of JSON for each poll, and a line of JSON
 * as the answer, in order. Its state between polls is in the device's folder alone.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { env } from "node:process";
import type { Answer } from "./holdings.ts";

/** The program and its arguments. */
export type Command = readonly [program: string, ...args: readonly string[]];

export interface Poll {
  /** The device's own; empty for one that never polled. */
  readonly folder: string;
  /** Where the metadata is, without a final slash. */
  readonly url: string;
  /** Version 1 of the root, which the device was built with. */
  readonly root: Uint8Array;
}

export interface ForeignClient {
  poll(poll: Poll): Promise<Answer>;
  /** @throws if the program ends badly */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export function startForeignClient([program, ...args]: Command): ForeignClient {
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "inherit"],
    // All servers are on this machine, so no proxy of this user's may come between.
    env: { PATH: env["PATH"] },
  });
  const waiting: Waiting[] = [];
  let gone: Error | null = null;
  const ended = once(child, "close").then(() => {
    gone = new Error(`${program} ended with ${child.exitCode ?? child.signalCode}`);
    for (const { reject } of waiting.splice(0)) reject(gone);
    return gone;
  });
  // A request that could not be written is never answered, and that is reported above.
  child.stdin.on("error", () => undefined);
  createInterface({ input: child.stdout }).on("line", (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as Answer);
  });
  return {
    poll: async ({ folder, url, root }) =>
      new Promise((resolve, reject) => {
        if (gone !== null) {
          reject(gone);
          return;
        }
        waiting.push({ resolve, reject });
        const request = { folder, url, root: Buffer.from(root).toString("base64") };
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    close: async () => {
      child.stdin.end();
      const error = await ended;
      if (child.exitCode !== 0) throw error;
    },
  };
}
