/**
 * Writing files that must survive a crash: content first, then the name, each synced, so a reader
 * sees the old file or the new one and never half of one.
 */
import { randomUUID } from "node:crypto";
import {
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { chmod, link, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RootwardError } from "./error.ts";

/** Errors of a path that cannot be a folder, whatever the disk does. */
const NO_FOLDER: readonly (string | undefined)[] = [
  "EEXIST",
  "ENOTDIR",
  "ENOENT",
  "EACCES",
  "EPERM",
  "EROFS",
  "ELOOP",
  "ENAMETOOLONG",
];

/**
 * Makes a folder that somebody named, and those above it, with mode 0700; one that is there stays as it is.
 *
 * @throws RootwardError `usage` where there can be no folder of this name
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const code = errorCode(error);
    if (!NO_FOLDER.includes(code)) throw error;
    throw new RootwardError("usage", `${folder} is no folder and cannot be made one: ${code}`);
  }
}

/** Writes `bytes` to `file`, replacing what is there; mode 0600. */
export async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeSynced(temporary, bytes);
  try {
    await rename(temporary, file);
  } catch (error) {
    await discard(temporary);
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * Writes `bytes` to `file` unless it exists; mode 0600.
 *
 * @param temporary where it is written first; a name of its own unless given, since two may write at
 *   once. Give one where a crash must not leave many of them.
 * @returns whether it was written
 */
export async function createFile(
  file: string,
  bytes: Uint8Array,
  temporary = `${file}.${randomUUID()}.tmp`,
): Promise<boolean> {
  await writeSynced(temporary, bytes);
  try {
    if (!(await nameIfAbsent(temporary, file))) return false;
    await syncFolder(dirname(file));
    return true;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Errors of a file system without hard links: FAT, some network mounts, some of FUSE. */
const NO_LINKS: readonly (string | undefined)[] = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

/** @returns false where there is a file of that name */
async function nameIfAbsent(temporary: string, file: string): Promise<boolean> {
  try {
    await link(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    if (!NO_LINKS.includes(errorCode(error))) throw error;
  }
  // Nothing of this process comes between the two, and a service's folders are locked against others.
  // Elsewhere a file that another program makes in this very instant is replaced.
  if (existsSync(file)) return false;
  renameSync(temporary, file);
  return true;
}

/**
 * Removes what a crash left of files that were being written: `*.tmp` in `folder`. On a read-only file
 * system they stay.
 *
 * @param olderThan milliseconds: younger ones stay, since another process may be writing them
 */
export function removeTemporaries(folder: string, olderThan = 0): void {
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".tmp"))) {
    const file = join(folder, name);
    const made = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (made > Date.now() - olderThan && olderThan > 0) continue;
    try {
      rmSync(file, { force: true });
    } catch (error) {
      if (errorCode(error) !== "EROFS") throw error;
    }
  }
}

export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true });
  await syncFolder(dirname(file));
}

/** Leaves no part of `bytes` behind where the disk does not take all of them. */
async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC;
  try {
    const handle = await open(file, flags, 0o600);
    try {
      // An older file of this name may have another mode. By its path: Node's permission model allows
      // no change through a handle.
      await chmod(file, 0o600);
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await discard(file);
    throw error;
  }
}

/** After an error, which is the one to be told; what stays is removed by the next start. */
async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => undefined);
}

/** Waits until the content of a file is on the disk. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDWR);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename is durable only once its folder is synced. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The `code` of a system error, such as ENOENT. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
