/**
 * A backup of the embedded form: consistent copies of its databases, and a manifest with their hashes.
 * The manifest is written last, so a folder without one is no backup. Never in it: shares, archives
 * and the master key.
 */
import { createReadStream, readdirSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { chmod, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import * as v from "valibot";
import { RootwardError } from "../../error.ts";
import { errorCode, makeFolder, replaceFile, syncFile, syncFolder } from "../../files.ts";
import { isSha256, toHex, type Sha256 } from "../../tuf/bytes.ts";
import { blobColumn, SCHEMA_VERSION } from "./database.ts";
import { stored } from "./sqlite-errors.ts";

/** The service's database, and the signer's. */
export type Part = "service" | "signer";

/** The name of a database in its folder and in a backup. */
export const FILE_OF: Readonly<Record<Part, string>> = {
  service: "rootward.db",
  signer: "signer.db",
};

/** The service's first: then the copy of the signer's is never older. */
export const PARTS = ["service", "signer"] as const satisfies readonly Part[];

/** A table that the other database lacks. */
const TABLE_OF: Readonly<Record<Part, string>> = { service: "heads", signer: "signer_keys" };

/** The files that SQLite keeps beside a database: its logs, and the index of one. */
export const BESIDE = ["-wal", "-shm", "-journal"];

const MANIFEST = "manifest.json";
/** Pages a step: between two of them the spinner turns. */
const PAGES_A_STEP = 2000;

const sha256 = v.custom<Sha256>((value) => typeof value === "string" && isSha256(value));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
/** The members of every form of the manifest. */
const anyForm = v.object({ form: count });
const FORM = 1;
const manifest = v.strictObject({
  form: v.literal(FORM),
  /** Before the first database was read; ISO 8601. */
  time: v.pipe(v.string(), v.isoTimestamp()),
  schema: count,
  /** Which signer the databases belong to, in hex. */
  signer: v.pipe(v.string(), v.regex(/^[0-9a-f]+$/)),
  files: v.pipe(
    v.array(v.strictObject({ part: v.picklist(PARTS), size: count, sha256 })),
    v.minLength(1),
    v.check((files) => new Set(files.map(({ part }) => part)).size === files.length),
  ),
});
export type Manifest = v.InferOutput<typeof manifest>;

/**
 * Copies databases while they are in use: the service's first, so the signer's copy is never older.
 *
 * @param folder is made; must be empty where it exists
 * @param sources the folder of each database
 * @throws RootwardError `file-exists`, `usage` where a database is missing or they do not belong together
 */
export async function writeBackup(
  folder: string,
  sources: ReadonlyMap<Part, string>,
  progress: (part: Part, done: number, all: number) => void,
): Promise<Manifest> {
  makeFolder(folder);
  if (readdirSync(folder).length > 0) {
    throw new RootwardError("file-exists", `${folder} is not empty: name a new folder`);
  }
  try {
    return await stored(copyAll(folder, sources, progress));
  } catch (error) {
    // It was empty, so all that is in it is ours.
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true });
    throw error;
  }
}

async function copyAll(
  folder: string,
  sources: ReadonlyMap<Part, string>,
  progress: (part: Part, done: number, all: number) => void,
): Promise<Manifest> {
  const time = new Date().toISOString();
  const signers = new Set<string>();
  const files: Manifest["files"] = [];
  for (const part of PARTS) {
    const source = sources.get(part);
    if (source === undefined) continue;
    const target = join(folder, FILE_OF[part]);
    signers.add(
      await copyDatabase(join(source, FILE_OF[part]), target, (done, all) =>
        progress(part, done, all),
      ),
    );
    files.push({ part, ...(await measure(target)) });
  }
  const [signer = "", other] = signers;
  if (other !== undefined) {
    throw new RootwardError(
      "usage",
      "these databases belong to different signers: nothing was backed up",
    );
  }
  const written: Manifest = { form: FORM, time, schema: SCHEMA_VERSION, signer, files };
  await replaceFile(
    join(folder, MANIFEST),
    new TextEncoder().encode(`${JSON.stringify(written, null, 2)}\n`),
  );
  await syncFolder(dirname(resolve(folder)));
  return written;
}

