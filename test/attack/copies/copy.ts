/** Copies of a running service's files, by what they are. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import type { TestServer } from "../../support/embedded.ts";
import { readFolder } from "../../support/secrets.ts";
import type { Stolen } from "./thief-search.ts";

export interface Copy {
  /** The service's, with the files that SQLite keeps beside it. */
  readonly database: readonly Stolen[];
  readonly archives: readonly Stolen[];
  readonly shares: readonly Stolen[];
  /** The signer's records. */
  readonly signer: readonly Stolen[];
  readonly masterKey: readonly Stolen[];
  readonly adminToken: readonly Stolen[];
  readonly outbox: readonly Stolen[];
}

/** Every file as it lies there. */
export function copyOf({ data, outbox }: TestServer): Copy {
  const all = readFolder(data);
  const below = (start: string): readonly Stolen[] =>
    all
      .filter(({ file }) => file.startsWith(join(data, start)))
      .map(({ file, bytes }) => ({ file: basename(file), bytes }));
  return {
    database: below("rootward.db"),
    archives: below("archives"),
    shares: below("shares"),
    signer: below("signer"),
    masterKey: below("master.key"),
    adminToken: below("admin.token"),
    outbox: readFolder(outbox),
  };
}

/** As docs/operations.md has it: both databases by SQLite's own backup, and the master key. */
export async function backupOf(server: TestServer): Promise<readonly Stolen[]> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-backup-"));
  for (const file of ["rootward.db", join("signer", "signer.db")]) {
    const database = new DatabaseSync(join(server.data, file), { readOnly: true });
    await backup(database, join(folder, basename(file)));
    database.close();
  }
  const files = readFolder(folder);
  rmSync(folder, { recursive: true });
  return [...files, ...copyOf(server).masterKey];
}

/** The whole data folder, and no mail. */
export function dataOf(copy: Copy, ...without: readonly (keyof Copy)[]): readonly Stolen[] {
  return Object.entries(copy)
    .filter(([part]) => part !== "outbox" && !without.some((one) => one === part))
    .flatMap(([, files]: [string, readonly Stolen[]]) => files);
}

/** A thing that somebody has on paper. */
export function text(file: string, content: string): readonly Stolen[] {
  return [{ file, bytes: Buffer.from(content) }];
}
