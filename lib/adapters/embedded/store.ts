/**
 * Heads, documents, tokens and idempotency keys in SQLite. Each write is one statement, so each is
 * atomic by itself; the only one that decides anything is the conditional update of a head.
 */
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { DocumentAddress, Place, StoredDocument } from "../../state/documents.ts";
import { decodeHead, encodeHead, type Head } from "../../state/head.ts";
import { isFactoryName, type FactoryName } from "../../state/names.ts";
import type {
  Attempts,
  Documents,
  Heads,
  Requests,
  TokenRecord,
  Tokens,
} from "../../service/ports.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import { RootwardError } from "../../error.ts";
import type { Database } from "./connections.ts";
import { blobColumn, numberColumn, textColumn, writeFact } from "./database.ts";

export const STORE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS heads (
    factory TEXT PRIMARY KEY, revision INTEGER NOT NULL, due_at INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS heads_due ON heads (due_at);
  CREATE TABLE IF NOT EXISTS documents (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL,
    version INTEGER NOT NULL, sha256 TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (factory, instance, channel, role, version, sha256)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS published (
    factory TEXT NOT NULL, instance TEXT NOT NULL, channel TEXT NOT NULL, role TEXT NOT NULL,
    version INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (factory, instance, channel, role, version)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tokens (hash TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS tokens_factory ON tokens (body ->> '$.bound.factory');
  CREATE INDEX IF NOT EXISTS tokens_expiry ON tokens (body ->> '$.expiresAt');
  CREATE TABLE IF NOT EXISTS requests (
    hash TEXT PRIMARY KEY, body_hash TEXT NOT NULL, made_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS requests_age ON requests (made_at);
`;

/**
 * Brings tables of earlier versions up to {@link STORE_SCHEMA}: documents were kept without the instance,
 * requests without their time, for which the upgrade's is taken. Remains of a failed bootstrap, which no
 * head names, stay behind. Runs in the transaction of the start.
 */
export function upgradeStore(database: DatabaseSync): void {
  if (lacks(database, "requests", "made_at")) addTime(database);
  if (lacks(database, "documents", "instance")) addInstance(database);
}

/** Whether there is such a table, without the column. */
function lacks(database: DatabaseSync, table: string, column: string): boolean {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  return columns.length > 0 && columns.every(({ name }) => name !== column);
}

function addTime(database: DatabaseSync): void {
  database.exec(`
    ALTER TABLE requests ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
    UPDATE requests SET made_at = unixepoch() * 1000;`);
}

function addInstance(database: DatabaseSync): void {
  const instance = "CASE channel WHEN 'log' THEN '' ELSE heads.body ->> '$.instance' END";
  database.exec(`
    ALTER TABLE documents RENAME TO documents_before;
    ALTER TABLE published RENAME TO published_before;
    ${STORE_SCHEMA}
    INSERT INTO documents
      SELECT factory, ${instance}, channel, role, version, sha256, documents_before.body
      FROM documents_before JOIN heads USING (factory);
    INSERT INTO published
      SELECT factory, ${instance}, channel, role, version, sha256
      FROM published_before JOIN heads USING (factory);
    DROP TABLE documents_before;
    DROP TABLE published_before;`);
}

/** Heads that are listed without a pause. */
const DUE_PAGE = 1000;

export class SqliteHeads implements Heads {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async read(factory: FactoryName): Promise<Head | null> {
    const row = await this.#db.read((sql) =>
      sql("SELECT body FROM heads WHERE factory = ?").get(factory),
    );
    return row === undefined ? null : decodeHead(textColumn(row, "body"));
  }

  async create(head: Head): Promise<boolean> {
    const body = encodeHead(head);
    const { changes } = await this.#db.write((sql) =>
      sql("INSERT INTO heads VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
        head.factory,
        head.revision,
        head.dueAt,
        body,
      ),
    );
    return changes === 1;
  }

  async swap(revision: number, next: Head): Promise<boolean> {
    const body = encodeHead(next);
    const { changes } = await this.#db.write((sql) =>
      sql(
        "UPDATE heads SET revision = ?, due_at = ?, body = ? WHERE factory = ? AND revision = ?",
      ).run(next.revision, next.dueAt, body, next.factory, revision),
    );
    return changes === 1;
  }

  /** Page by page: a list of very many must not keep devices waiting. */
  async due(now: number, limit: number): Promise<readonly FactoryName[]> {
    const names: FactoryName[] = [];
    let after: SQLInputValue[] = [Number.MIN_SAFE_INTEGER, 0];
    for (;;) {
      const size = Math.min(DUE_PAGE, limit - names.length);
      const rows = await this.#db.read((sql) =>
        sql(
          `SELECT factory, due_at, rowid FROM heads WHERE due_at <= ? AND (due_at, rowid) > (?, ?)
           ORDER BY due_at, rowid LIMIT ?`,
        ).all(now, ...after, size),
      );
      names.push(...rows.map((row) => textColumn(row, "factory")).filter(isFactoryName));
      const last = rows.at(-1);
      if (rows.length < DUE_PAGE || last === undefined) return names;
      after = [numberColumn(last, "due_at"), numberColumn(last, "rowid")];
      await new Promise(setImmediate);
    }
  }
}

export class SqliteDocuments implements Documents {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async put({ address, bytes }: StoredDocument): Promise<void> {
    await this.#db.write((sql) =>
      sql("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
        ...placeColumns(address),
        address.sha256,
        bytes,
      ),
    );
  }

  async get(address: DocumentAddress): Promise<Uint8Array | null> {
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT body FROM documents WHERE factory = ? AND instance = ? AND channel = ?
         AND role = ? AND version = ? AND sha256 = ?`,
      ).get(...placeColumns(address), address.sha256),
    );
    return row === undefined ? null : blobColumn(row, "body");
  }

  async publish(address: DocumentAddress): Promise<void> {
    await this.#db.write((sql) =>
      sql("INSERT INTO published VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING").run(
        ...placeColumns(address),
        address.sha256,
      ),
    );
  }

  async published(place: Place): Promise<Sha256 | null> {
    const row = await this.#db.read((sql) =>
      sql(
        `SELECT sha256 FROM published WHERE factory = ? AND instance = ? AND channel = ?
         AND role = ? AND version = ?`,
      ).get(...placeColumns(place)),
    );
    const sha256 = row === undefined ? null : textColumn(row, "sha256");
    return sha256 !== null && isSha256(sha256) ? sha256 : null;
  }
}

