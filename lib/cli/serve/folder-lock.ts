/**
 * One process for one folder: two services on one data folder would remove each other's unfinished
 * files, and two signers would each believe to be the only one. The process that was started holds
 * the lock until it ends.
 */
import { join } from "node:path";
import { RootwardError } from "../../error.ts";
import { lockFile, type FileLock } from "../../file-lock.ts";
import { line, type Line } from "../../text/line.ts";
import { makeFolder } from "../../files.ts";

/** The folder of the service, or of the signer. */
export type Locked = "serve" | "signer";

const HOLDER = {
  serve: "a service runs on this data folder",
  signer: "a signer runs on this folder",
} as const;

/**
 * @param folder made where it does not exist
 * @throws RootwardError `usage` while another process holds it
 */
export function lockFolder(folder: string, kind: Locked, note: (text: Line) => void): FileLock {
  makeFolder(folder);
  const file = join(folder, `${kind}.lock`);
  try {
    const lock = lockFile(file);
    if (lock !== null) return lock;
  } catch {
    // On a read-only file system, or where the disk has no room for a name: devices are served all the same.
    note(line`${file} cannot be locked: make sure that this is the only process on ${folder}`);
    return { release: () => undefined };
  }
  throw new RootwardError("usage", `${folder}: ${HOLDER[kind]} already: stop it first`);
}
