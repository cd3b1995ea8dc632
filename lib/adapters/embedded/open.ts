/**
 * Composes the embedded form from a data folder: SQLite, files, keys sealed under a master key, an
 * outbox. On first start it makes the folder, the master key and a token of all scopes.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { makeSigningKey } from "../../crypto/signing-key.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { DEFAULT_REFRESH } from "../../factory/schedule.ts";
import type { Ports } from "../../service/ports.ts";
import { ADMIN_SCOPES } from "../../service/scopes.ts";
import { Boundary } from "../../signing/boundary.ts";
import { sha256Text, toBase64Url } from "../../tuf/bytes.ts";
import { FileArchives } from "./archives.ts";
import { openDatabase } from "./database.ts";
import { createFileOnce, loadMasterKey, MasterKeyWrapper } from "./key-wrapper.ts";
import { Outbox } from "./outbox.ts";
import { SqliteSignerRecords } from "./signer-records.ts";
import {
  SqliteDocuments,
  SqliteHeads,
  SqliteRequests,
  SqliteShares,
  SqliteTokens,
} from "./store.ts";

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
  const wrapper = new MasterKeyWrapper(await loadMasterKey(options.masterKeyFile));
  const database = openDatabase(join(dataFolder, "rootward.db"));
  const ports: Embedded["ports"] = {
    heads: new SqliteHeads(database),
    documents: new SqliteDocuments(database),
    shares: new SqliteShares(database),
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
  await ensureAdminToken(ports, adminTokenFile);
  return { ports, adminTokenFile, close: () => database.close() };
}

/** The file is the secret; the database knows its hash only, so a new file is a new token. */
async function ensureAdminToken({ tokens }: Ports, file: string): Promise<void> {
  await createFileOnce(file, `rw_${toBase64Url(randomBytes(32))}\n`);
  const hash = sha256Text((await readFile(file, "utf8")).trim());
  await tokens.put({
    hash,
    id: `admin-${hash.slice(0, 8)}`,
    user: "admin",
    scopes: ADMIN_SCOPES,
    bound: null,
    expiresAt: null,
  });
}
