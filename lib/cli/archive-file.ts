/**
 * The archive on the owner's disk, changed in place so that a crash at any moment leaves a file that
 * opens and holds every private key: the new archive is written beside it and synced, the old one is
 * kept as `.bak`, and one rename puts the new one in place.
 *
 * A lock keeps two runs on one archive apart: each would add its own key, and the one renamed last
 * would lose the other's, perhaps after its root was accepted.
 */
import { constants } from "node:fs";
import { copyFile, open, readFile, rename, unlink } from "node:fs/promises";
import { createFile, errorCode, replaceFile } from "../adapters/embedded/files.ts";
import { readArchive, writeArchive, type ArchiveEntries } from "../archive/archive.ts";
import { RootwardError } from "../error.ts";
import { equalBytes } from "../tuf/bytes.ts";

export class ArchiveFile {
  readonly path: string;
  #bytes: Uint8Array;
  #entries: ArchiveEntries;

  private constructor(path: string, bytes: Uint8Array, entries: ArchiveEntries) {
    this.path = path;
    this.#bytes = bytes;
    this.#entries = entries;
  }

  get entries(): ArchiveEntries {
    return this.#entries;
  }

  /**
   * Opens an archive for one run of `work` at a time.
   *
   * @throws RootwardError `archive-invalid` if it cannot be read, `archive-busy` if another run has it
   */
  static async withLock<T>(path: string, work: (file: ArchiveFile) => Promise<T>): Promise<T> {
    // Reading first: for a file that is not there no lock is made.
    await readBytes(path);
    const lock = `${path}.lock`;
    await takeLock(lock);
    try {
      const bytes = await readBytes(path);
      return await work(new ArchiveFile(path, bytes, await readArchive(bytes)));
    } finally {
      await unlink(lock);
    }
  }

  /** Puts `entries` in place of the archive. Entries may be added or changed, never lost. */
  async replace(entries: ArchiveEntries): Promise<void> {
    for (const name of this.#entries.keys()) {
      if (/\.(?:sec|pub)$/.test(name) && !entries.has(name)) {
        throw new RootwardError("internal", `archive would lose ${name}`);
      }
    }
    if (!equalBytes(await readBytes(this.path), this.#bytes)) {
      throw new RootwardError("archive-busy", `${this.path} was changed by another program`);
    }
    const bytes = await writeArchive(entries);
    const readBack = await readArchive(bytes);
    await copySynced(this.path, `${this.path}.bak`);
    await replaceFile(this.path, bytes);
    this.#bytes = bytes;
    this.#entries = readBack;
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw new RootwardError("archive-invalid", `cannot read ${path}: ${errorCode(error) ?? ""}`);
  }
}

async function copySynced(from: string, to: string): Promise<void> {
  const temporary = `${to}.tmp`;
  await copyFile(from, temporary);
  const handle = await open(temporary, constants.O_RDWR);
  try {
    await handle.chmod(0o600);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, to);
}

/** The lock holds the process id of its owner; one whose owner is dead is a crash's and is taken. */
async function takeLock(lock: string): Promise<void> {
  const mine = new TextEncoder().encode(`${process.pid}\n`);
  for (let tries = 0; tries < 3; tries += 1) {
    if (await createFile(lock, mine)) return;
    const holder = Number.parseInt(await readFile(lock, "utf8").catch(() => ""), 10);
    if (Number.isInteger(holder) && isAlive(holder)) {
      throw new RootwardError(
        "archive-busy",
        `another run (process ${holder}) is working on this archive; if not, remove ${lock}`,
      );
    }
    await unlink(lock).catch(() => undefined);
  }
  throw new RootwardError("archive-busy", `cannot take ${lock}`);
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
