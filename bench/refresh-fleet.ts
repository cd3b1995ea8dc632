/**
 * A fleet for the refresh benchmark: Factories bootstrapped through the service, with sealed Ed25519
 * keys in the real SQLite file, and a clock that says who is due. A tenth is a day older than the
 * rest, so there is a time at which only they are due, and a later one at which all are.
 */
import { closeSync, copyFileSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbedded, prepareData } from "../lib/adapters/embedded/open.ts";
import { openSigner, type OpenSigner } from "../lib/adapters/embedded/open-signer.ts";
import { verifySignature } from "../lib/crypto/verify.ts";
import type { FactoryName } from "../lib/state/names.ts";
import { EFFECT_KINDS } from "../lib/state/effect.ts";
import { DEFAULT_REFRESH } from "../lib/state/schedule.ts";
import { authorize, newToken } from "../lib/service/authorize.ts";
import { bootstrap } from "../lib/service/bootstrap/bootstrap.ts";
import { readHead, readVersion } from "../lib/service/store.ts";
import type { Service } from "../lib/service/service.ts";
import { PROVISIONER_SCOPES } from "../lib/state/scopes.ts";
import { readTrustedRoot, strictPolicy } from "../lib/tuf/chain.ts";
import { isSignedUnder, readRoleDocument } from "../lib/tuf/role-document.ts";

const DAY = 86_400_000;
/** How many times as many are due when all are. */
export const PART = 10;
const { refreshWhenLeft } = DEFAULT_REFRESH.roles.timestamp;

export interface Fleet {
  /** Paths of the data folder and of the other parts of the embedded form. */
  readonly folder: string;
  readonly size: number;
  /** When the first of them was created; milliseconds since 1970. */
  readonly since: number;
}

function nameOf(index: number): FactoryName {
  return `fleet-${index}` as FactoryName;
}

/** All of them, one after the other, and never two that lie together. */
export function scatteredName(turn: number, size: number): FactoryName {
  return nameOf((turn * 7919) % size);
}

/** How many are due at one of the two times, and when that is; lifetimes vary by a tenth. */
export function dueIn({ size, since }: Fleet, all: boolean): { count: number; now: number } {
  return all
    ? { count: size, now: since + 3.1 * DAY }
    : { count: size / PART, now: since + 2.1 * DAY };
}

export interface OpenFleet {
  readonly service: Service;
  readonly clock: { now: number };
  close(): void;
}

export async function openFleet({ folder }: Fleet, now: number): Promise<OpenFleet> {
  const clock = { now };
  const publicUrl = "http://127.0.0.1";
  const { dataFolder, outboxFolder } = pathsOf(folder);
  await prepareData(dataFolder);
  const signer = await openFleetSigner(folder, () => clock.now);
  const { ports, close } = await openEmbedded({
    dataFolder,
    outboxFolder,
    signer,
    publicUrl: () => publicUrl,
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
    now: () => clock.now,
  });
  return {
    service: { ...ports, policy: DEFAULT_REFRESH, publicUrl, effects: EFFECT_KINDS },
    clock,
    close: () => {
      close();
      signer.close();
    },
  };
}

/** The signer in the same process: what it does is measured with the rest. */
export function openFleetSigner(folder: string, now: () => number): Promise<OpenSigner> {
  const { signerFolder, masterKeyFile } = pathsOf(folder);
  return openSigner({ folder: signerFolder, masterKeyFile, now });
}

export function pathsOf(folder: string) {
  const dataFolder = join(folder, "data");
  return {
    dataFolder,
    outboxFolder: join(folder, "outbox"),
    signerFolder: join(folder, "signer"),
    masterKeyFile: join(folder, "master.key"),
  };
}

export function databaseOf({ folder }: Fleet): string {
  return join(pathsOf(folder).dataFolder, "rootward.db");
}

export function signerDatabaseOf({ folder }: Fleet): string {
  return join(pathsOf(folder).signerFolder, "signer.db");
}

/** A second look at the file, past the service. */
export function look(fleet: Fleet): DatabaseSync {
  return new DatabaseSync(databaseOf(fleet), { readOnly: true, timeout: 5000 });
}

/** Nothing of the copy is left to be written while something else is measured. */
export function copyDurably(file: string, copy: string): void {
  copyFileSync(file, copy);
  const opened = openSync(copy, "r+");
  fsyncSync(opened);
  closeSync(opened);
}

/** Each run has a fleet of its own, as it was made. */
export function copyFleet(fleet: Fleet, folder: string): Fleet {
  const copy = { ...fleet, folder };
  const [from, to] = [pathsOf(fleet.folder), pathsOf(folder)];
  for (const made of [to.dataFolder, to.signerFolder]) mkdirSync(made, { recursive: true });
  copyDurably(databaseOf(fleet), databaseOf(copy));
  copyDurably(signerDatabaseOf(fleet), signerDatabaseOf(copy));
  copyDurably(from.masterKeyFile, to.masterKeyFile);
  return copy;
}

/** Bootstraps those of the fleet whose number is `first`, `first + step` and so on. */
export async function fill(
  fleet: Fleet,
  { first, step }: { readonly first: number; readonly step: number },
  progress: (done: number) => void,
): Promise<void> {
  const { service, clock, close } = await openFleet(fleet, fleet.since);
  const { token, record } = newToken(service, {
    user: "bench",
    scopes: PROVISIONER_SCOPES,
    bound: null,
    expiresAt: null,
  });
  await service.tokens.put(record);
  const principal = await authorize(service, token, "factory:create");
  for (let index = first; index < fleet.size; index += step) {
    clock.now = index < fleet.size / PART ? fleet.since : fleet.since + DAY;
    const owner = { id: "owner", email: "owner@example.com" };
    const keys = { keyType: "ed25519", onlineKeyType: "ed25519" } as const;
    const request = {
      factory: nameOf(index),
      dialect: "tuf",
      ...keys,
      owner,
      provisioner: null,
      delivery: "api",
      recipient: null,
    } as const;
    await bootstrap(service, request, principal, null);
    progress(1);
  }
  close();
}

/**
 * Holds the whole fleet to what a run is for: every timestamp has its full life before it, and nothing is
 * due. A timestamp in a hundred is verified under its root.
 */
export async function assertFresh({ service, clock }: OpenFleet, fleet: Fleet): Promise<void> {
  const due = await service.heads.due(clock.now, 1);
  if (due.length > 0) throw new Error(`${due.join()} is still due`);
  for (let index = 0; index < fleet.size; index += 1) {
    const head = await readHead(service, nameOf(index));
    const named = head.roles.main?.timestamp;
    if (named === undefined) throw new Error(`${head.factory} has no timestamp`);
    const bytes = await readVersion(service, head, "main", "timestamp", named.version);
    const document = readRoleDocument(bytes, "timestamp", "tuf");
    if (document.expires <= clock.now + refreshWhenLeft || document.version !== named.version) {
      throw new Error(`the timestamp of ${head.factory} is not fresh`);
    }
    if (index % 100 !== 0) continue;
    const rootBytes = await readVersion(service, head, "main", "root", 1);
    const root = readTrustedRoot(rootBytes, strictPolicy("tuf", "main"), verifySignature);
    if (!isSignedUnder(root, document, verifySignature)) {
      throw new Error(`the timestamp of ${head.factory} does not verify`);
    }
  }
}