function placeColumns({ factory, instance, channel, role, version }: Place) {
  return [factory, instance ?? "", channel, role, version] as const;
}

export class SqliteTokens implements Tokens, Attempts {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async put(token: TokenRecord): Promise<void> {
    await this.#db.write((sql) =>
      sql("INSERT INTO tokens VALUES (?, ?) ON CONFLICT DO NOTHING").run(
        token.hash,
        JSON.stringify(token),
      ),
    );
  }

  async find(hash: Sha256): Promise<TokenRecord | null> {
    const row = await this.#db.read((sql) =>
      sql("SELECT body FROM tokens WHERE hash = ?").get(hash),
    );
    return row === undefined ? null : tokenOf(row);
  }

  async list(factory: FactoryName): Promise<readonly TokenRecord[]> {
    const rows = await this.#db.read((sql) =>
      sql("SELECT body FROM tokens WHERE body ->> '$.bound.factory' = ?").all(factory),
    );
    return rows.map(tokenOf);
  }

  async delete(hash: Sha256): Promise<void> {
    await this.#db.write((sql) => sql("DELETE FROM tokens WHERE hash = ?").run(hash));
  }

  async unnamed(now: number): Promise<readonly TokenRecord[]> {
    // After an error of the disk the log may hold a commit that counts again after a crash. The next commit
    // takes its place.
    await this.#db.write((sql) =>
      writeFact(sql, "attempts looked at", new TextEncoder().encode(`${now}`)),
    );
    return (await this.#db.read((sql) => sql(UNNAMED).all())).map(tokenOf);
  }

  async removeExpired(before: number): Promise<void> {
    await removeRows(this.#db, "tokens WHERE body ->> '$.expiresAt' < ?", before);
  }
}

/** Those whose bootstrap no head is of. */
const UNNAMED = `
  SELECT body FROM tokens WHERE body ->> '$.scopes[0]' = 'delivery' AND NOT EXISTS (
    SELECT 1 FROM heads WHERE heads.factory = tokens.body ->> '$.bound.factory'
    AND heads.body ->> '$.instance' = tokens.body ->> '$.bound.instance')`;

/** Looks first: a schedule that runs each minute takes no lock to remove nothing. */
async function removeRows(database: Database, rows: string, before: number): Promise<void> {
  const found = await database.read((sql) => sql(`SELECT 1 FROM ${rows} LIMIT 1`).get(before));
  if (found === undefined) return;
  await database.write((sql) => sql(`DELETE FROM ${rows}`).run(before));
}

function tokenOf(row: Record<string, unknown>): TokenRecord {
  return JSON.parse(textColumn(row, "body")) as TokenRecord;
}

export class SqliteRequests implements Requests {
  readonly #db: Database;

  constructor(database: Database) {
    this.#db = database;
  }

  async first(keyHash: Sha256, bodyHash: Sha256, now: number): Promise<Sha256> {
    await this.#db.write((sql) =>
      sql("INSERT INTO requests VALUES (?, ?, ?) ON CONFLICT DO NOTHING").run(
        keyHash,
        bodyHash,
        now,
      ),
    );
    const row = await this.#db.read((sql) =>
      sql("SELECT body_hash FROM requests WHERE hash = ?").get(keyHash),
    );
    const stored = row === undefined ? "" : textColumn(row, "body_hash");
    if (!isSha256(stored)) throw new RootwardError("internal", "stored request is damaged");
    return stored;
  }

  async removeOld(before: number): Promise<void> {
    await removeRows(this.#db, "requests WHERE made_at < ?", before);
  }
}
