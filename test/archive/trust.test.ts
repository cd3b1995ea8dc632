/** What an archive remembers of its Factory: written, read back, and refused where it was spoilt. */
import { describe, expect, test } from "vitest";
import {
  archivedFactory,
  archivedLogMark,
  factoryEntry,
  logEntry,
  pendingEntry,
  pendingKeyid,
  withoutPending,
} from "../../lib/archive/trust.ts";
import { isFactoryName } from "../../lib/state/names.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { isKeyId } from "../../lib/tuf/keys.ts";

const hash = sha256Text("event");
const keyid: string = sha256Text("key");
const factory: string = "acme";
if (!isFactoryName(factory) || !isKeyId(keyid)) throw new Error("test data");
const about = { factory, dialect: "ats" } as const;
const mark = { seq: 7, sha256: hash };
const entries = new Map([factoryEntry(about), logEntry(mark), pendingEntry(keyid)]);

test("reads what it wrote", () => {
  expect(archivedFactory(entries)).toEqual(about);
  expect(archivedLogMark(entries)).toEqual(mark);
  expect(pendingKeyid(entries)).toBe(keyid);
  const done = withoutPending(entries);
  expect(pendingKeyid(done)).toBeNull();
  expect([...done.keys()]).toEqual([...entries.keys()].slice(0, 2));
});

test("knows that an archive of fioctl's says nothing", () => {
  const none = new Map<string, Uint8Array>();
  expect([archivedFactory(none), archivedLogMark(none), pendingKeyid(none)]).toEqual([
    null,
    null,
    null,
  ]);
});

describe("refuses, naming the entry,", () => {
  const read = { factory: archivedFactory, log: archivedLogMark, pending: pendingKeyid };
  const rows: readonly (readonly [keyof typeof read, string])[] = [
    ["factory", '{"factory":"../x","dialect":"ats"}'],
    ["factory", '{"factory":"acme","dialect":"other"}'],
    ["factory", '{"factory":"acme"}'],
    ["factory", "[]"],
    ["log", '{"seq":"7"}'],
    ["log", `{"seq":7,"sha256":"${hash.toUpperCase()}"}`],
    ["log", `{"seq":-7,"sha256":"${hash}"}`],
    ["log", `{"seq":0,"sha256":"${hash}"}`],
    ["pending", '{"keyid":"abc"}'],
    ["pending", "{}"],
    ["pending", "hello"],
    ["factory", ""],
  ];

  test.each(rows)("%s.json: %s", (name, text) => {
    const entry = `tufrepo/rootward/${name}.json`;
    const spoilt = new Map([[entry, new TextEncoder().encode(text)]]);
    expect(() => read[name](spoilt)).toThrow(
      expect.objectContaining({
        code: "archive-invalid",
        message: expect.stringContaining(`archive entry ${entry}: `),
      }),
    );
  });
});
