/**
 * Puts the databases of a backup in the place of those that are there. Everything that can fail is done
 * before, for all of them: then one rename each does it. So a crash at any moment leaves an old or a new
 * one under each name, and the command can be run again. One that was cut off between the two renames has
 * the service's only, as if it had been restored alone.
 *
 * An old one is copied aside, and not moved or linked: a moment without a database would make the next
 * start begin an empty one, and not every file system has hard links. SQLite would apply a log that
 * belongs to the old one to the new one, so what is in it is moved into the old one before.
 */
import { constants, existsSync, readdirSync, rmdirSync } from "node:fs";
import { chmod, copyFile, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RootwardError } from "../../error.ts";
import { makeFolder, removeFile, syncFile, syncFolder } from "../../files.ts";
import { isOpenLink, decodeHead, type Head } from "../../state/head.ts";
import { DEFAULT_REFRESH } from "../../state/schedule.ts";
import { FileArchives } from "./archives.ts";
import { textColumn, writeLinksFrom } from "./database.ts";
import { BESIDE, FILE_OF, PARTS, type Part } from "./backup-files.ts";
import { FileShares } from "./shares.ts";
import { isDamaged, stored } from "./sqlite-errors.ts";

/** A database that is to be put in place. */
interface Place {
  readonly file: string;
  /** The complete file that takes its place, in the same folder. */
  readonly next: string;
  /** The folder in which the old one is kept. */
  readonly aside: string;
}

/** The prefix of the folder with the databases of before a restore; its time follows. */
export const BEFORE_RESTORE = "before-restore-";

/**
 * @param from the folder of the backup
 * @param folders the data folder, the signer's, or both; no process runs on them
 * @param time of the restore, for the names of the folders; milliseconds since 1970
 * @returns where the old files are kept
 * @throws RootwardError `storage-unavailable`; then everything is as it was, unless the disk failed
 *   at the renames themselves
 */
export async function putInPlace(
  from: string,
  folders: ReadonlyMap<Part, string>,
  time: number,
): Promise<ReadonlyMap<Part, string>> {
  const name = `${BEFORE_RESTORE}${new Date(time).toISOString().replaceAll(":", "-")}`;
  const places = new Map<Part, Place>();
  for (const part of PARTS) {
    const folder = folders.get(part);
    if (folder === undefined) continue;
    const file = join(folder, FILE_OF[part]);
    places.set(part, { file, next: `${file}.restore.tmp`, aside: join(folder, name) });
  }
  try {
    for (const [part, place] of places) await stored(prepare(part, from, place));
  } catch (error) {
    for (const place of places.values()) await abandon(place);
    throw error;
  }
  for (const place of places.values()) await stored(commit(place));
  return new Map([...places].map(([part, { aside }]) => [part, aside]));
}

async function prepare(part: Part, from: string, { file, next, aside }: Place): Promise<void> {
  makeFolder(dirname(file));
  await copySynced(join(from, FILE_OF[part]), next);
  if (part === "service") voidLinks(next);
  await syncFile(next);
  if (existsSync(file)) emptyLog(file);
  await keepAside(file, aside);
}

async function commit({ file, next }: Place): Promise<void> {
  // A damaged database may have a log that could not be emptied: it was copied.
  for (const end of BESIDE) await removeFile(`${file}${end}`);
  await rename(next, file);
  await syncFolder(dirname(file));
  await syncFolder(dirname(dirname(file)));
}

/** Removes what {@link prepare} made. */
async function abandon({ file, next, aside }: Place): Promise<void> {
  if (!existsSync(dirname(file))) return;
  await removeFile(next);
  for (const one of withBeside(file)) await removeFile(`${one}.aside.tmp`);
  if (!existsSync(aside)) return;
  for (const one of withBeside(file)) await removeFile(join(aside, basename(one)));
  // The other database's may be in it.
  if (readdirSync(aside).length === 0) rmdirSync(aside);
}

function withBeside(file: string): readonly string[] {
  return [file, ...BESIDE.map((end) => `${file}${end}`)];
}

/** Mode 0600, and on the disk; one that was cut off is replaced. */
async function copySynced(from: string, to: string): Promise<void> {
  await removeFile(to);
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  await chmod(to, 0o600);
  await syncFile(to);
}

/**
 * Before the database is in place, so that no start ever sees it without. By when its own links were made,
 * and not by the clock: one that is ahead would refuse every new link until then, one that is behind none.
 */
function voidLinks(file: string): void {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    // No other program sees this file yet, and a crash would leave a journal beside it.
    database.exec("PRAGMA journal_mode = MEMORY");
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

/**
 * Moves what the log holds into the database, and removes the log; a damaged database keeps it.
 *
 * @throws RootwardError `storage-unavailable` while another program has the database open
 */
function emptyLog(file: string): void {
  const before = new DatabaseSync(file, { timeout: 0 });
  try {
    const { busy } = before.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() ?? {};
    if (busy === 1) throw inUse(file);
  } catch (error) {
    if (isDamaged(error)) return;
    throw error;
  } finally {
    before.close();
  }
  // SQLite removes the log with the last connection to the file.
  if (existsSync(`${file}-wal`)) throw inUse(file);
}

function inUse(file: string): RootwardError {
  return new RootwardError(
    "storage-unavailable",
    `another program has ${file} open: close it first. Nothing was changed`,
  );
}

async function keepAside(file: string, aside: string): Promise<void> {
  const there = withBeside(file).filter((one) => existsSync(one));
  if (there.length === 0) return;
  makeFolder(aside);
  for (const one of there) {
    // Not in the folder that is kept: what a crash leaves of it is removed by the next start.
    await copySynced(one, `${one}.aside.tmp`);
    await rename(`${one}.aside.tmp`, join(aside, basename(one)));
  }
  await syncFolder(aside);
  await syncFolder(dirname(aside));
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
