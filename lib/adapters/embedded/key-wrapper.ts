/**
 * Wrapping under the master key: AES-256-GCM with a key derived for each context, which is also the
 * additional data. A secret that is wrapped for one Factory, role or delivery opens for no other.
 *
 * Form: one byte 0x01, a 12-byte nonce, ciphertext, a 16-byte tag.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { RootwardError } from "../../error.ts";
import type { KeyWrapper } from "../../service/ports.ts";
import { fromBase64Url, toBase64Url } from "../../tuf/bytes.ts";
import { canonicalize } from "../../tuf/canonical.ts";
import { jsonObject } from "../../tuf/json.ts";
import { createFile, errorCode } from "../../files.ts";

const FORM = 0x01;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

export class MasterKeyWrapper implements KeyWrapper {
  readonly #master: Uint8Array;

  /** @param master 32 bytes; see {@link loadMasterKey} */
  constructor(master: Uint8Array) {
    this.#master = master;
  }

  async wrap(plain: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array> {
    const aad = canonicalize(jsonObject(context), "ats");
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key(aad), nonce).setAAD(aad);
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([Uint8Array.of(FORM), nonce, sealed, cipher.getAuthTag()]);
  }

  async unwrap(
    wrapped: Uint8Array,
    context: Readonly<Record<string, string>>,
  ): Promise<Uint8Array> {
    const aad = canonicalize(jsonObject(context), "ats");
    const end = wrapped.length - TAG_BYTES;
    const start = 1 + NONCE_BYTES;
    try {
      if (wrapped[0] !== FORM || end < start) throw new Error("form");
      const nonce = wrapped.subarray(1, start);
      const decipher = createDecipheriv("aes-256-gcm", this.#key(aad), nonce, {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(aad).setAuthTag(wrapped.subarray(end));
      return Buffer.concat([decipher.update(wrapped.subarray(start, end)), decipher.final()]);
    } catch {
      throw new RootwardError(
        "internal",
        "wrapped key does not open: it was wrapped with another master key or for something else",
      );
    }
  }

  #key(context: Uint8Array): Uint8Array {
    return new Uint8Array(hkdfSync("sha256", this.#master, new Uint8Array(0), context, KEY_BYTES));
  }
}

/**
 * Reads the master key (43 characters of base64url on one line).
 *
 * @param first make one where there is none: only while nothing was sealed yet, since a missing file
 *   is otherwise a medium that is not mounted
 * @throws RootwardError `usage` for a file that cannot be read or holds something else
 */
export async function loadMasterKey(file: string, first: boolean): Promise<Uint8Array> {
  let text: string;
  try {
    if (first && !existsSync(file))
      await createFileOnce(file, `${toBase64Url(randomBytes(KEY_BYTES))}\n`);
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new RootwardError("usage", `${file}: cannot read the master key (${errorCode(error)})`);
  }
  const key = fromBase64Url(text.trim());
  if (key?.length !== KEY_BYTES) {
    throw new RootwardError("usage", `${file}: expected a master key of 32 bytes in base64url`);
  }
  return key;
}

/** Writes a secret's file with mode 0600 unless it is there; then nothing is written at all. */
export async function createFileOnce(file: string, text: string): Promise<void> {
  if (existsSync(file)) return;
  await createFile(file, new TextEncoder().encode(text));
}
