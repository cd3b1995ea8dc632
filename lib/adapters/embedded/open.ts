/**
 * Composes the embedded form of the service from a data folder, SQLite and files, with an outbox and
 * a signer. On first start it makes the folder and a token of all scopes.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSigningKey } from "../../crypto/signing-key.ts";
import { recipientOf } from "../../crypto/envelope.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { isRootwardError, RootwardError } from "../../error.ts";
import type { FactoryName } from "../../state/names.ts";
import { makeFolder, removeTemporaries } from "../../files.ts";
import type { Clock, Ports } from "../../service/ports.ts";
import { ADMIN_SCOPES } from "../../state/scopes.ts";
import { KeyLane } from "../../signing/key-lane.ts";
import type { Signer } from "../../signing/operations.ts";
import { fromHex, sha256Text, toBase64Url, toHex } from "../../tuf/bytes.ts";
import type { KeyType } from "../../tuf/keys.ts";
import { SteadyClock } from "../steady-clock.ts";
import { FileArchives } from "./archives.ts";
import { machineUptime, SqliteClockRecords } from "./clock-record.ts";
import type { Database, DatabaseState } from "./connections.ts";
import { openDatabase, readFact, readLinksFrom, writeFact } from "./database.ts";
import { createFileOnce } from "./key-wrapper.ts";
import { Outbox } from "./outbox.ts";
import { FileShares } from "./shares.ts";
import {
  SqliteDocuments,
  SqliteHeads,
  SqliteRequests,
  SqliteTokens,
  STORE_SCHEMA,
  upgradeStore,
} from "./store.ts";
import { QueuedTurns } from "./turns.ts";

export interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly outboxFolder: string;
  readonly signer: Signer;
  /** Where the HTTP server answers; called only once it listens. */
  readonly publicUrl: () => string;
  readonly report: Ports["report"];
  /** A line for the operator; never with a secret. */
  readonly log?: (line: string) => void;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
  /** Milliseconds since the machine started; the system's unless given. */
  readonly uptime?: () => number;
}

export interface Embedded {
  readonly ports: Ports & { readonly archives: FileArchives };
  /** Links of before yield nothing, since a backup was put in place. Milliseconds since 1970. */
  readonly linksFrom: number;
  /** Whether the database takes writes: writes and commits one row. */
  databaseState(): Promise<DatabaseState>;
  close(): void;
}

/**
 * Makes what is not there yet of a data folder. It needs more rights to the folder than the service,
 * which it runs before.
 */
export async function prepareData(
  dataFolder: string,
): Promise<{ readonly adminTokenFile: string }> {
  makeFolder(dataFolder);
  removeTemporaries(dataFolder);
  const file = adminTokenFile(dataFolder);
  await createFileOnce(file, `rw_${toBase64Url(randomBytes(32))}\n`);
  return { adminTokenFile: file };
}

/**
 * @param options of a folder that {@link prepareData} has seen
 * @throws RootwardError `usage` where the data are of another signer
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataFolder, log } = options;
  const database = await openDatabase(join(dataFolder, "rootward.db"), {
    schema: STORE_SCHEMA,
    upgrade: upgradeStore,
    ...(log && { report: log }),
  });
  try {
    await checkSigner(database, options.signer);
    const { now = Date.now, uptime = machineUptime, report } = options;
    const store = new SqliteClockRecords(database);
    const clock = new SteadyClock({ now, uptime, store, report }, await store.read());
    const ports = portsOn(database, clock, options);
    await trustAdminToken(database, ports, adminTokenFile(dataFolder));
    const linksFrom = await database.read(readLinksFrom);
    return {
      ports,
      linksFrom,
      databaseState: () => probe(database),
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function portsOn(database: Database, clock: Clock, options: EmbeddedOptions): Embedded["ports"] {
  const { dataFolder, report, signer } = options;
  const shares = new FileShares(join(dataFolder, "shares"));
  const tokens = new SqliteTokens(database);
  return {
    heads: new SqliteHeads(database),
    documents: new SqliteDocuments(database),
    shares,
    claims: shares,
    tokens,
    attempts: tokens,
    requests: new SqliteRequests(database),
    turns: new QueuedTurns(),
    archives: new FileArchives(join(dataFolder, "archives"), options.publicUrl),
    wrapper: signer.wrapper,
    boundary: signer.boundary,
    notifier: new Outbox(options.outboxFolder),
    makeRootKey: rootKeysInTurn(),
    readRecipient: recipientOf,
    verify: verifySignature,
    now: () => clock.now(),
    clock,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    report,
  };
}

/**
 * An RSA key takes seconds on a thread that files need, too: bootstraps make one at a time, and a pipeline
 * that sends very many of them is asked to come again.
 */
function rootKeysInTurn(): Ports["makeRootKey"] {
  const lane = new KeyLane({ atOnce: 1, perFactory: 2, waiting: 32, waitAtMost: 60_000 });
  return (type: KeyType, factory: FactoryName) =>
    type === "ed25519" ? makeSigningKey(type) : lane.run(factory, () => makeSigningKey(type));
}

function adminTokenFile(dataFolder: string): string {
  return join(dataFolder, "admin.token");
}

/** The keys of what is here are with one signer; another one could only make new Factories. */
async function checkSigner(database: Database, { id }: Signer): Promise<void> {
  const known = await database.read((sql) => readFact(sql, "signer"));
  if (known === null) {
    return database.write((sql) => writeFact(sql, "signer", fromHex(id) ?? new Uint8Array()));
  }
  if (toHex(known) === id) return undefined;
  throw new RootwardError(
    "usage",
    "this signer is not the one that this data folder was made with: nothing was changed",
  );
}

/**
 * The file is the secret; the database knows the hash of one admin token, that of the file. Where it
 * knows this one, nothing is written.
 */
async function trustAdminToken(database: Database, { tokens }: Ports, file: string): Promise<void> {
  const hash = sha256Text((await readFile(file, "utf8")).trim());
  const fact = await database.read((sql) => readFact(sql, "admin token"));
  const before = fact && new TextDecoder().decode(fact);
  if (before === hash && (await tokens.find(hash)) !== null) return;
  if (before !== null && before !== hash) {
    await database.write((sql) => sql("DELETE FROM tokens WHERE hash = ?").run(before));
  }
  await tokens.put({
    hash,
    id: `admin-${hash.slice(0, 8)}`,
    user: "admin",
    scopes: ADMIN_SCOPES,
    bound: null,
    expiresAt: null,
  });
  await database.write((sql) => writeFact(sql, "admin token", new TextEncoder().encode(hash)));
}

/** How long the question for the database's state waits for another program's lock. */
const PROBE_WAIT_MS = 1_000;

async function probe(database: Database): Promise<DatabaseState> {
  const time = new TextEncoder().encode(`${Date.now()}`);
  try {
    await database.write((sql) => writeFact(sql, "last probe", time), PROBE_WAIT_MS);
  } catch (error) {
    if (!isRootwardError(error)) throw error;
  }
  return database.state;
}
