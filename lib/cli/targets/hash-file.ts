/**
 * Hashing a file of any size: read piece by piece, so that memory holds one piece, and held against
 * what the disk said before and after. A file that changes under the reader would be published with
 * hashes that no copy of it has.
 */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { RootwardError } from "../../error.ts";
import { errorCode } from "../../files.ts";

const PIECE_BYTES = 1024 * 1024;

export type HashName = "sha256" | "sha512";

export interface HashedFile {
  /** In bytes. */
  readonly length: number;
  /** Lower-case hex. */
  readonly hashes: Readonly<Partial<Record<HashName, string>>>;
}

/** The identity of a file on the disk, as far as a change shows in it. */
interface Look {
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/**
 * @param onProgress called with the bytes hashed so far, after each piece
 * @throws RootwardError `usage` for what is no file that can be read, `file-changed`
 */
export async function hashFile(
  file: string,
  names: readonly HashName[],
  onProgress: (bytes: number) => void,
): Promise<HashedFile> {
  const before = await lookAt(file);
  const hashes = names.map((name) => [name, createHash(name)] as const);
  let length = 0;
  for await (const piece of piecesOf(file)) {
    length += piece.length;
    // One that grows while it is read may have no end.
    if (length > before.size) throw changed(file);
    for (const [, hash] of hashes) hash.update(piece);
    onProgress(length);
  }
  const after = await lookAt(file);
  if (BigInt(length) !== before.size || !sameLook(before, after)) throw changed(file);
  return {
    length,
    hashes: Object.fromEntries(hashes.map(([name, hash]) => [name, hash.digest("hex")])),
  };
}

/** The size of a file in bytes. @throws RootwardError `usage` for what is no file */
export async function fileSize(file: string): Promise<number> {
  return Number((await lookAt(file)).size);
}

async function lookAt(file: string): Promise<Look> {
  const found = await stat(file, { bigint: true }).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  // A pipe or a device may have no end, and says nothing of its size.
  if (!found.isFile()) throw new RootwardError("usage", `${file} is not a file`);
  return found;
}

/** Each piece is good until the next is asked for. */
async function* piecesOf(file: string): AsyncGenerator<Uint8Array> {
  const handle = await open(file).catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

function sameLook(a: Look, b: Look): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs;
}

function changed(file: string): RootwardError {
  return new RootwardError("file-changed", `${file} changed while it was hashed`);
}

function unreadable(file: string, error: unknown): RootwardError {
  const code = errorCode(error);
  const what =
    code === "ENOENT" ? "there is no such file" : `cannot be read (${code ?? "unknown"})`;
  return new RootwardError("usage", `${file}: ${what}`);
}
