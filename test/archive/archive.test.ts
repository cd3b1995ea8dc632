/** Archives of every origin are read, and nothing else is; what we write, others read. */
import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { readArchive, writeArchive } from "../../lib/archive/archive.ts";
import { listTarball, tarball, type TarEntry } from "../support/cli-tar.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const invalid = expect.objectContaining({ code: "archive-invalid" });

describe("reads", () => {
  const rows: readonly (readonly [string, readonly TarEntry[], Record<string, string>])[] = [
    ["what Go writes: mode 0000", [{ name: "a", body: "1" }], { a: "1" }],
    ["folders, which it leaves out", [{ name: "d/", type: "5" }, { name: "d/a" }], { "d/a": "" }],
    ["an archive without files", [], {}],
    ["files of old tar, of type NUL", [{ name: "a", body: "1", type: "\0" }], { a: "1" }],
    [
      "one file twice",
      [
        { name: "k.pub", body: "same" },
        { name: "x", body: "x" },
        { name: "k.pub", body: "same" },
      ],
      { "k.pub": "same", x: "x" },
    ],
    ["a folder packed from inside", [{ name: "./d/a", body: "1" }], { "d/a": "1" }],
    ["names in any language", [{ name: "ключ/é", body: "1" }], { "ключ/é": "1" }],
    ["two dots that are a name", [{ name: "a/..b", body: "1" }], { "a/..b": "1" }],
    ["a name like a member of objects", [{ name: "__proto__", body: "1" }], { ["__proto__"]: "1" }],
    ["any bytes", [{ name: "a", body: Buffer.from([0, 255, 10]) }], { a: "\0\u00ff\n" }],
  ];

  test.each(rows)("%s", async (_, entries, expected) => {
    const read = await readArchive(tarball(entries));
    const texts = [...read].map(([name, body]) => [name, Buffer.from(body).toString("latin1")]);
    expect(new Map(texts as [string, string][])).toEqual(new Map(Object.entries(expected)));
  });
});

describe("a name that no archive may have is refused and not dropped:", () => {
  const key = { name: "tufrepo/keys/k.sec", body: "the only copy" };
  const rows: readonly (readonly [string, string, RegExp])[] = [
    ["a path upwards", "../k.sec", /"..\/k.sec" leads out of its folder/],
    ["a path upwards further in", "tufrepo/../../k.sec", /leads out/],
    ["an absolute path", "/etc/k.sec", /absolute/],
    ["a path upwards behind a dot", "./../k.sec", /leads out/],
    ["a path of Windows", "..\\k.sec", /Windows/],
    ["a drive", "C:k.sec", /Windows/],
    ["a dot between", "a/./k.sec", /no plain path/],
    ["an empty part", "a//k.sec", /no plain path/],
    ["an escape of a terminal", "\u001b[2Jk.sec", /"\?\[2Jk.sec" has characters/],
    ["two lines", "a\nk.sec", /characters/],
    ["another direction", "a\u202Eces.k", /characters/],
    ["another case of one that is there", "tufrepo/keys/K.sec", /is one file with/],
    ["another case of our own", "TufRepo/rootward/factory.json", /rootward's own/],
    ["the same name with other bytes", "tufrepo/keys/k.sec", /twice/],
  ];

  test.each(rows)("%s", async (_, name, words) => {
    const archive = tarball([key, { name, body: "other" }]);
    await expect(readArchive(archive)).rejects.toThrow(words);
    const said = await readArchive(archive).catch((error: unknown) => String(error));
    expect(said).toMatch(/nothing was read or changed/);
    const entries = new Map([
      [key.name, bytes("the only copy")],
      [name, bytes("other")],
    ]);
    if (entries.size === 2) await expect(writeArchive(entries)).rejects.toEqual(invalid);
  });

  test("and so is a very long one", async () => {
    const entries = new Map([[`a/${"b".repeat(300)}`, bytes("")]]);
    await expect(writeArchive(entries)).rejects.toThrow(/1 to 255 characters/);
  });
});

describe("refuses", () => {
  const good = tarball([{ name: "a", body: "x".repeat(2000) }]);
  const flipped = (at: number): Uint8Array => good.map((byte, i) => (i === at ? byte ^ 1 : byte));
  const bomb = (size: number): Uint8Array => gzipSync(Buffer.alloc(size));
  const link = { name: "k.sec", linkName: "/etc/passwd" };
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ["a symbolic link", tarball([{ ...link, type: "2" }])],
    ["a hard link", tarball([{ ...link, type: "1" }])],
    ["a device", tarball([{ name: "null", type: "3" }])],
    ["a pipe", tarball([{ name: "pipe", type: "6" }])],
    ["nothing", new Uint8Array()],
    ["words", bytes("hello")],
    ["random bytes", randomBytes(1000)],
    ["gzip of words", gzipSync("hello".repeat(200))],
    ["a tar that is not gzipped", new Uint8Array(2048)],
    ["half of it", good.subarray(0, good.length / 2)],
    ["its last byte missing", good.subarray(0, -1)],
    ["a byte changed in its checksum", flipped(good.length - 6)],
    ["something behind it", new Uint8Array([...good, ...bytes("hello")])],
    ["a bomb of zeros", bomb(33 * 1024 * 1024)],
    ["a bomb that names a huge file", tarball([{ name: "a", body: Buffer.alloc(33 * 2 ** 20) }])],
  ];

  test.each(rows)("%s", async (_, archive) => {
    await expect(readArchive(archive)).rejects.toEqual(invalid);
  });

  test("a tar whose header was changed", async () => {
    const entries = [{ name: "a", body: "1" }];
    const tar = gunzipSync(tarball(entries));
    tar.write("b", 0);
    await expect(readArchive(gzipSync(tar))).rejects.toEqual(invalid);
  });
});

describe("writes", () => {
  test("plain files of mode 0600, by no more than name and size", async () => {
    const entries = new Map([
      [`tufrepo/keys/fioctl-root-${"a".repeat(64)}.sec`, bytes("{}")],
      ["empty", new Uint8Array()],
    ]);
    const listed = listTarball(await writeArchive(entries));
    expect(
      listed.map(({ name, type, mode, body }) => ({ name, type, mode, body: body.toString() })),
    ).toEqual(
      [...entries].map(([name, body]) => ({
        name,
        type: "0",
        mode: 0o600,
        body: Buffer.from(body).toString(),
      })),
    );
  });

  test("what it reads back the same", async () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,75}(?:\/[a-z0-9._-]{0,75}[a-z0-9])?$/);
    const body = fc.uint8Array({ maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, body, { maxKeys: 8 }), async (files) => {
        const entries = new Map(Object.entries(files));
        const read = await readArchive(await writeArchive(entries));
        expect(new Map([...read].map(([key, value]) => [key, new Uint8Array(value)]))).toEqual(
          new Map([...entries].map(([key, value]) => [key, new Uint8Array(value)])),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("the same entries as the same bytes, whenever and wherever", async () => {
    const entries = new Map([["a", bytes("1")]]);
    expect(await writeArchive(entries)).toEqual(await writeArchive(entries));
  });
});
