/** Holds the write lock of a database in another process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("locker-process.ts", import.meta.url));

export interface Locker {
  /**
   * Gives it back at once.
   * @returns whether it was held until now: false where its time had passed
   */
  release(): Promise<boolean>;
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
    release: async () => {
      child.kill("SIGKILL");
      await ended;
      return child.signalCode === "SIGKILL";
    },
  };
}
