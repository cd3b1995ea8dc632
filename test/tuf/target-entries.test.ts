/** Entries of target files: what is refused, in which words, and how much of it there may be. */
import { describe, expect, test } from "vitest";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { DIALECTS, type Dialect } from "../../lib/tuf/dialect.ts";
import {
  isJsonObject,
  jsonObject,
  parseJson,
  type JsonObject,
  type JsonValue,
} from "../../lib/tuf/json.ts";
import { MAX_ROLE_BYTES, readRoleDocument } from "../../lib/tuf/role-document.ts";
import { envelope, targetsDocument } from "../../lib/tuf/roles.ts";
import {
  assertTargetsFit,
  ENTRIES_LIMITS,
  isTargetName,
  judgeTargetEntries,
  MAX_FINDINGS,
  MAX_TARGETS_BYTES,
  MAX_TARGETS_VALUES,
} from "../../lib/tuf/target-entries.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const SHA512 = SHA256.repeat(2);
const EXPIRES = Date.UTC(2027, 0, 1);
const good = { length: 1, hashes: { sha256: SHA256 } };

/** As the service reads them. */
function read(text: string): JsonObject {
  const value = parseJson(new TextEncoder().encode(text), ENTRIES_LIMITS);
  if (!isJsonObject(value)) throw new Error("no object");
  return value;
}

function found(entries: object, dialect: Dialect = "ats"): readonly string[] {
  const { findings } = judgeTargetEntries(read(JSON.stringify(entries)), dialect);
  return findings.map(({ code, message }) => `${code} | ${message}`);
}

