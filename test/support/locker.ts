/** Holds the write lock of a database in another process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("locker-process.ts", import.meta.url));

export interface Locker {
  /** Once the lock is given back. */
  readonly released: Promise<void>;
  /** Gives it back at once. */
  release(): Promise<void>;
}

/** @returns once the lock is held */
export async function lockDatabase(file: string, milliseconds: number): Promise<Locker> {
  const child = spawn(process.execPath, [PROGRAM, file, String(milliseconds)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error(`${file} could not be locked`);
    }),
  ]);
  return {
    released: ended.then(() => undefined),
    release: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
