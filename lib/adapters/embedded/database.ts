/**
 * The SQLite files of the embedded form: the service's and the signer's. Durable settings, so that
 * `kill -9` or a power cut loses nothing that was acknowledged: write-ahead log with a full sync at
 * each commit. `secure_delete` overwrites what is deleted, and after keys are destroyed the log is
 * truncated. node:sqlite's own busy timeout is 0; a second process (a backup) must not fail us.
 */
import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";

/** Facts about an installation: the master key's check value, which signer it has. */
const FACTS =
  "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT";

/**
 * The schemas' number, in the file's user_version; a file of a later one is not touched. 1 had the
 * signer's tables in the service's file (adopt-records.ts), 2 documents without their instance
 * (store.ts), 3 numbers of what was signed without its hash (signer-versions.ts).
 */
const SCHEMA_VERSION = 4;

/**
 * @param file created with mode 0600 where it does not exist
 * @param schema statements that make the tables that are missing
 * @param upgrade brings over what earlier versions kept otherwise
 */
export function openDatabase(
  file: string,
  schema: string,
  upgrade: (database: DatabaseSync) => void = () => undefined,
): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: 5000 });
  database.exec("PRAGMA secure_delete = ON");
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  const found = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (typeof found !== "number" || found > SCHEMA_VERSION) {
    database.close();
    throw new RootwardError(
      "usage",
      `database has schema ${String(found)}, this version of rootward knows ${SCHEMA_VERSION}`,
    );
  }
  upgrade(database);
  database.exec(schema);
  database.exec(FACTS);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  chmodSync(file, 0o600);
  return database;
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

/** A fact about this installation. */
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
