/**
 * The archive on the owner's disk, changed in place so that a crash at any moment leaves a file that
 * opens and holds every private key: the new archive is written beside it and synced, the one from
 * before the run is kept as `.bak`, and one rename puts the new one in place.
 *
 * A lock keeps two runs on one archive apart: each would add its own key, and the one renamed last
 * would lose the other's, perhaps after its root was accepted. It is on an empty file `.lock` beside
 * the archive (file-lock.ts).
 */
import { constants } from "node:fs";
import { copyFile, open, readFile, realpath, rename } from "node:fs/promises";
import { readArchive, writeArchive, type ArchiveEntries } from "../../archive/archive.ts";
import { OWN_FOLDER } from "../../archive/entry-names.ts";
import { archivedFactory, type ArchivedFactory } from "../../archive/trust.ts";
import { RootwardError } from "../../error.ts";
import { lockFile, type FileLock } from "../../file-lock.ts";
import { errorCode, replaceFile } from "../../files.ts";
import { equalBytes } from "../../tuf/bytes.ts";

export class ArchiveFile {
  readonly path: string;
  #bytes: Uint8Array;
  #entries: ArchiveEntries;
  #backedUp = false;

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
   * @param path may be a symbolic link; what it leads to is read and replaced
   * @throws RootwardError `archive-invalid` if it cannot be read, `archive-busy` if another run has it
   */
  static async withLock<T>(path: string, work: (file: ArchiveFile) => Promise<T>): Promise<T> {
    const real = await realPath(path);
    const lock = takeLock(`${real}.lock`);
    try {
      const bytes = await readBytes(real);
      return await work(new ArchiveFile(real, bytes, await readArchive(bytes)));
    } finally {
      lock.release();
    }
  }

  /** Puts `entries` in place of the archive. Only our own folder's entries may change or go. */
  async replace(entries: ArchiveEntries): Promise<void> {
    for (const [name, before] of this.#entries) {
      const after = entries.get(name);
      const ours = name.startsWith(`${OWN_FOLDER}/`) && !/\.(?:sec|pub)$/.test(name);
      if (!ours && (after === undefined || !equalBytes(after, before))) {
        throw new RootwardError("internal", `archive would lose ${name}`);
      }
    }
    await this.assertUnchanged();
    const bytes = await writeArchive(entries);
    const readBack = await readArchive(bytes);
    if (!this.#backedUp) await copySynced(this.path, `${this.path}.bak`);
    this.#backedUp = true;
    await replaceFile(this.path, bytes);
    this.#bytes = bytes;
    this.#entries = readBack;
  }

  /**
   * Asks the disk whether the archive is still what this run put there.
   *
   * @throws RootwardError `archive-busy` where another program, which knows no lock, changed it
   */
  async assertUnchanged(): Promise<void> {
    if (!equalBytes(await readBytes(this.path), this.#bytes)) {
      throw new RootwardError("archive-busy", `${this.path} was changed by another program`);
    }
  }
}

async function realPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    throw new RootwardError("archive-invalid", `cannot read ${path}: ${errorCode(error) ?? ""}`);
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

function takeLock(file: string): FileLock {
  let lock: FileLock | null;
  try {
    lock = lockFile(file);
  } catch {
    throw new RootwardError(
      "archive-invalid",
      `cannot lock ${file} beside the archive: if it is no lock of rootward's, move it away`,
    );
  }
  if (lock !== null) return lock;
  throw new RootwardError("archive-busy", "another run is working on this archive: wait for it");
}

/**
 * Which Factory an archive is of.
 *
 * @param named what the caller thinks; undefined for nothing
 * @throws RootwardError `archive-invalid` for one that does not say, `usage` for another Factory's
 */
export function aboutFactory(file: ArchiveFile, named: string | undefined): ArchivedFactory {
  const about = archivedFactory(file.entries);
  if (about === null) {
    throw new RootwardError(
      "archive-invalid",
      "this archive carries no root that its owner trusts; archives from Rootward do",
    );
  }
  if (named !== undefined && named !== about.factory) {
    throw new RootwardError("usage", `this archive is of Factory ${about.factory}`);
  }
  return about;
}
