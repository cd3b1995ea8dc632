/**
 * Two connections to one SQLite file: one reads, one writes. SQLite waits for a lock by blocking the
 * whole process, so its busy timeout is 0 and waiting is done here: asynchronous, in the order in
 * which writers came, and bounded. A read needs no lock in WAL mode, so devices are served while
 * another program keeps the file locked, or while the disk is full.
 *
 * A read sees every write that was answered before it: each statement on the reading connection
 * starts on the newest commit.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { RootwardError } from "../../error.ts";
import { isLocked, LogInUse, storageError } from "./sqlite-errors.ts";

/** Gives a statement; each is prepared once for its connection. */
export type Sql = (text: string) => StatementSync;

/** How long a write waits for another program's lock, and for writes that came before it. */
const WAIT_MS = 15_000;
/** How long emptying the log waits for other readers. It keeps no write from its turn. */
const EMPTY_WAIT_MS = 5_000;
/** Before the next try, in milliseconds; the last one repeats. */
const PAUSES = [1, 2, 5, 10, 25];
/** A file that could not be opened for writing is tried again no sooner. */
const REOPEN_MS = 1_000;

/** Whether the database takes writes, as the last one found. */
export type DatabaseState =
  { readonly writable: true } | { readonly writable: false; readonly reason: string };

interface Connection {
  readonly raw: DatabaseSync;
  readonly sql: Sql;
}

export class Database {
  readonly #file: string;
  readonly #prepare: (writer: DatabaseSync) => void;
  #writer: Connection | null = null;
  #reader: Connection | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #state: DatabaseState = { writable: true };
  #notBefore = 0;

  private constructor(file: string, prepare: (writer: DatabaseSync) => void) {
    this.#file = file;
    this.#prepare = prepare;
  }

