/**
 * A device in a process of its own, which polls without a pause until its standard input ends, and
 * then once more. It is tuf-js on a folder with version 1 of the root, and it tries each request once.
 * Each poll is a line of JSON on standard output, with the version of the root that was served just
 * before it and just after: where they are the same, no swap came between.
 *
 *   node poller.ts URL-OF-CHANNEL FOLDER
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { argv, stdin, stdout } from "node:process";
import { Updater } from "tuf-js";

/** What the device holds; null for what it has not got yet. */
export type Held = Readonly<Record<"root" | "timestamp" | "snapshot" | "targets", number | null>>;

/** One poll, as it is written. */
export interface Poll {
  readonly servedBefore: number;
  readonly servedAfter: number;
  readonly before: Held;
  readonly after: Held;
  readonly error: string | null;
}

/** Nobody tells a poller to stop whose parent is gone in a way that keeps its input open. */
const MAX_POLLS = 100_000;

const [, , url = "", folder = ""] = argv;

function versionIn(text: string): number {
  return (JSON.parse(text) as { readonly signed: { readonly version: number } }).signed.version;
}

function held(): Held {
  const version = (role: string): number | null => {
    const file = join(folder, `${role}.json`);
    return existsSync(file) ? versionIn(readFileSync(file, "utf8")) : null;
  };
  return {
    root: version("root"),
    timestamp: version("timestamp"),
    snapshot: version("snapshot"),
    targets: version("targets"),
  };
}

async function served(): Promise<number> {
  return versionIn(await (await fetch(`${url}/root.json`)).text());
}

async function refresh(): Promise<string | null> {
  try {
    const config = { fetchRetry: 0 };
    await new Updater({ metadataDir: folder, metadataBaseUrl: url, config }).refresh();
    return null;
  } catch (error) {
    return String(error);
  }
}

const state = { over: false };
stdin.on("end", () => {
  state.over = true;
});
stdin.resume();

for (let count = 0, last = false; !last && count < MAX_POLLS; count += 1) {
  last = state.over;
  const [before, servedBefore] = [held(), await served()];
  const error = await refresh();
  const poll: Poll = {
    servedBefore,
    servedAfter: await served(),
    before,
    after: held(),
    error,
  };
  stdout.write(`${JSON.stringify(poll)}\n`);
}
