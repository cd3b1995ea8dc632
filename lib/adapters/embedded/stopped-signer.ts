/**
 * The signer's records for a command of its operator, while no signer uses them. A lock on a file in
 * the signer's folder tells the two apart: a running signer holds it for as long as it runs. The
 * master key is not needed, since such a command signs nothing.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RootwardError } from "../../error.ts";
import { lockFile, type FileLock } from "../../file-lock.ts";
import type { Database } from "./connections.ts";
import { openDatabase } from "./database.ts";
import { SIGNER_SCHEMA, upgradeSigner } from "./signer-records.ts";

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
 * Runs `work` on the signer's records. What it writes outlives a crash once it is answered.
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
    const options = { schema: SIGNER_SCHEMA, upgrade: upgradeSigner };
    const database = await openDatabase(file, options);
    try {
      return await work(database);
    } finally {
      database.close();
    }
  } finally {
    lock.release();
  }
}
