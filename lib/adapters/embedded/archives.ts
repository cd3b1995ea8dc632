/**
 * Sealed archives as files. A presigned URL carries its end and a MAC over both under a key that
 * lives in this process: after a restart old URLs are dead, and the claimant asks again.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readArchive } from "../../api/delivery.ts";
import { pathOf } from "../../api/path.ts";
import type { Archives } from "../../service/ports.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import { errorCode, makeFolder, removeFile, removeTemporaries, replaceFile } from "../../files.ts";
import { stored } from "./sqlite-errors.ts";

export class FileArchives implements Archives {
  readonly #folder: string;
  readonly #publicUrl: () => string;
  readonly #key = randomBytes(32);

  /** @param publicUrl where the HTTP server answers; known once it listens */
  constructor(folder: string, publicUrl: () => string) {
    this.#folder = folder;
    this.#publicUrl = publicUrl;
    makeFolder(folder);
    removeTemporaries(folder);
  }

  async put(idHash: Sha256, object: Uint8Array): Promise<void> {
    await stored(replaceFile(this.#file(idHash), object));
  }

  async presign(idHash: Sha256, until: number): Promise<string> {
    const mac = this.#mac(idHash, `${until}`);
    const path = pathOf(readArchive.path, { delivery: idHash });
    return `${this.#publicUrl()}${path}?until=${until}&mac=${mac}`;
  }

  async get(idHash: Sha256): Promise<Uint8Array | null> {
    try {
      return await readFile(this.#file(idHash));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    }
  }

  async delete(idHash: Sha256): Promise<void> {
    await stored(removeFile(this.#file(idHash)));
  }

  /**
   * The archive for a presigned URL; null for a wrong or ended one, and where the object is gone.
   */
  async open(idHash: string, until: string, mac: string, now: number): Promise<Uint8Array | null> {
    if (!isSha256(idHash) || !/^\d{1,16}$/.test(until) || Number(until) <= now) return null;
    const expected = Buffer.from(this.#mac(idHash, until));
    const given = Buffer.from(mac);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return null;
    return this.get(idHash);
  }

  #mac(idHash: Sha256, until: string): string {
    return createHmac("sha256", this.#key).update(`${idHash} ${until}`).digest("base64url");
  }

  #file(idHash: Sha256): string {
    return join(this.#folder, idHash);
  }
}
