/**
 * Puts a database of a backup in the place of the one that is there. One rename does it, so a crash
 * leaves the old one or the new one. The old one is kept aside; a log that belongs to it would be
 * applied to the new one, so it goes aside before the rename.
 */
import { existsSync, linkSync, mkdirSync, renameSync } from "node:fs";
import { copyFile, chmod, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { removeFile, syncFile, syncFolder } from "../../files.ts";
import { isOpenLink, decodeHead, type Head } from "../../factory/head.ts";
import { DEFAULT_REFRESH } from "../../factory/schedule.ts";
import { FileArchives } from "./archives.ts";
import { textColumn, writeLinksFrom } from "./database.ts";
import { FILE_OF, type Part } from "./backup-files.ts";
import { FileShares } from "./shares.ts";

/** What the folder with the databases of before a restore begins with; its time follows. */
export const BEFORE_RESTORE = "before-restore-";

/**
 * @param from the folder of the backup
 * @param to the data folder, or the signer's; no process runs on it
 * @param time of the restore, for the name of the folder; milliseconds since 1970
 * @returns where the old files are kept
 */
export async function putInPlace(
  part: Part,
  from: string,
  to: string,
  time: number,
): Promise<string> {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const file = join(to, FILE_OF[part]);
  const next = `${file}.restore.tmp`;
  for (const end of ["", "-wal", "-shm", "-journal"]) await removeFile(`${next}${end}`);
  await copyFile(join(from, FILE_OF[part]), next);
  await chmod(next, 0o600);
  if (part === "service") voidLinks(next);
  await syncFile(next);
  const aside = join(to, `${BEFORE_RESTORE}${new Date(time).toISOString().replaceAll(":", "-")}`);
  setAside(file, aside, FILE_OF[part]);
  await rename(next, file);
  await syncFolder(to);
  await syncFolder(dirname(to));
  return aside;
}

/**
 * Before the database is in place, so that no start ever sees it without. By when its own links were made,
 * and not by the clock: one that is ahead would refuse every new link until then, one that is behind none.
 */
function voidLinks(file: string): void {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    const times = headsOf(database).filter(isOpenLink).map(madeOrClaimed);
    if (times.length === 0) return;
    writeLinksFrom((text) => database.prepare(text), Math.max(...times) + 1);
  } finally {
    database.close();
  }
}

/** As claimDelivery asks. */
function madeOrClaimed({ delivery }: Head): number {
  if (delivery.state === "claimed") return delivery.claimedAt;
  return delivery.state === "ready" ? delivery.expiresAt - DEFAULT_REFRESH.linkLifetime : 0;
}

function setAside(file: string, aside: string, name: string): void {
  if (!existsSync(file)) return;
  mkdirSync(aside, { recursive: true, mode: 0o700 });
  try {
    // Moves what its log holds into it; a database that is damaged keeps its log beside it.
    const before = new DatabaseSync(file, { timeout: 0 });
    before.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    before.close();
  } catch {
    // It is kept as it is.
  }
  linkSync(file, join(aside, name));
  for (const end of ["-wal", "-shm"]) {
    if (existsSync(`${file}${end}`)) renameSync(`${file}${end}`, join(aside, `${name}${end}`));
  }
}

/** All heads of a service's database that no process uses. */
export function headsIn(dataFolder: string): readonly Head[] {
  const database = new DatabaseSync(join(dataFolder, FILE_OF.service), { timeout: 0 });
  try {
    return headsOf(database);
  } finally {
    database.close();
  }
}

/** All heads. */
export function headsOf(database: DatabaseSync): readonly Head[] {
  return database
    .prepare("SELECT body FROM heads ORDER BY factory")
    .all()
    .map((row) => decodeHead(textColumn(row, "body")));
}

/** Destroys what links that were open in `heads` could still yield. @returns their Factories */
export async function destroyOpen(
  dataFolder: string,
  heads: readonly Head[],
): Promise<readonly string[]> {
  const shares = new FileShares(join(dataFolder, "shares"));
  const archives = new FileArchives(join(dataFolder, "archives"), () => "");
  const open = heads.filter(isOpenLink);
  for (const { delivery } of open) {
    await shares.destroy(delivery.idHash);
    await archives.delete(delivery.idHash);
  }
  return open.map(({ factory }) => factory);
}
