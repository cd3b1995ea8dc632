/**
 * The SQLite file of the embedded form. Durable settings, so that `kill -9` or a power cut loses
 * nothing that was acknowledged: write-ahead log with a full sync at each commit. `secure_delete`
 * overwrites what is deleted, and after keys are destroyed the log is truncated. node:sqlite's own busy timeout is 0; a second process (a backup) must not fail us.
 */
import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS heads (
    factory TEXT PRIMARY KEY, revision INTEGER NOT NULL, due_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS heads_due ON heads (due_at);
  CREATE TABLE IF NOT EXISTS documents (
    factory TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL,
    sha256 TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (factory, channel, role, version, sha256)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS published (
    factory TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (factory, channel, role, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS tokens (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS requests (hash TEXT PRIMARY KEY, body_hash TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS signer_keys (
    factory TEXT NOT NULL, instance TEXT NOT NULL, role TEXT NOT NULL, keyid TEXT NOT NULL,
    wrapped BLOB NOT NULL, made_at INTEGER NOT NULL,
    PRIMARY KEY (factory, instance, role, keyid)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_roots (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, version INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (factory, instance, channel)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS signer_versions (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (factory, instance, channel, role)
  ) STRICT;
`;

/** The schema's number, in the file's user_version; a file of another is not touched. */
const SCHEMA_VERSION = 1;

/** @param file created with mode 0600 where it does not exist */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec("PRAGMA secure_delete = ON");
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  const found = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (found !== 0 && found !== SCHEMA_VERSION) {
    database.close();
    throw new RootwardError(
      "usage",
      `database has schema ${String(found)}, this version of rootward knows ${SCHEMA_VERSION}`,
    );
  }
  database.exec(SCHEMA);
  addMissing(database, "signer_keys", "made_at INTEGER NOT NULL DEFAULT 0");
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  chmodSync(file, 0o600);
  return database;
}

/** A column that files of an earlier version lack. */
function addMissing(database: DatabaseSync, table: string, column: string): void {
  const [name] = column.split(" ");
  const columns = database.prepare(`PRAGMA table_info(${table})`).all();
  if (columns.some((known) => known["name"] === name)) return;
  database.exec(`ALTER TABLE ${table} ADD COLUMN ${column}`);
}

/**
 * Moves everything from the write-ahead log into the database and empties the log, so that no older
 * copy of a page with deleted keys stays in it.
 *
 * @throws RootwardError `busy` while another process reads; the caller tries again later
 */
export function truncateLog(database: DatabaseSync): void {
  const result = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get();
  if (result?.["busy"] !== 0) {
    throw new RootwardError("busy", "another process is reading the database: its log is in use");
  }
}

/** A fact about this installation: the master key's check value, the admin token's hash. */
export function readFact(database: DatabaseSync, name: string): Uint8Array | null {
  const row = database.prepare("SELECT value FROM facts WHERE name = ?").get(name);
  return row === undefined ? null : blobColumn(row, "value");
}

export function writeFact(database: DatabaseSync, name: string, value: Uint8Array): void {
  database
    .prepare("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value")
    .run(name, value);
}

export function textColumn(row: Record<string, unknown>, name: string): string {
  const value = row[name];
  if (typeof value !== "string") throw new RootwardError("internal", `column ${name}: no text`);
  return value;
}

export function numberColumn(row: Record<string, unknown>, name: string): number {
  const value = row[name];
  if (typeof value !== "number") throw new RootwardError("internal", `column ${name}: no number`);
  return value;
}

export function blobColumn(row: Record<string, unknown>, name: string): Uint8Array {
  const value = row[name];
  if (!ArrayBuffer.isView(value)) throw new RootwardError("internal", `column ${name}: no bytes`);
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
