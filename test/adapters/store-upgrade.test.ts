/** Tables of earlier versions, brought up once: each document to the bootstrap that its Factory has. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDatabase } from "../../lib/adapters/embedded/database.ts";
import { STORE_SCHEMA, upgradeStore } from "../../lib/adapters/embedded/store.ts";

let folder: string;
let first: DatabaseSync;
let second: DatabaseSync;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rootward-upgrade-"));
  [first, second] = [open(), open()];
  first.exec(`
    CREATE TABLE heads (
      factory TEXT PRIMARY KEY, revision INTEGER NOT NULL, due_at INTEGER NOT NULL,
      body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE documents (
      factory TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL,
      sha256 TEXT NOT NULL, body BLOB NOT NULL,
      PRIMARY KEY (factory, channel, role, version, sha256)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE published (
      factory TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL,
      sha256 TEXT NOT NULL,
      PRIMARY KEY (factory, channel, role, version)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO heads VALUES ('acme', 1, 0, '{"instance":"one"}');
    INSERT INTO documents VALUES
      ('acme', 'main', 'root', 1, 'r1', x'01'), ('acme', 'main', 'staged-root', 2, 's2', x'02'),
      ('acme', 'log', 'event', 1, 'e1', x'03'), ('gone', 'main', 'root', 1, 'g1', x'04');
    INSERT INTO published VALUES ('acme', 'log', 'event', 1, 'e1'), ('acme', 'main', 'root', 1, 'r1');
  `);
});
afterEach(() => {
  for (const database of [first, second]) database.close();
  rmSync(folder, { recursive: true });
});

function open(): DatabaseSync {
  const database = new DatabaseSync(join(folder, "test.db"), { timeout: 1000 });
  database.exec("PRAGMA journal_mode = WAL");
  return database;
}

function rows(table: "documents" | "published"): readonly string[] {
  return first
    .prepare(`SELECT instance, sha256 FROM ${table} ORDER BY sha256`)
    .all()
    .map(({ instance, sha256 }) => `${String(sha256)} ${String(instance)}`);
}

/** A start of today's code on the file. */
async function start(): Promise<void> {
  const database = await openDatabase(join(folder, "test.db"), {
    schema: STORE_SCHEMA,
    upgrade: upgradeStore,
  });
  database.close();
}

test("events stay beside all bootstraps, and the rest is of the one that is there", async () => {
  await start();
  expect(rows("documents")).toEqual(["e1 ", "r1 one", "s2 one"]);
  expect(rows("published")).toEqual(["e1 ", "r1 one"]);
});

test("a second start that waited for the first upgrades nothing again", async () => {
  first.exec("BEGIN IMMEDIATE");
  const waiting = start();
  // The lock is the first start's; it upgrades, and the service goes on.
  await new Promise((resolve) => setTimeout(resolve, 100));
  upgradeStore(first);
  first.exec(STORE_SCHEMA);
  first.exec("CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT");
  first.exec("PRAGMA user_version = 3");
  first.exec(`UPDATE heads SET body = '{"instance":"two"}'`);
  first.exec("INSERT INTO published VALUES ('acme', 'two', 'main', 'root', 1, 'r9')");
  first.exec("COMMIT");
  await waiting;
  expect(rows("published")).toEqual(["e1 ", "r1 one", "r9 two"]);
});

test("requests get the time of the upgrade, and tokens are found by an index", async () => {
  first.exec(`
    CREATE TABLE tokens (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE requests (hash TEXT PRIMARY KEY, body_hash TEXT NOT NULL) STRICT;
    INSERT INTO requests VALUES ('key', 'body');`);
  const before = Math.floor(Date.now() / 1000) * 1000;
  await start();
  const made = first.prepare("SELECT made_at FROM requests WHERE hash = 'key'").get()?.["made_at"];
  expect(made).toBeGreaterThanOrEqual(before);
  await start();
  expect(first.prepare("SELECT made_at FROM requests").all()).toEqual([{ made_at: made }]);
  const plan = (sql: string) =>
    String(first.prepare(`EXPLAIN QUERY PLAN ${sql}`).get("x")?.["detail"]);
  for (const sql of [
    "SELECT body FROM tokens WHERE body ->> '$.bound.factory' = ?",
    "DELETE FROM tokens WHERE body ->> '$.expiresAt' < ?",
    "DELETE FROM requests WHERE made_at < ?",
  ]) {
    expect(plan(sql)).toMatch(/USING (COVERING )?INDEX/);
  }
});

test("what cannot be brought up stays as it was", async () => {
  first.exec(`UPDATE heads SET body = '{}'`);
  await expect(start()).rejects.toThrow("NOT NULL");
  const { n } = second.prepare("SELECT count(*) AS n FROM documents").get() ?? {};
  expect(n).toBe(4);
  second.exec("DELETE FROM documents WHERE factory = 'gone'");
});
