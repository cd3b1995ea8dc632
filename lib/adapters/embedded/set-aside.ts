/**
 * Shares and archives that no head of a restored database names, because their links or Factories were
 * made after the backup. One of them may hold the only copy of a first root key that devices trust, so
 * none is destroyed because a restored database does not know it. All move beside the databases of before the
 * restore, where no request reaches them. Only an end that such a database had recorded is carried out.
 */
import { existsSync, readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { unreachable } from "../../error.ts";
import type { Delivery, Head } from "../../state/head.ts";
import { makeFolder, syncFolder } from "../../files.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import { FileArchives } from "./archives.ts";
import { FILE_OF } from "./backup-files.ts";
import { textColumn } from "./database.ts";
import { BEFORE_RESTORE, headsOf } from "./put-in-place.ts";
import { FileShares } from "./shares.ts";

/** The state of a delivery in the newest database from before a restore. */
type State = "ready" | "claimed" | "escrowed" | "unfinished" | "ended";

/** A delivery that the restored database does not know. */
export interface SetAside {
  /** Null where no database that is here knows it. */
  readonly factory: string | null;
  /** Share and archive of `ended` are destroyed. */
  readonly state: State | "unknown";
  /** The name of its files. */
  readonly idHash: Sha256;
}

type Known = Pick<SetAside, "factory" | "state">;

const FOLDERS = ["shares", "archives"] as const;

/**
 * @param dataFolder no process runs on it, and its database is the restored one
 * @param heads of that database
 * @param aside the folder with the databases of before; made where it does not exist
 */
export async function setAsideUnnamed(
  dataFolder: string,
  heads: readonly Head[],
  aside: string,
): Promise<readonly SetAside[]> {
  const named = new Set(heads.flatMap(namedBy));
  const found = FOLDERS.flatMap((folder) => filesIn(join(dataFolder, folder)).map(idOf));
  const left = [...new Set(found)].filter(isSha256).filter((idHash) => !named.has(idHash));
  if (left.length === 0) return [];
  const known = databasesBefore(dataFolder).map(deliveriesIn);
  const result = left.toSorted().map((idHash): SetAside => {
    const newest = known.find((deliveries) => deliveries.has(idHash))?.get(idHash);
    return { factory: null, state: "unknown", ...newest, idHash };
  });
  const kept = new Set(result.filter(({ state }) => state !== "ended").map(({ idHash }) => idHash));
  await destroy(
    dataFolder,
    left.filter((idHash) => !kept.has(idHash)),
  );
  for (const folder of FOLDERS) await move(join(dataFolder, folder), join(aside, folder), kept);
  await syncFolder(aside);
  await syncFolder(dataFolder);
  return result;
}

/** The delivery, and those whose destruction the schedule still has to do. */
function namedBy({ delivery, pending }: Head): readonly string[] {
  return [delivery.idHash, ...destructions({ pending })];
}

function destructions({ pending }: Pick<Head, "pending">): readonly string[] {
  return pending.flatMap((effect) =>
    effect.kind === "destroy-share" || effect.kind === "destroy-archive" ? [effect.idHash] : [],
  );
}

function filesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A share, an archive, and the record of a claim begin with the same name. */
function idOf(file: string): string {
  return file.split(".")[0] ?? "";
}

/** The newest first: of this restore, and of earlier ones that may have been interrupted. */
function databasesBefore(dataFolder: string): readonly string[] {
  return readdirSync(dataFolder)
    .filter((name) => name.startsWith(BEFORE_RESTORE))
    .toSorted()
    .toReversed()
    .map((name) => join(dataFolder, name, FILE_OF.service))
    .filter((file) => existsSync(file));
}

/** Empty for a database that is damaged. */
function deliveriesIn(file: string): ReadonlyMap<string, Known> {
  try {
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      return new Map([...unfinished(database), ...ofHeads(headsOf(database))]);
    } finally {
      database.close();
    }
  } catch {
    return new Map();
  }
}

/** The id of a link is stored before the swap that names the delivery. */
function unfinished(database: DatabaseSync): readonly (readonly [string, Known])[] {
  const tokens = database.prepare(
    `SELECT hash, body ->> '$.bound.factory' AS factory FROM tokens
     WHERE body ->> '$.scopes' = '["delivery"]'`,
  );
  return tokens
    .all()
    .map((row) => [
      textColumn(row, "hash"),
      { factory: textColumn(row, "factory"), state: "unfinished" },
    ]);
}

function ofHeads(heads: readonly Head[]): readonly (readonly [string, Known])[] {
  return heads.flatMap(({ factory, delivery, pending }): (readonly [string, Known])[] => [
    [delivery.idHash, { factory, state: stateOf(delivery) }],
    ...destructions({ pending }).map((ref) => [ref, { factory, state: "ended" }] as const),
  ]);
}

function stateOf({ state }: Delivery): State {
  switch (state) {
    case "ready":
    case "claimed":
    case "escrowed":
      return state;
    case "ended":
    case "confirmed":
    case "expired":
      return "ended";
    default:
      return unreachable(state);
  }
}

async function destroy(dataFolder: string, ended: readonly Sha256[]): Promise<void> {
  const shares = new FileShares(join(dataFolder, "shares"));
  const archives = new FileArchives(join(dataFolder, "archives"), () => "");
  for (const idHash of ended) {
    await shares.destroy(idHash);
    await archives.delete(idHash);
  }
}

async function move(from: string, to: string, kept: ReadonlySet<string>): Promise<void> {
  const files = filesIn(from).filter((file) => kept.has(idOf(file)));
  if (files.length === 0) return;
  makeFolder(to);
  for (const file of files) renameSync(join(from, file), join(to, file));
  await syncFolder(to);
  await syncFolder(from);
}
