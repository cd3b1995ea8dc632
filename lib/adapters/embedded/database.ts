/**
 * The SQLite files of the embedded form: the service's and the signer's. Durable settings, so that
 * `kill -9` or a power cut loses nothing that was acknowledged: write-ahead log with a full sync at
 * each commit. `secure_delete` overwrites what is deleted, and after keys are destroyed the log is
 * truncated. How a second process (a backup, an operator's sqlite3) is waited for is in
 * connections.ts.
 */
import { chmodSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";
import { Database, inTransaction, type Sql } from "./connections.ts";

/** Facts about an installation: the master key's check value, which signer it has. */
const FACTS =
  "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT";

/**
 * The schemas' number, in the file's user_version; a file of a later one is not touched. 1 had the
 * signer's tables in the service's file (adopt-records.ts), 2 documents without their instance
 * (store.ts), 3 requests without their time (store.ts), the newest trusted root alone (signer-roots.ts)
 * and numbers of what was signed without its hash (signer-versions.ts).
 */
export const SCHEMA_VERSION = 4;

export interface DatabaseOptions {
  /** Statements that make the tables that are missing. */
  readonly schema: string;
  /** Brings over what earlier versions kept otherwise; runs in the transaction of the start. */
  readonly upgrade?: (database: DatabaseSync) => void;
  /** A line for the operator. */
  readonly report?: (line: string) => void;
}

/**
 * Writes nothing where the file is of this version already, so that a start on a full disk works.
 *
 * @param file created with mode 0600 where it does not exist
 * @throws RootwardError `usage` for a file of a later version, `storage-unavailable`
 */
export async function openDatabase(file: string, options: DatabaseOptions): Promise<Database> {
  const { schema, upgrade = () => undefined, report = () => undefined } = options;
  const prepare = (database: DatabaseSync): void => {
    database.exec("PRAGMA secure_delete = ON");
    if (pragma(database, "journal_mode") !== "wal") database.exec("PRAGMA journal_mode = WAL");
    database.exec("PRAGMA synchronous = FULL");
    if (!isCurrent(database)) {
      inTransaction(database, () => {
        // Another start may have come first while this one waited for the lock.
        if (isCurrent(database)) return;
        upgrade(database);
        database.exec(schema);
        database.exec(FACTS);
        database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
      });
    }
    if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  };
  const readable = (sql: Sql): boolean =>
    sql("PRAGMA user_version").get()?.["user_version"] === SCHEMA_VERSION;
  return Database.open(file, prepare, readable, report);
}

/** @throws RootwardError `usage` for a file of a later version */
function isCurrent(database: DatabaseSync): boolean {
  const found = pragma(database, "user_version");
  if (typeof found === "number" && found <= SCHEMA_VERSION) return found === SCHEMA_VERSION;
  throw new RootwardError(
    "usage",
    `database has schema ${String(found)}, this version of rootward knows ${SCHEMA_VERSION}`,
  );
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

/** A fact about this installation. */
export function readFact(sql: Sql, name: string): Uint8Array | null {
  const row = sql("SELECT value FROM facts WHERE name = ?").get(name);
  return row === undefined ? null : blobColumn(row, "value");
}

export function writeFact(sql: Sql, name: string, value: Uint8Array): void {
  sql("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value").run(
    name,
    value,
  );
}

const LINKS_FROM = "links from";

/** Links of before yield nothing, since a backup was put in place; 0 where none was. Milliseconds since 1970. */
export function readLinksFrom(sql: Sql): number {
  const fact = readFact(sql, LINKS_FROM);
  return fact === null ? 0 : Number(new TextDecoder().decode(fact));
}

export function writeLinksFrom(sql: Sql, time: number): void {
  writeFact(sql, LINKS_FROM, new TextEncoder().encode(`${time}`));
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
