/**
 * The memory of one download between runs: the claimant that it drew, so that it may ask again, and where
 * the archive goes. In the user's state folder (XDG_STATE_HOME, or ~/.local/state), mode 0600, so that the
 * next run finds it wherever it is started; gone once the owner has everything.
 *
 * A note is of no use without the link: the service knows claimants by link.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { DeliveryId } from "../../delivery/link.ts";
import { createFile, makeFolder, removeFile, replaceFile } from "../../files.ts";
import { sha256Text } from "../../tuf/bytes.ts";

export class ClaimNote {
  readonly claimant: string;
  readonly #path: string;
  #file: string | null;

  private constructor(path: string, claimant: string, file: string | null) {
    this.#path = path;
    this.claimant = claimant;
    this.#file = file;
  }

  /** Where the archive was saved, or was about to be; null before that. */
  get file(): string | null {
    return this.#file;
  }

  /** Reads the note of a delivery, or draws a claimant and starts one. */
  static async open(id: DeliveryId): Promise<ClaimNote> {
    const state = process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state");
    const folder = join(state, "rootward");
    makeFolder(folder);
    const path = join(folder, `claim-${sha256Text(id).slice(0, 32)}`);
    await createFile(path, new TextEncoder().encode(randomBytes(24).toString("base64url")));
    const [claimant = "", file = null] = (await readFile(path, "utf8")).split("\n");
    return new ClaimNote(path, claimant, file);
  }

  async setFile(file: string): Promise<void> {
    await replaceFile(this.#path, new TextEncoder().encode(`${this.claimant}\n${file}\n`));
    this.#file = file;
  }

  async remove(): Promise<void> {
    await removeFile(this.#path);
  }
}