  /**
   * Opens both connections. Where the file cannot be written, it is read, and each write tries to
   * open it again.
   *
   * @param prepare settings, tables and upgrades of the writing connection: idempotent, since it is
   *   repeated while another program holds a lock
   * @param readable whether the reading connection alone can be used; throws or answers false if not
   * @param report called with the reason where nothing can be written
   * @throws RootwardError `storage-unavailable`
   */
  static async open(
    file: string,
    prepare: (writer: DatabaseSync) => void,
    readable: (sql: Sql) => boolean,
    report: (line: string) => void,
  ): Promise<Database> {
    const database = new Database(file, prepare);
    try {
      await patiently(() => database.#connect(), WAIT_MS);
      return database;
    } catch (error) {
      const told = storageError(error);
      if (told === null) throw error;
      if (isLocked(error) || !database.#readOnly(readable)) throw told;
      database.#failed(told);
      report(
        `${file}: ${told.message}; it is read as it is, and every change is refused until then`,
      );
      return database;
    }
  }

  /** @param work one statement; what it reads is as new as the last commit */
  async read<T>(work: (sql: Sql) => T): Promise<T> {
    const reader = this.#reader;
    if (reader === null) throw new RootwardError("internal", `${this.#file} is closed`);
    // Only a recovery after a crash, or a program that locks out readers, makes it wait.
    return patiently(() => work(reader.sql), WAIT_MS).catch((error: unknown) => {
      throw storageError(error) ?? error;
    });
  }

  /**
   * Applies one statement, exactly once, or throws and applied nothing.
   *
   * @param work synchronous and one statement; it is called again only where the lock kept it out
   * @param wait milliseconds
   * @throws RootwardError `storage-unavailable`
   */
  async write<T>(work: (sql: Sql, raw: DatabaseSync) => T, wait: number = WAIT_MS): Promise<T> {
    const until = performance.now() + wait;
    const attempt = async (): Promise<T> => {
      try {
        const done = await patiently(() => {
          const { sql, raw } = this.#connected();
          return work(sql, raw);
        }, until - performance.now());
        this.#state = { writable: true };
        return done;
      } catch (error) {
        this.#dropUnfinished();
        const told = storageError(error);
        if (told === null) throw error;
        throw this.#failed(told);
      }
    };
    const turn = this.#turn.then(attempt);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The same for several statements: all of them, or none where `work` throws. */
  async transaction<T>(work: (sql: Sql, raw: DatabaseSync) => T): Promise<T> {
    return this.write((sql, raw) => inTransaction(raw, () => work(sql, raw)));
  }

  /**
   * Moves everything from the write-ahead log into the database and empties the log, so that no older
   * copy of a page with deleted keys stays in it.
   *
   * @throws RootwardError `busy` while another process reads; the caller tries again later
   */
  async truncateLog(): Promise<void> {
    const empty = (): void => {
      const result = this.#connected().sql("PRAGMA wal_checkpoint(TRUNCATE)").get();
      if (result?.["busy"] !== 0) throw new LogInUse();
    };
    try {
      await patiently(empty, EMPTY_WAIT_MS);
    } catch (error) {
      if (error instanceof LogInUse) {
        throw new RootwardError(
          "busy",
          "another process is reading the database: its log is in use",
        );
      }
      throw storageError(error) ?? error;
    }
  }

  get state(): DatabaseState {
    return this.#state;
  }

  /** The reader first, so that the writer, as the last one, takes the log away. */
  close(): void {
    this.#reader?.raw.close();
    this.#writer?.raw.close();
    this.#reader = this.#writer = null;
  }

  /** A transaction that could not be rolled back would take every later write into it, and lose them. */
  #dropUnfinished(): void {
    const writer = this.#writer;
    if (writer?.raw.isTransaction !== true) return;
    this.#writer = null;
    writer.raw.close();
  }

  #connected(): Connection {
    if (this.#writer === null) this.#connect();
    if (this.#writer === null) throw new RootwardError("internal", `${this.#file} is closed`);
    return this.#writer;
  }

  #connect(): void {
    const now = performance.now();
    if (now < this.#notBefore && !this.#state.writable) {
      throw new RootwardError("storage-unavailable", this.#state.reason);
    }
    const writer = connection(new DatabaseSync(this.#file, { timeout: 0 }));
    try {
      this.#prepare(writer.raw);
      const reader = connection(new DatabaseSync(this.#file, { readOnly: true, timeout: 0 }));
      this.#reader?.raw.close();
      this.#reader = reader;
      this.#writer = writer;
    } catch (error) {
      writer.raw.close();
      this.#notBefore = now + REOPEN_MS;
      throw error;
    }
  }

  /** @returns whether there is a whole database that can be read without writing anything */
  #readOnly(readable: (sql: Sql) => boolean): boolean {
    for (const target of readOnlyTargets(this.#file)) {
      try {
        const reader = connection(new DatabaseSync(target, { readOnly: true, timeout: 0 }));
        this.#reader = reader;
        if (readable(reader.sql)) return true;
        reader.raw.close();
      } catch {
        this.#reader?.raw.close();
      }
      this.#reader = null;
    }
    return false;
  }

  #failed(told: RootwardError): RootwardError {
    this.#state = { writable: false, reason: told.message };
    return told;
  }
}

/** Runs `work` and commits, or rolls back what it did. */
export function inTransaction<T>(raw: DatabaseSync, work: () => T): T {
  raw.exec("BEGIN IMMEDIATE");
  try {
    const done = work();
    raw.exec("COMMIT");
    return done;
  } catch (error) {
    // SQLite has rolled back already where the disk was full.
    if (raw.isTransaction) raw.exec("ROLLBACK");
    throw error;
  }
}

/**
 * The file, and the file as one that cannot change. The second needs no index of the log beside it,
 * which cannot be made on a full disk. It would not see what is in a log, so there must be none.
 */
function readOnlyTargets(file: string): readonly (string | URL)[] {
  const logged = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (logged > 0) return [file];
  const unchanging = pathToFileURL(file);
  unchanging.searchParams.set("immutable", "1");
  return [file, unchanging];
}

function connection(raw: DatabaseSync): Connection {
  const statements = new Map<string, StatementSync>();
  return {
    raw,
    sql: (text) => {
      const known = statements.get(text);
      if (known !== undefined) return known;
      const prepared = raw.prepare(text);
      statements.set(text, prepared);
      return prepared;
    },
  };
}

/** Repeats `work` while another program holds a lock; other work of this process goes on meanwhile. */
async function patiently<T>(work: () => T, wait: number): Promise<T> {
  const until = performance.now() + wait;
  for (let tries = 0; ; tries += 1) {
    try {
      return work();
    } catch (error) {
      if (!isLocked(error) || performance.now() >= until) throw error;
    }
    const pause = PAUSES[Math.min(tries, PAUSES.length - 1)];
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
}
