/**
 * The root key archive: a gzipped tar, byte-compatible with fioctl's.
 *
 * Nothing is ever taken out of one: entries that we do not know are kept, and so is every private
 * key that was ever in it, since an older root may still need it.
 */
import { packTar, unpackTar } from "modern-tar";
import { RootwardError } from "../error.ts";
import { cleaned } from "../text/line.ts";
import { concatBytes } from "../tuf/bytes.ts";
import { distinctFiles } from "./entry-names.ts";

/** Entry names to contents; files only. */
export type ArchiveEntries = ReadonlyMap<string, Uint8Array>;

/** An archive holds a few keys and roots; more than this opened is not one. */
export const MAX_OPENED_BYTES = 32 * 1024 * 1024;

/**
 * Reads an archive of any generation of fioctl's or of ours. Directories are left out.
 *
 * @throws RootwardError `archive-invalid`; also for names that no archive may have (entry-names.ts)
 */
export async function readArchive(bytes: Uint8Array): Promise<ArchiveEntries> {
  const tar = await gunzip(bytes);
  const files: (readonly [string, Uint8Array])[] = [];
  for (const { header, data } of await untar(tar)) {
    if (header.type === "directory") continue;
    if (header.type !== "file" || data === undefined) {
      throw new RootwardError(
        "archive-invalid",
        `archive: expected files and directories only, found a link or device named ` +
          JSON.stringify(cleaned(header.name, 100)),
      );
    }
    files.push([header.name, data]);
  }
  return distinctFiles(files);
}

/**
 * @returns the gzipped tar; entries are files of mode 0600
 * @throws RootwardError `archive-invalid` for a name that {@link readArchive} would refuse
 */
export async function writeArchive(entries: ArchiveEntries): Promise<Uint8Array> {
  distinctFiles(entries);
  const tar = await packTar(
    [...entries].map(([name, body]) => ({
      header: { name, size: body.length, mode: 0o600, mtime: new Date(0), uid: 0, gid: 0 },
      body,
    })),
  );
  const stream = new Blob([tar]).stream().pipeThrough(new CompressionStream("gzip"));
  return concatBytes(...(await collect(stream, MAX_OPENED_BYTES)));
}

async function untar(tar: Uint8Array) {
  try {
    return await unpackTar(tar, { strict: true });
  } catch {
    throw new RootwardError("archive-invalid", "archive: not a readable tar file");
  }
}

async function gunzip(bytes: Uint8Array): Promise<Uint8Array> {
  try {
    const stream = new Blob([new Uint8Array(bytes)])
      .stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return concatBytes(...(await collect(stream, MAX_OPENED_BYTES)));
  } catch {
    throw new RootwardError(
      "archive-invalid",
      `archive: expected a gzipped tar of at most ${MAX_OPENED_BYTES} bytes when opened`,
    );
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  limit: number,
): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    total += value.length;
    if (total > limit) throw new RootwardError("archive-invalid", "archive: too large");
    chunks.push(value);
  }
}
