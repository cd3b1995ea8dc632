/** Very many Factories in one database: whoever lists them keeps nobody else waiting. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Database } from "../../lib/adapters/embedded/connections.ts";
import { openDatabase } from "../../lib/adapters/embedded/database.ts";
import { SqliteHeads, STORE_SCHEMA } from "../../lib/adapters/embedded/store.ts";

const COUNT = 3500;

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "rootward-many-"));
  database = await openDatabase(join(folder, "rootward.db"), { schema: STORE_SCHEMA });
  await database.transaction((sql) => {
    // Many are due at the same time, as after an outage.
    const put = sql("INSERT INTO heads VALUES (?, 1, ?, '{}')");
    for (let at = 0; at < COUNT; at += 1) put.run(`f${at}`, Math.floor(at / 1500));
  });
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

test("a list of all has each once, the longest due first, and lets others in between", async () => {
  const heads = new SqliteHeads(database);
  let others = 0;
  let listing = true;
  const count = (): void => {
    others += 1;
    if (listing) setImmediate(count);
  };
  setImmediate(count);
  const names = await heads.due(Number.MAX_SAFE_INTEGER, 1_000_000);
  listing = false;
  expect(names).toEqual(Array.from({ length: COUNT }, (_, at) => `f${at}`));
  expect(others).toBeGreaterThanOrEqual(3);
});

test.each([1, 999, 1000, 1001, 2000, COUNT])("a list of at most %s has so many", async (limit) => {
  const names = await new SqliteHeads(database).due(2, limit);
  expect(names).toEqual(Array.from({ length: limit }, (_, at) => `f${at}`));
  expect(await new SqliteHeads(database).due(-1, limit)).toEqual([]);
});
