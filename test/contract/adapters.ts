/** The adapters of this machine: memory, and SQLite with files in a folder of its own. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteClockRecords } from "../../lib/adapters/embedded/clock-record.ts";
import { MemoryClockRecords } from "../../lib/adapters/memory/clock-record.ts";
import { FileArchives } from "../../lib/adapters/embedded/archives.ts";
import type { Database } from "../../lib/adapters/embedded/connections.ts";
import { openDatabase } from "../../lib/adapters/embedded/database.ts";
import { Outbox } from "../../lib/adapters/embedded/outbox.ts";
import { FileShares } from "../../lib/adapters/embedded/shares.ts";
import { SIGNER_SCHEMA, SqliteSignerRecords } from "../../lib/adapters/embedded/signer-records.ts";
import {
  SqliteDocuments,
  SqliteHeads,
  SqliteRequests,
  SqliteTokens,
  STORE_SCHEMA,
} from "../../lib/adapters/embedded/store.ts";
import { QueuedTurns } from "../../lib/adapters/embedded/turns.ts";
import { Faults } from "../../lib/adapters/memory/faults.ts";
import { MemoryState } from "../../lib/adapters/memory/state.ts";
import type { ClockRecords } from "../../lib/service/ports.ts";
import type { JsonObject } from "../../lib/tuf/json.ts";
import { memoryStores } from "../support/memory-service.ts";
import type { Stores } from "../support/service-on.ts";

/** NewInstance, empty stores. */
export interface Opened extends Stores {
  readonly clock: ClockRecords;
  /** What a presigned URL yields at `now`; null for nothing. */
  openArchive(url: string, now: number): Promise<Uint8Array | null>;
  /** The mails, as text, as a reader has them who drops those that come again. */
  mails(): readonly string[];
  /** Whether a mail can be taken back until somebody fetches it. */
  readonly withdraws: boolean;
  /** What programs were told, without what came again; null where no program can listen. */
  announced(): readonly JsonObject[] | null;
  /** The content of everything that the stores keep on a medium of this machine. */
  medium(): readonly Uint8Array[];
  /** Throws if the adapter saw a broken invariant. */
  assertInvariants(): void;
  /** What a process finds that is started on the same stores; it ends with them. */
  restarted(): Stores | Promise<Stores>;
  remove(): void | Promise<void>;
}

export interface Adapter {
  readonly name: string;
  open(): Opened | Promise<Opened>;
  /** After the last test of a file. */
  stop?(): Promise<void>;
}

/** So short that a test can wait for the end of a turn. */
const SHORT_TURNS = { longest: 300, perHolder: 100, inAll: 1000 };

const memory: Adapter = {
  name: "memory",
  open: () => {
    const state = new MemoryState();
    const stores = memoryStores(state, new Faults());
    return {
      ...stores,
      turns: new QueuedTurns(SHORT_TURNS),
      clock: new MemoryClockRecords(state),
      openArchive: (url, now) => stores.archives.open(url, now),
      mails: () =>
        [...state.outbox.values()].map(({ to, subject, body }) => mail(to, subject, body)),
      withdraws: true,
      announced: () => [...state.announced.values()],
      medium: () => [],
      assertInvariants: () => state.invariants.assertInvariants(),
      restarted: () => memoryStores(state, new Faults()),
      remove: () => undefined,
    };
  },
};

function mail(to: string, subject: string, body: string): string {
  return [`To: ${to}`, `Subject: ${subject}`, "", body, ""].join("\n");
}

const embedded: Adapter = {
  name: "embedded",
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "rootward-contract-"));
    const [data, outbox] = [join(folder, "data"), join(folder, "outbox")];
    mkdirSync(data);
    const databases: Database[] = [];
    const start = async (): Promise<Database> => {
      const schema = STORE_SCHEMA + SIGNER_SCHEMA;
      const database = await openDatabase(join(data, "rootward.db"), { schema });
      databases.push(database);
      return database;
    };
    const database = await start();
    const stores = embeddedStores(database, data, outbox);
    const { archives } = stores;
    return {
      ...stores,
      turns: new QueuedTurns(SHORT_TURNS),
      clock: new SqliteClockRecords(database),
      openArchive: async (url, now) => {
        const { pathname, searchParams } = new URL(url);
        const [id = ""] = pathname.split("/").slice(-1);
        const [until = "", mac = ""] = [searchParams.get("until"), searchParams.get("mac")].map(
          (text) => text ?? "",
        );
        const object = await archives.open(id, until, mac, now);
        return object === null ? null : Uint8Array.from(object);
      },
      mails: () => filesIn(outbox).map((bytes) => text(bytes).replaceAll("\r\n", "\n")),
      withdraws: true,
      announced: () => null,
      medium: () => filesIn(data),
      assertInvariants: () => undefined,
      restarted: async () => embeddedStores(await start(), data, outbox),
      remove: () => {
        for (const one of databases) one.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

function embeddedStores(database: Database, data: string, outbox: string) {
  return {
    heads: new SqliteHeads(database),
    documents: new SqliteDocuments(database),
    shares: new FileShares(join(data, "shares")),
    archives: new FileArchives(join(data, "archives"), () => "http://127.0.0.1:1"),
    tokens: new SqliteTokens(database),
    requests: new SqliteRequests(database),
    turns: new QueuedTurns(),
    notifier: new Outbox(outbox),
    records: new SqliteSignerRecords(database),
  };
}

function filesIn(folder: string): readonly Uint8Array[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => new Uint8Array(readFileSync(join(entry.parentPath, entry.name))));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export const LOCAL_ADAPTERS: readonly Adapter[] = [memory, embedded];

export function random(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

export function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part));
}
