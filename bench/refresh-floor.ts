/**
 * The least that refreshing a Factory takes: one Ed25519 signature, and the rows that a refresh writes, of
 * the same size, each in a commit of its own as the store has it. How many rows that are is counted in the
 * file and not taken from the code.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { basename, join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  copyDurably,
  databaseOf,
  scatteredName,
  signerDatabaseOf,
  type Fleet,
} from "./refresh-fleet.ts";

/** How many rows there are, and how often a head was swapped. */
export interface Written {
  readonly documents: number;
  readonly events: number;
  readonly published: number;
  readonly swaps: number;
}

export function writtenIn(database: DatabaseSync): Written {
  const number = (sql: string): number => Number(database.prepare(sql).get()?.["n"]);
  return {
    documents: number("SELECT count(*) AS n FROM documents WHERE role <> 'event'"),
    events: number("SELECT count(*) AS n FROM documents WHERE role = 'event'"),
    published: number("SELECT count(*) AS n FROM published"),
    swaps: number("SELECT sum(revision) AS n FROM heads"),
  };
}

/** The bytes that one of `count` refreshes wrote, on average. */
export function writtenSince(before: Written, after: Written, count: number): Written {
  return {
    documents: (after.documents - before.documents) / count,
    events: (after.events - before.events) / count,
    published: (after.published - before.published) / count,
    swaps: (after.swaps - before.swaps) / count,
  };
}

/** Besides these, the boundary notes the version of each document that it signs. */
export function commitsOf({ documents, events, published, swaps }: Written): number {
  return documents + events + published + swaps + documents;
}

export interface Floor {
  /** One Ed25519 signature. */
  sign(): void;
  /** The commits of one refresh. */
  commit(): void;
  close(): void;
}

/** On copies of the fleet's files, so that the tables are as large. */
export function openFloor(fleet: Fleet): Floor {
  const database = openCopy(fleet, databaseOf(fleet));
  const signer = openCopy(fleet, signerDatabaseOf(fleet));
  const size = (rows: string): number => {
    const average = `SELECT CAST(avg(length(body)) AS INTEGER) AS n FROM (${rows})`;
    return Number(database.prepare(average).get()?.["n"]);
  };
  const timestamp = randomBytes(size("SELECT body FROM documents WHERE role = 'timestamp'"));
  const event = randomBytes(size("SELECT body FROM documents WHERE role = 'event'"));
  const head = "x".repeat(size("SELECT body FROM heads"));
  const prepared = (sql: string, of = database) => {
    const statement = of.prepare(sql);
    return (...values: readonly SQLInputValue[]): void => {
      const { changes } = statement.run(...values);
      if (changes !== 1) throw new Error("the floor wrote nothing");
    };
  };
  const putDocument = prepared("INSERT INTO documents VALUES (?, '0', 'main', ?, ?, ?, ?)");
  const publish = prepared("INSERT INTO published VALUES (?, '0', 'main', ?, ?, ?)");
  const takeVersion = prepared(
    "UPDATE signer_versions SET version = version + 1 WHERE factory = ? AND role = 'timestamp'",
    signer,
  );
  const swap = prepared(
    "UPDATE heads SET revision = revision + 1, due_at = due_at + 1, body = ? WHERE factory = ?",
  );
  const { privateKey } = generateKeyPairSync("ed25519");
  const hash = "0".repeat(64);
  let turn = 0;
  return {
    sign: () => void sign(null, timestamp, privateKey),
    commit: () => {
      turn += 1;
      const name = scatteredName(turn, fleet.size);
      // Beyond every version that the fleet has.
      const version = 1e12 + turn;
      takeVersion(name);
      putDocument(name, "timestamp", version, hash, timestamp);
      putDocument(name, "event", version, hash, event);
      publish(name, "timestamp", version, hash);
      publish(name, "event", version, hash);
      swap(head, name);
    },
    close: () => {
      database.close();
      signer.close();
    },
  };
}

function openCopy({ folder }: Fleet, file: string): DatabaseSync {
  const copy = join(folder, `floor-${basename(file)}`);
  copyDurably(file, copy);
  // The settings of the store, and a connection of the floor's own.
  const database = new DatabaseSync(copy, { timeout: 5000 });
  database.exec("PRAGMA secure_delete = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  return database;
}

/** How many commits {@link Floor.commit} makes. */
export const FLOOR_COMMITS = 6;
