/**
 * Tar as others write and read it, by the ustar layout alone: Go's archive/tar with nothing but name
 * and size set (mode 0000, no times), which is what fioctl writes; and links, for what an archive
 * must not hold.
 */
import { gunzipSync, gzipSync } from "node:zlib";

export interface TarEntry {
  readonly name: string;
  readonly body?: Uint8Array | string;
  /** "0" file (unless given), "2" symbolic link, "5" folder. */
  readonly type?: string;
  readonly mode?: number;
  readonly linkName?: string;
}

const BLOCK = 512;

export function tarball(entries: readonly TarEntry[]): Uint8Array {
  const blocks = entries.flatMap((entry) => {
    const body = Buffer.from(entry.body ?? "");
    const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
    return [header(entry, body.length), body, padding];
  });
  return new Uint8Array(gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])));
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), at, "ascii");
  };
  block.write(entry.name, 0, 100, "utf8");
  octal(entry.mode ?? 0, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.write("        ", 148, "ascii");
  block.write(entry.type ?? "0", 156, "ascii");
  block.write(entry.linkName ?? "", 157, 100, "utf8");
  block.write("ustar\0\u{30}0", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Name, type and mode of every entry, in order. */
export function listTarball(bytes: Uint8Array): readonly (TarEntry & { readonly body: Buffer })[] {
  const tar = gunzipSync(bytes);
  const entries: (TarEntry & { readonly body: Buffer })[] = [];
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const text = (from: number, length: number): string =>
      (tar.toString("latin1", at + from, at + from + length).split("\0")[0] ?? "").trim();
    const size = Number.parseInt(text(124, 12), 8);
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    const [name, type] = [text(0, 100), text(156, 1)];
    entries.push({ name, type, mode: Number.parseInt(text(100, 8), 8), body });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}