describe("names", () => {
  test.each([
    "a",
    "A-Z/a.b_c~d+e@f=g,h:i(j)",
    "a/b/c",
    "...",
    ".a",
    "a..b",
    "..a/b..",
    "__proto__",
    "constructor",
    "n".repeat(512),
  ])("%j is one", (name) => {
    expect(isTargetName(name)).toBe(true);
    expect(found({ [name]: good })).toEqual([]);
  });

  test.each([
    "",
    "/",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/..",
    "a/../b",
    "./a",
    "a/./b",
    "a b",
    "a\n",
    "a\\b",
    "a%2fb",
    "a?b",
    "a#b",
    "\u00e9",
    "n".repeat(513),
    "n".repeat(10_000),
  ])("%j is none", (name) => {
    expect(isTargetName(name)).toBe(false);
    const [finding, ...others] = found({ [name]: good });
    expect(finding).toMatch(/^target-name \| target ".*: expected a name of 1 to 512 characters/);
    expect(finding?.length).toBeLessThan(300);
    expect(others).toEqual([]);
  });

  test("every character that is allowed is, and no other", () => {
    const allowed = Array.from({ length: 0x180 }, (_unused, code) => String.fromCharCode(code))
      .filter((char) => isTargetName(`a${char}a`))
      .join("");
    expect(allowed).toBe(
      "()+,-./0123456789:=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~",
    );
  });
});

const rows: readonly (readonly [name: string, entry: unknown, finding: string])[] = [
  [
    "null",
    null,
    'target-members | target "x": expected an object with length and hashes, got null',
  ],
  [
    "a list",
    [],
    'target-members | target "x": expected an object with length and hashes, got a list',
  ],
  [
    "another member",
    { ...good, Length: 2 },
    'target-members | target "x": expected length, hashes and custom alone, got "Length"',
  ],
  [
    "a member of prototypes",
    { ...good, constructor: 2 },
    'target-members | target "x": expected length, hashes and custom alone, got "constructor"',
  ],
  [
    "no length",
    { hashes: good.hashes },
    'target-length | target "x": length: expected a number of bytes, got nothing',
  ],
  [
    "a length in words",
    { ...good, length: "1" },
    'target-length | target "x": length: expected a number of bytes, got "1"',
  ],
  [
    "no hashes",
    { length: 1 },
    'target-hashes | target "x": hashes: expected an object with sha256, got nothing',
  ],
  [
    "a list of hashes",
    { ...good, hashes: [] },
    'target-hashes | target "x": hashes: expected an object with sha256, got a list',
  ],
  [
    "empty hashes",
    { ...good, hashes: {} },
    'target-hashes | target "x": hashes.sha256: expected 64 lower-case hex digits, got nothing',
  ],
  [
    "a hash in capitals",
    { ...good, hashes: { sha256: SHA256.toUpperCase() } },
    `target-hashes | target "x": hashes.sha256: expected 64 lower-case hex digits, got "${SHA256.toUpperCase()}"`,
  ],
  [
    "a hash that is a number",
    { ...good, hashes: { sha256: 1 } },
    'target-hashes | target "x": hashes.sha256: expected 64 lower-case hex digits, got 1',
  ],
  [
    // As text it would be the right one.
    "a hash in a list",
    { ...good, hashes: { sha256: [SHA256] } },
    'target-hashes | target "x": hashes.sha256: expected 64 lower-case hex digits, got a list',
  ],
  [
    "a SHA-512 in a list",
    { ...good, hashes: { sha256: SHA256, sha512: [SHA512] } },
    'target-hashes | target "x": hashes.sha512: expected 128 lower-case hex digits, got a list',
  ],
  [
    "a short SHA-512",
    { ...good, hashes: { sha256: SHA256, sha512: SHA256 } },
    `target-hashes | target "x": hashes.sha512: expected 128 lower-case hex digits, got "${SHA256}"`,
  ],
  [
    "a SHA-512 that is null",
    { ...good, hashes: { sha256: SHA256, sha512: null } },
    'target-hashes | target "x": hashes.sha512: expected 128 lower-case hex digits, got null',
  ],
  [
    "another hash",
    { ...good, hashes: { sha256: SHA256, md5: "0" } },
    'target-hashes | target "x": hashes: expected sha256 and sha512 alone, got "md5"',
  ],
  [
    "custom that is null",
    { ...good, custom: null },
    'target-custom | target "x": custom: expected an object, got null',
  ],
  [
    "custom that is text",
    { ...good, custom: "a" },
    'target-custom | target "x": custom: expected an object, got "a"',
  ],
  [
    "a character outside ASCII",
    { ...good, custom: { a: [{ b: "\u00e9" }] } },
    'target-custom | target "x": custom.a.0.b: expected printable ASCII, \\n, \\r and \\t: clients do not agree on others',
  ],
  [
    "a control character in a name",
    { ...good, custom: { "\u0001": 1 } },
    'target-custom | target "x": custom (a member name): expected printable ASCII, \\n, \\r and \\t: clients do not agree on others',
  ],
];

test.each(rows)("an entry with %s", (_name, entry, finding) => {
  for (const dialect of DIALECTS) expect(found({ x: entry }, dialect)).toEqual([finding]);
});

test.each(["<", ">", "&"])("%s is in no custom of ats, at no depth and in no name", (char) => {
  const rule = "expected none of < > &: fioctl rewrites them";
  const value = { ok: good, x: { ...good, custom: { a: [{ b: `1 ${char} 2` }] } } };
  expect(found(value)).toEqual([`target-custom | target "x": custom.a.0.b: ${rule}`]);
  const name = { x: { ...good, custom: { a: { [char]: 1 } } } };
  expect(found(name)).toEqual([`target-custom | target "x": custom.a (a member name): ${rule}`]);
  expect(found(value, "tuf")).toEqual([]);
});

test("all findings of all entries come at once", () => {
  const entries = {
    "../a": null,
    b: {
      length: "1",
      size: 1,
      hashes: { sha256: "", sha512: "", md5: "" },
      custom: { a: "\u00e9<" },
    },
  };
  expect(found(entries).map((finding) => finding.split(" ")[0])).toEqual([
    "target-name",
    "target-members",
    "target-members",
    "target-length",
    "target-hashes",
    "target-hashes",
    "target-hashes",
    "target-custom",
    "target-custom",
  ]);
});

test("of many findings the first are told", () => {
  const entries = (count: number): JsonObject =>
    jsonObject(Object.fromEntries(Array.from({ length: count }, (_unused, i) => [`${i}`, null])));
  const judged = [MAX_FINDINGS, MAX_FINDINGS + 1, 3 * MAX_FINDINGS].map((count) =>
    judgeTargetEntries(entries(count), "tuf"),
  );
  expect(judged.map(({ findings, more }) => [findings.length, more])).toEqual([
    [MAX_FINDINGS, false],
    [MAX_FINDINGS, true],
    [MAX_FINDINGS, true],
  ]);
});

test("after the findings that are told no entry is looked at", () => {
  let looks = 0;
  const entries: Record<string, JsonValue> = {};
  for (let i = 0; i < 10_000; i += 1) {
    Object.defineProperty(entries, `target-${i}`, {
      enumerable: true,
      get: () => {
        looks += 1;
        return null;
      },
    });
  }
  expect(judgeTargetEntries(entries, "tuf").more).toBe(true);
  expect(looks).toBe(MAX_FINDINGS + 1);
});

test("lengths and numbers reach as far as 2^53-1", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const entry = { length: most, hashes: { sha256: SHA256, sha512: SHA512 }, custom: { n: most } };
  for (const dialect of DIALECTS) {
    expect(found({ x: entry, empty: { ...good, length: 0, custom: {} } }, dialect)).toEqual([]);
  }
});

