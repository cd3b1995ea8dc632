/**
 * The signer's records for a command of its operator, while no signer uses them. A lock on a file in
 * the signer's folder tells the two apart: a running signer holds it for as long as it runs. The
 * master key is not needed, since such a command signs nothing.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RootwardError } from "../../error.ts";
import { lockFile, type FileLock } from "../../file-lock.ts";
import type { KnownRoots } from "../../service/ports.ts";
import { RootTrust } from "../../signing/root-trust.ts";
import type { Database } from "./connections.ts";
import { openDatabase } from "./database.ts";
import { SIGNER_SCHEMA, SqliteSignerRecords, upgradeSigner } from "./signer-records.ts";

/** @throws RootwardError `usage` where a signer, or another such command, uses the folder */
function lockStopped(folder: string): FileLock {
  let lock: FileLock | null;
  try {
    lock = lockFile(join(folder, "signer.lock"));
  } catch {
    throw new RootwardError("usage", `${folder}: cannot lock signer.lock there`);
  }
  if (lock !== null) return lock;
  throw new RootwardError(
    "usage",
    `${folder}: a signer is running on these records; stop it, and the service with it`,
  );
}

/**
 * Runs `work` on the signer's records. Its writes survive a crash once they are answered.
 *
 * @throws RootwardError `usage` where there are no records, or a signer runs on them
 */
export async function withStoppedSigner<T>(
  folder: string,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const file = join(folder, "signer.db");
  if (!existsSync(file)) {
    throw new RootwardError(
      "usage",
      `${folder}: no signer's records are there (name their folder with --signer-data)`,
    );
  }
  const lock = lockStopped(folder);
  try {
    return await onRecords(file, work);
  } finally {
    lock.release();
  }
}

/** Compares with the signer's records in `folder`, whose lock the caller holds. */
export async function withKnownRoots<T>(
  folder: string,
  work: (known: KnownRoots) => Promise<T>,
): Promise<T> {
  return onRecords(join(folder, "signer.db"), async (database) => {
    const records = new SqliteSignerRecords(database);
    const trust = new RootTrust(records);
    return work({
      trustedRoot: (ref) => trust.mark(ref),
      expectedRoots: (ref) => trust.expected(ref),
      heldKeys: async (ref) => (await records.keys(ref)).map(({ keyid }) => keyid),
    });
  });
}

async function onRecords<T>(file: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(file, { schema: SIGNER_SCHEMA, upgrade: upgradeSigner });
  try {
    return await work(database);
  } finally {
    database.close();
  }
}
