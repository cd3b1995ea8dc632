/** Hashing files: the right hashes of any size, and none of a file that changes under the reader. */
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { byteSize } from "../../lib/cli/serve/byte-size.ts";
import { fileSize, hashFile } from "../../lib/cli/targets/hash-file.ts";

const PIECE = 1024 * 1024;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "rootward-hash-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function newFile(name: string, size: number): { readonly path: string; readonly bytes: Buffer } {
  const bytes = Buffer.alloc(size, "0123456789a");
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, bytes };
}

test.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])("of %d bytes", async (size) => {
  const { path, bytes } = newFile(`sized-${size}`, size);
  const progress: number[] = [];
  const hashed = await hashFile(path, ["sha256", "sha512"], (done) => progress.push(done));
  const hash = (name: string): string => createHash(name).update(bytes).digest("hex");
  expect(hashed).toEqual({
    length: size,
    hashes: { sha256: hash("sha256"), sha512: hash("sha512") },
  });
  expect(await fileSize(path)).toBe(size);
  expect(progress).toHaveLength(Math.ceil(size / PIECE));
  expect(progress.at(-1) ?? 0).toBe(size);
});

test("has the hashes that were asked for alone", async () => {
  const { path } = newFile("one", 10);
  const { hashes } = await hashFile(path, ["sha256"], () => undefined);
  expect(Object.keys(hashes)).toEqual(["sha256"]);
});

const PAST = new Date(1_000_000);
const changes: readonly (readonly [string, (path: string) => void])[] = [
  ["grows", (path) => appendFileSync(path, "more")],
  ["shrinks", (path) => truncateSync(path, 2 * PIECE)],
  ["is emptied", (path) => truncateSync(path, 0)],
  ["is written anew in the same size", (path) => utimesSync(path, PAST, new Date())],
  [
    "gives way to another of the same size and time",
    (path) => {
      const other = newFile("other", 3 * PIECE).path;
      utimesSync(other, PAST, PAST);
      renameSync(other, path);
    },
  ],
];

describe("a file is refused that", () => {
  test.each(changes)("%s", async (_, change) => {
    const { path } = newFile("changing", 3 * PIECE);
    utimesSync(path, PAST, PAST);
    let pieces = 0;
    const hashing = hashFile(path, ["sha256"], () => {
      pieces += 1;
      if (pieces === 1) change(path);
    });
    await expect(hashing).rejects.toMatchObject({
      code: "file-changed",
      message: `${path} changed while it was hashed`,
    });
  });

  test("is cut off behind the reader, also where its time is put back", async () => {
    const { path } = newFile("cut", 3 * PIECE);
    utimesSync(path, PAST, PAST);
    let pieces = 0;
    const hashing = hashFile(path, ["sha256"], () => {
      pieces += 1;
      if (pieces < 3) return;
      truncateSync(path, PIECE);
      utimesSync(path, PAST, PAST);
    });
    await expect(hashing).rejects.toMatchObject({ code: "file-changed" });
  });

  test("holds less than it says, as files of the Linux kernel do", async () => {
    const path = "/sys/kernel/uevent_seqnum";
    if (!existsSync(path)) return;
    expect(await fileSize(path)).toBeGreaterThan(readFileSync(path).length);
    const hashing = hashFile(path, ["sha256"], () => undefined);
    await expect(hashing).rejects.toMatchObject({ code: "file-changed" });
  });

  test("grows for ever, as soon as it is longer than it was", async () => {
    const { path } = newFile("endless", PIECE);
    let pieces = 0;
    const hashing = hashFile(path, ["sha256"], () => {
      pieces += 1;
      appendFileSync(path, Buffer.alloc(PIECE));
    });
    await expect(hashing).rejects.toMatchObject({ code: "file-changed" });
    expect(pieces).toBe(1);
  });

  test("is not there, is a folder, or is a device", async () => {
    const [nothing, sub] = ["nothing", "sub"].map((name) => join(folder, name));
    mkdirSync(sub ?? "");
    const words = [
      [nothing, "there is no such file"],
      [sub, "is not a file"],
      ["/dev/null", "is not a file"],
    ] as const;
    for (const [path = "", message] of words) {
      const refusal = { code: "usage", message: expect.stringContaining(message) };
      await expect(fileSize(path)).rejects.toMatchObject(refusal);
      await expect(hashFile(path, ["sha256"], () => undefined)).rejects.toMatchObject(refusal);
    }
  });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [9949, "9.9 kB"],
  [9950, "10 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [1_234_567, "1.2 MB"],
  [12_345_678_901, "12 GB"],
  [Number.MAX_SAFE_INTEGER, "9.0 PB"],
])("%d bytes are read as %s", (bytes, text) => {
  expect(byteSize(bytes)).toBe(text);
});