/** A request in which `custom` is so many objects deep. */
function nested(depth: number): string {
  const custom = `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
  return `{"targets":{"x":{"length":1,"hashes":{"sha256":"${SHA256}"},"custom":${custom}}}}`;
}

test("what is read as a request is not too deep for a document", () => {
  const { targets } = read(nested(28));
  const entries = isJsonObject(targets) ? targets : jsonObject({});
  const document = envelope(targetsDocument("ats", 1, EXPIRES, entries), []);
  expect(readRoleDocument(document, "targets", "ats").signed["targets"]).toEqual(entries);
  expect(() => read(nested(29))).toThrow("nested deeper than 31");
});

describe("all entries together", () => {
  test("have as many bytes as clients read, signature included", () => {
    const around = encodeJson(jsonObject({ x: jsonObject({ custom: jsonObject({ a: "" }) }) }));
    const sized = (bytes: number): JsonObject =>
      jsonObject({
        x: jsonObject({ custom: jsonObject({ a: "a".repeat(bytes - around.length) }) }),
      });
    const full = sized(MAX_TARGETS_BYTES);
    expect(() => assertTargetsFit(full)).not.toThrow();
    expect(() => assertTargetsFit(sized(MAX_TARGETS_BYTES + 1))).toThrow(
      `all targets together: expected at most ${MAX_TARGETS_BYTES} bytes, got ${MAX_TARGETS_BYTES + 1}: remove`,
    );
    // The longest signature there is, by a key with the longest id, and the longest numbers.
    const signature = jsonObject({
      keyid: SHA256,
      method: "rsassa-pss-sha256",
      sig: "a".repeat(1024),
    });
    for (const dialect of DIALECTS) {
      const signed = targetsDocument(dialect, Number.MAX_SAFE_INTEGER, EXPIRES, full);
      expect(envelope(signed, [signature]).length).toBeLessThanOrEqual(MAX_ROLE_BYTES);
    }
  });

  test("count escapes as they are served", () => {
    const newlines = jsonObject({ x: jsonObject({ custom: "\n".repeat(MAX_TARGETS_BYTES / 2) }) });
    expect(() => assertTargetsFit(newlines)).toThrow(/at most \d+ bytes, got \d+/);
  });

  test("have as many values as can be signed in a moment", () => {
    // All entries, the entry, its list, and what is in that.
    const counted = (values: number): JsonObject =>
      jsonObject({
        x: jsonObject({
          a: Array.from({ length: values - 3 }, (_unused, i) => [null, 1][i % 2] ?? null),
        }),
      });
    expect(() => assertTargetsFit(counted(MAX_TARGETS_VALUES))).not.toThrow();
    expect(() => assertTargetsFit(counted(MAX_TARGETS_VALUES + 1))).toThrow(
      `expected at most ${MAX_TARGETS_VALUES} values, got ${MAX_TARGETS_VALUES + 1}`,
    );
  });
});
