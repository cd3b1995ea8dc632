/**
 * Composes the embedded form from a data folder: SQLite, files, keys sealed under a master key, an
 * outbox. On first start it makes the folder, the master key and a token of all scopes.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { makeSigningKey } from "../../crypto/signing-key.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { RootwardError } from "../../error.ts";
import { removeTemporaries } from "../../files.ts";
import { DEFAULT_REFRESH } from "../../factory/schedule.ts";
import type { Ports } from "../../service/ports.ts";
import { ADMIN_SCOPES } from "../../service/scopes.ts";
import { Boundary } from "../../signing/boundary.ts";
import { sha256Text, toBase64Url } from "../../tuf/bytes.ts";
import { FileArchives } from "./archives.ts";
import { openDatabase, readFact, writeFact } from "./database.ts";
import { createFileOnce, loadMasterKey, MasterKeyWrapper } from "./key-wrapper.ts";
import { Outbox } from "./outbox.ts";
import { FileShares } from "./shares.ts";
import { SqliteSignerRecords } from "./signer-records.ts";
import { SqliteDocuments, SqliteHeads, SqliteRequests, SqliteTokens } from "./store.ts";

export interface EmbeddedOptions {
  readonly dataFolder: string;
  readonly outboxFolder: string;
  readonly masterKeyFile: string;
  /** Where the HTTP server answers; called only once it listens. */
  readonly publicUrl: () => string;
  readonly report: Ports["report"];
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
}

export interface Embedded {
  readonly ports: Ports & { readonly archives: FileArchives };
  readonly adminTokenFile: string;
  close(): void;
}

/** @throws RootwardError `usage` where the folder or the master key cannot be used */
export async function openEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataFolder, report, now = Date.now } = options;
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  removeTemporaries(dataFolder);
  const databaseFile = join(dataFolder, "rootward.db");
  const wrapper = new MasterKeyWrapper(
    await loadMasterKey(options.masterKeyFile, !existsSync(databaseFile)),
  );
  const database = openDatabase(databaseFile);
  await checkMasterKey(database, wrapper);
  const ports: Embedded["ports"] = {
    heads: new SqliteHeads(database),
    documents: new SqliteDocuments(database),
    shares: new FileShares(join(dataFolder, "shares")),
    tokens: new SqliteTokens(database),
    requests: new SqliteRequests(database),
    archives: new FileArchives(join(dataFolder, "archives"), options.publicUrl),
    wrapper,
    boundary: new Boundary({
      records: new SqliteSignerRecords(database),
      wrapper,
      policy: DEFAULT_REFRESH,
      now,
    }),
    notifier: new Outbox(options.outboxFolder),
    makeRootKey: makeSigningKey,
    verify: verifySignature,
    now,
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    report,
  };
  const adminTokenFile = join(dataFolder, "admin.token");
  await ensureAdminToken(database, ports, adminTokenFile);
  return { ports, adminTokenFile, close: () => database.close() };
}

const MASTER_CHECK = { purpose: "master key check" };

/**
 * Another master key than the one that sealed what is here would make new Factories under it, and
 * let the deliveries of the old ones end unread.
 */
async function checkMasterKey(database: DatabaseSync, wrapper: MasterKeyWrapper): Promise<void> {
  const known = readFact(database, "master key check");
  if (known === null) {
    const check = await wrapper.wrap(new Uint8Array(1), MASTER_CHECK);
    return writeFact(database, "master key check", check);
  }
  try {
    await wrapper.unwrap(known, MASTER_CHECK);
  } catch {
    database.close();
    throw new RootwardError(
      "usage",
      "this master key is not the one that this data folder was made with: nothing was changed",
    );
  }
  return undefined;
}

/** The file is the secret; the database knows the hash of one admin token, that of the file. */
async function ensureAdminToken(
  database: DatabaseSync,
  { tokens }: Ports,
  file: string,
): Promise<void> {
  await createFileOnce(file, `rw_${toBase64Url(randomBytes(32))}\n`);
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
