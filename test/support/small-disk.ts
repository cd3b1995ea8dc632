/**
 * A file system of its own, small enough to be filled, and possible to make read-only. Where this
 * machine lets nobody mount one, the reason is printed and the tests are left out.
 */
import { execFileSync } from "node:child_process";
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly folder: string;
  /** Writes a file until there is no room for a byte. */
  fill(): void;
  /** Removes that file. */
  free(): void;
  remount(how: "ro" | "rw"): void;
  remove(): void;
}

/** @returns null where nothing can be mounted */
export function mountSmallDisk(size: string): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), "rootward-disk-"));
  try {
    run("mount", "-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder);
  } catch (error) {
    rmSync(folder, { recursive: true });
    process.stderr.write(`no small disk, so these tests are left out: ${String(error)}\n`);
    return null;
  }
  const filler = join(folder, "filler");
  return {
    folder,
    fill: () => fill(filler),
    free: () => rmSync(filler, { force: true }),
    remount: (how) => run("mount", "-o", `remount,${how}`, folder),
    remove: () => {
      run("umount", folder);
      rmSync(folder, { recursive: true });
    },
  };
}

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] });
}

function fill(file: string): void {
  const opened = openSync(file, "a");
  try {
    for (const size of [65_536, 4096, 1]) {
      const block = new Uint8Array(size);
      try {
        // Ends with an error of the disk.
        for (let round = 0; round < 100_000; round += 1) writeSync(opened, block);
      } catch {
        continue;
      }
    }
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