/**
 * Reads a backup, and compares each file with its hash and with what the manifest says of all.
 *
 * @throws RootwardError `usage` for a folder that is no whole backup, or of a later version
 */
export async function readBackup(folder: string): Promise<Manifest> {
  const found = await readManifest(folder);
  if (v.is(anyForm, found) && found.form > FORM)
    throw laterVersion(`form ${found.form}`, `${FORM}`);
  const parsed = v.safeParse(manifest, found);
  if (!parsed.success) {
    throw new RootwardError("usage", `${folder}: its ${MANIFEST} is damaged: take another backup`);
  }
  const { schema, files } = parsed.output;
  if (schema > SCHEMA_VERSION) throw laterVersion(`schema ${schema}`, `${SCHEMA_VERSION}`);
  for (const { part, size, sha256: expected } of files) {
    const file = join(folder, FILE_OF[part]);
    const measured = await measure(file).catch(() => null);
    const same = measured?.size === size && measured.sha256 === expected;
    if (same && isOf(part, file, parsed.output)) continue;
    throw new RootwardError(
      "usage",
      `${folder}: ${FILE_OF[part]} is not the file that was backed up: take another backup`,
    );
  }
  return parsed.output;
}

function laterVersion(has: string, known: string): RootwardError {
  return new RootwardError(
    "usage",
    `the backup has ${has}, this version of rootward knows ${known}: restore it with the version that made it`,
  );
}

/** Whether a file is the database that the manifest says it is. */
function isOf(part: Part, file: string, { schema, signer }: Manifest): boolean {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    database.prepare(`SELECT 1 FROM ${TABLE_OF[part]} LIMIT 1`).get();
    return version === schema && signerOf(database, file) === signer;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

async function readManifest(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, MANIFEST), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw new RootwardError(
      "usage",
      `${folder} is no backup, or one that was not finished: it has no ${MANIFEST}`,
    );
  }
}

/** @returns the signer that the database belongs to */
async function copyDatabase(
  file: string,
  target: string,
  progress: (done: number, all: number) => void,
): Promise<string> {
  if (errorCode(await stat(file).catch((error: unknown) => error)) !== undefined) {
    throw new RootwardError("usage", `${file} cannot be read: is this the right folder?`);
  }
  const source = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
  try {
    // One snapshot for all steps, whatever is written meanwhile.
    source.exec("BEGIN");
    const signer = signerOf(source, file);
    await backup(source, target, {
      rate: PAGES_A_STEP,
      progress: ({ totalPages, remainingPages }) =>
        progress(totalPages - remainingPages, totalPages),
    });
    settle(target);
    await chmod(target, 0o600);
    await syncFile(target);
    return signer;
  } finally {
    source.close();
  }
}

/** One whole file without a log beside it, and not damaged. */
function settle(file: string): void {
  const copy = new DatabaseSync(file, { timeout: 5000 });
  try {
    copy.exec("PRAGMA journal_mode = DELETE");
    const found = copy.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (found !== "ok") throw new RootwardError("internal", `${file}: the copy is damaged`);
  } finally {
    copy.close();
  }
}

/** @throws RootwardError `usage` for a database that no signer was ever used with */
export function signerOf(database: DatabaseSync, file: string): string {
  const row = database.prepare("SELECT value FROM facts WHERE name = 'signer'").get();
  if (row !== undefined) return toHex(blobColumn(row, "value"));
  throw new RootwardError("usage", `${file} is no database of a service or a signer that ran`);
}

async function measure(file: string): Promise<{ readonly size: number; readonly sha256: Sha256 }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  const digest = hash.digest("hex");
  if (!isSha256(digest)) throw new RootwardError("internal", "SHA-256 expected");
  return { size, sha256: digest };
}
