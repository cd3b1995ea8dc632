/**
 * Server shares, wrapped, as files of their own: no backup of the database holds one, and destroying
 * one leaves nothing of it in any file. (A row of a database does not have that property: SQLite
 * moves rows between pages, and `secure_delete` zeroes only where a row was last.)
 *
 * Beside a share lies who claimed it, so a database that is restored in place cannot make two people
 * its first claimant. Put-if-absent, and removed after the share.
 */
import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Claims, Shares } from "../../service/ports.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import { isStorageFull, RootwardError } from "../../error.ts";
import { createFile, errorCode, makeFolder, removeFile, removeTemporaries } from "../../files.ts";
import { stored } from "./sqlite-errors.ts";

export class FileShares implements Shares, Claims {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder);
    removeTemporaries(folder);
  }

  async put(idHash: Sha256, wrapped: Uint8Array): Promise<void> {
    await stored(createFile(this.#file(idHash), wrapped));
  }

  async get(idHash: Sha256): Promise<Uint8Array | null> {
    try {
      const bytes = new Uint8Array(await readFile(this.#file(idHash)));
      // Zeros are a destruction that was cut off.
      return bytes.every((byte) => byte === 0) ? null : bytes;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    }
  }

  async destroy(idHash: Sha256): Promise<void> {
    const file = this.#file(idHash);
    await stored(overwrite(file));
    await stored(removeFile(file));
    // Last: without the share no archive can be yielded.
    await stored(removeFile(this.#claim(idHash)));
  }

  async first(idHash: Sha256, claimantHash: Sha256): Promise<Sha256> {
    const bytes = new TextEncoder().encode(claimantHash);
    await stored(createFile(this.#claim(idHash), bytes));
    return (await this.find(idHash)) ?? claimantHash;
  }

  async find(idHash: Sha256): Promise<Sha256 | null> {
    try {
      const text = await readFile(this.#claim(idHash), "utf8");
      if (isSha256(text)) return text;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    }
    throw new RootwardError("internal", "the record of a claim is damaged");
  }

  #claim(idHash: Sha256): string {
    return `${this.#file(idHash)}.claimant`;
  }

  #file(idHash: Sha256): string {
    return join(this.#folder, idHash);
  }
}

/**
 * Zeroes a file in place, so that the blocks which are freed hold nothing on simple media. On a file system
 * that needs room for it, the zeros would go elsewhere: where there is none, the file is removed all the same.
 */
async function overwrite(file: string): Promise<void> {
  try {
    const handle = await open(file, constants.O_RDWR);
    try {
      const { size } = await handle.stat();
      await handle.write(new Uint8Array(size), 0, size, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (errorCode(error) !== "ENOENT" && !isStorageFull(error)) throw error;
  }
}
