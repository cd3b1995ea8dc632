/**
 * `rootward backup` and `rootward restore`: a backup is taken while the service runs, and put in place
 * while it is stopped. After a restore open links are void, archives that the database does not know are set aside, and
 * each Factory whose head differs from what the signer trusts is named.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  FILE_OF,
  readBackup,
  signerOf,
  writeBackup,
  type Manifest,
  type Part,
} from "../../adapters/embedded/backup-files.ts";
import { destroyOpen, headsIn, putInPlace } from "../../adapters/embedded/put-in-place.ts";
import { setAsideUnnamed, type SetAside } from "../../adapters/embedded/set-aside.ts";
import { stored } from "../../adapters/embedded/sqlite-errors.ts";
import { withKnownRoots } from "../../adapters/embedded/stopped-signer.ts";
import { RootwardError, unreachable } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { FileLock } from "../../file-lock.ts";
import { describeStanding, standingOf } from "../../service/roots/standing.ts";
import { column, line, listed, type Line } from "../../text/line.ts";
import { lockFolder } from "../serve/folder-lock.ts";
import type { Terminal } from "../terminal.ts";

/** The folder of each database; of two users each names one. */
export type Folders = ReadonlyMap<Part, string>;

export async function runBackup(to: string, folders: Folders, terminal: Terminal): Promise<void> {
  process.umask(0o077);
  const manifest = await terminal.step(line`copying the databases`, (progress) =>
    writeBackup(to, folders, (part, done, all) =>
      progress(line`${FILE_OF[part]}, ${done} of ${all} pages`),
    ),
  );
  terminal.result({ folder: to, ...manifest }, [
    line`backup in ${to}`,
    ...manifest.files.map(({ part, size }) => line`  ${column(FILE_OF[part], 12)} ${size} bytes`),
    line`The master key is not in it: keep a copy of it elsewhere.`,
  ]);
}

export async function runRestore(
  from: string,
  folders: Folders,
  terminal: Terminal,
  now: number,
): Promise<void> {
  process.umask(0o077);
  const manifest = await terminal.step(line`checking the backup`, () => readBackup(from));
  const parts = manifest.files.map(({ part }) => part).filter((part) => folders.has(part));
  if (parts.length === 0) throw new RootwardError("usage", `${from} has no database of these`);
  const locks: FileLock[] = [];
  try {
    for (const [part, folder] of folders) {
      locks.push(lockFolder(folder, part === "service" ? "serve" : "signer", terminal.note));
    }
    assertTogether(manifest, parts, folders);
    const places = new Map([...folders].filter(([part]) => parts.includes(part)));
    const kept: Partial<Record<Part, string>> = Object.fromEntries(
      await terminal.step(
        line`putting ${listed(parts.map((part) => FILE_OF[part]))} in place`,
        () => putInPlace(from, places, now),
      ),
    );
    const data = folders.get("service");
    const heads = data === undefined ? [] : headsIn(data);
    const aside = kept.service;
    const [voided, unnamed] =
      data === undefined || aside === undefined
        ? [[], []]
        : [
            await stored(destroyOpen(data, heads)),
            await stored(setAsideUnnamed(data, heads, aside)),
          ];
    const signer = folders.get("signer");
    const differing = signer === undefined ? [] : await compare(heads, signer);
    terminal.result(
      {
        time: manifest.time,
        restored: parts,
        kept,
        voided,
        unnamed,
        differing: differing.map(String),
      },
      report(manifest, { parts, kept, voided, unnamed, differing }),
    );
  } finally {
    for (const lock of locks) lock.release();
  }
}

interface Restored {
  readonly parts: readonly Part[];
  readonly kept: Readonly<Partial<Record<Part, string>>>;
  readonly voided: readonly string[];
  readonly unnamed: readonly SetAside[];
  readonly differing: readonly Line[];
}

function report(manifest: Manifest, { parts, kept, voided, unnamed, differing }: Restored) {
  const aside = Object.values(kept).filter((folder) => existsSync(folder));
  const moved = unnamed.filter(({ state }) => state !== "ended");
  return [
    line`restored ${listed(parts.map((part) => FILE_OF[part]))} of ${manifest.time}`,
    ...aside.map((folder) => line`what was there before is kept in ${folder}: delete it by hand`),
    ...voided.map((factory) => line`${factory}: its link is void; bootstrap it again`),
    ...unnamed.map(describeUnnamed),
    ...(moved.length === 0
      ? []
      : [
          line`The service does not serve what was moved to ${kept.service ?? ""}; deleting that folder ends it.`,
        ]),
    ...differing,
    line`Start the service now.`,
  ];
}

function describeUnnamed({ factory, state, idHash }: SetAside): Line {
  const archive = line`archive ${idHash}`;
  const whose = factory ?? "a Factory that no database here knows";
  switch (state) {
    case "ready":
      return line`${whose}: moved ${archive}, made since the backup; its link was not used, and is void`;
    case "claimed":
      return line`${whose}: moved ${archive}, made since the backup; its link was claimed, so somebody may have the archive`;
    case "escrowed":
      return line`${whose}: moved ${archive}, made since the backup; it may be the only copy of a root key that devices trust`;
    case "unfinished":
      return line`${whose}: moved ${archive} of a bootstrap that did not finish`;
    case "unknown":
      return line`${whose}: moved ${archive}`;
    case "ended":
      return line`${whose}: destroyed ${archive}, whose delivery had ended before the restore`;
    default:
      return unreachable(state);
  }
}

/** Databases of different signers must not meet: the service would refuse to start. */
function assertTogether(manifest: Manifest, parts: readonly Part[], folders: Folders): void {
  for (const [part, folder] of folders) {
    const file = join(folder, FILE_OF[part]);
    if (parts.includes(part) || !existsSync(file)) continue;
    const database = new DatabaseSync(file, { timeout: 0 });
    try {
      if (signerOf(database, file) === manifest.signer) continue;
    } finally {
      database.close();
    }
    throw new RootwardError(
      "usage",
      `the backup belongs to another signer than ${file}: nothing was changed`,
    );
  }
}

/** A line for each Factory whose head and signer differ. */
async function compare(heads: readonly Head[], folder: string): Promise<readonly Line[]> {
  if (!existsSync(join(folder, FILE_OF.signer))) return [];
  return withKnownRoots(folder, async (known) => {
    const lines: Line[] = [];
    for (const head of heads) {
      const text = describeStanding(await standingOf(known, head));
      if (text !== null) lines.push(text);
    }
    return lines;
  });
}
