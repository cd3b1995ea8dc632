/**
 * Composes the embedded form of the service from a data folder, SQLite and files, with an outbox and
 * a signer. On first start it makes the folder and a token of all scopes.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { makeSigningKey } from "../../crypto/signing-key.ts";
import { recipientOf } from "../../crypto/envelope.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { RootwardError } from "../../error.ts";
import { removeTemporaries } from "../../files.ts";
import type { Ports } from "../../service/ports.ts";
import { ADMIN_SCOPES } from "../../service/scopes.ts";
import type { Signer } from "../../signing/operations.ts";
import { fromHex, sha256Text, toBase64Url, toHex } from "../../tuf/bytes.ts";
import { SteadyClock } from "../steady-clock.ts";
import { FileArchives } from "./archives.ts";
import { machineUptime, SqliteClockRecords } from "./clock-record.ts";
import { openDatabase, readFact, writeFact } from "./database.ts";
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

export interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly outboxFolder: string;
  readonly signer: Signer;
  /** Where the HTTP server answers; called only once it listens. */
  readonly publicUrl: () => string;
  readonly report: Ports["report"];
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
  /** Milliseconds since the machine started; the system's unless given. */
  readonly uptime?: () => number;
}

export interface Embedded {
  readonly ports: Ports & { readonly archives: FileArchives };
  close(): void;
}

/**
 * Makes what is not there yet of a data folder. It needs more rights to the folder than the service,
 * which it runs before.
 */
export async function prepareData(
  dataFolder: string,
): Promise<{ readonly adminTokenFile: string }> {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
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
  const { dataFolder, report, signer, now = Date.now, uptime = machineUptime } = options;
  const database = openDatabase(join(dataFolder, "rootward.db"), STORE_SCHEMA, upgradeStore);
  checkSigner(database, signer);
  const store = new SqliteClockRecords(database);
  const clock = new SteadyClock({ now, uptime, store, report }, store.readNow());
  const ports: Embedded["ports"] = {
    heads: new SqliteHeads(database),
    documents: new SqliteDocuments(database),
    shares: new FileShares(join(dataFolder, "shares")),
    tokens: new SqliteTokens(database),
    requests: new SqliteRequests(database),
    archives: new FileArchives(join(dataFolder, "archives"), options.publicUrl),
    wrapper: signer.wrapper,
    boundary: signer.boundary,
    notifier: new Outbox(options.outboxFolder),
    makeRootKey: makeSigningKey,
    readRecipient: recipientOf,
    verify: verifySignature,
    now: () => clock.now(),
    clock,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    report,
  };
  await trustAdminToken(database, ports, adminTokenFile(dataFolder));
  return { ports, close: () => database.close() };
}

function adminTokenFile(dataFolder: string): string {
  return join(dataFolder, "admin.token");
}

/** The keys of what is here are with one signer; another one could only make new Factories. */
function checkSigner(database: DatabaseSync, { id }: Signer): void {
  const known = readFact(database, "signer");
  if (known === null) return writeFact(database, "signer", fromHex(id) ?? new Uint8Array());
  if (toHex(known) === id) return undefined;
  database.close();
  throw new RootwardError(
    "usage",
    "this signer is not the one that this data folder was made with: nothing was changed",
  );
}

/** The file is the secret; the database knows the hash of one admin token, that of the file. */
async function trustAdminToken(
  database: DatabaseSync,
  { tokens }: Ports,
  file: string,
): Promise<void> {
  const hash = sha256Text((await readFile(file, "utf8")).trim());
  const before = readFact(database, "admin token");
  if (before !== null && new TextDecoder().decode(before) !== hash) {
    database.prepare("DELETE FROM tokens WHERE hash = ?").run(new TextDecoder().decode(before));
  }
  await tokens.put({
    hash,
    id: `admin-${hash.slice(0, 8)}`,
    user: "admin",
    scopes: ADMIN_SCOPES,
    bound: null,
    expiresAt: null,
  });
  writeFact(database, "admin token", new TextEncoder().encode(hash));
}
