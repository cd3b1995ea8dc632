/**
 * The key archive on disk, as the client reads and writes it: every entry by its full name, mode 0000,
 * in no order. A changed archive is written beside the old one as `.tmp`, and put in its place once
 * the service has accepted what goes with it; if it has not, `.tmp` goes, and the new key with it.
 */
import { accessSync, constants, existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import { listTarball, tarball } from "../cli-tar.ts";
import { GoError } from "./go-error.ts";
import type { KeyPair } from "./key-pair.ts";

/** Files by name. */
export type KeyArchive = ReadonlyMap<string, Buffer>;

export function readArchive(path: string): KeyArchive {
  if (!existsSync(path)) throw new GoError(`open ${path}: no such file or directory`);
  const files = listTarball(readFileSync(path)).filter(({ type }) => type !== "5");
  return new Map(files.map(({ name, body }) => [name, body]));
}

export function saveArchive(path: string, archive: KeyArchive): void {
  const entries = [...archive].map(([name, body]) => ({ name, body }));
  writeFileSync(path, tarball(entries.sort(() => Math.random() - 0.5)));
}

/** The archive with both halves of a new pair. */
export function withPair(
  archive: KeyArchive,
  role: string,
  { signer, files }: KeyPair,
): KeyArchive {
  const base = `tufrepo/keys/fioctl-${role}-${signer.id}`;
  return new Map([
    ...archive,
    [`${base}.pub`, Buffer.from(files.pub)],
    [`${base}.sec`, Buffer.from(files.sec)],
  ]);
}

/** @throws GoError if `.tmp` is there already */
export function saveTemporary(path: string, archive: KeyArchive): void {
  const temporary = `${path}.tmp`;
  if (existsSync(temporary)) {
    throw new GoError(
      `Backup file exists: ${temporary}\n` +
        "This file may be from a previous failed key rotation and include critical data.\n" +
        "Please move this file somewhere safe before re-running this command.",
    );
  }
  saveArchive(temporary, archive);
}

export function keepTemporary(path: string): void {
  renameSync(`${path}.tmp`, path);
}

export function dropTemporary(path: string): void {
  rmSync(`${path}.tmp`);
}

/** @throws GoError */
export function assertWritable(path: string): void {
  if (!existsSync(path)) throw new GoError(`stat ${path}: no such file or directory`);
  try {
    accessSync(path, constants.W_OK);
  } catch {
    throw new GoError(`File is not writeable: ${path}`);
  }
}

/** The archive, or an empty one that is made where there was none. */
export function openOrMake(path: string): KeyArchive {
  if (!existsSync(path)) saveArchive(path, new Map());
  else if (!statSync(path).isFile()) throw new GoError(`read ${path}: is a directory`);
  return readArchive(path);
}
