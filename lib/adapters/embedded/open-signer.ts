/**
 * Composes the signer of the embedded form from a folder of its own: its records, and the master key that
 * seals online keys and server shares. No other code reads the key or writes the records. On first start it
 * makes both.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { RootwardError } from "../../error.ts";
import { DEFAULT_REFRESH } from "../../state/schedule.ts";
import { makeFolder, removeTemporaries } from "../../files.ts";
import type { Clock } from "../../service/ports.ts";
import { Boundary } from "../../signing/boundary.ts";
import { readKeyRules, type KeyKind, type KeyStore } from "../../signing/key-store.ts";
import type { Signer } from "../../signing/operations.ts";
import { SealedKeys } from "../../signing/sealed-keys.ts";
import { toHex } from "../../tuf/bytes.ts";
import { SteadyClock } from "../steady-clock.ts";
import { copyRecords, removeCopied } from "./adopt-records.ts";
import { machineUptime, SqliteClockRecords } from "./clock-record.ts";
import type { Database } from "./connections.ts";
import { openDatabase, readFact, writeFact } from "./database.ts";
import { loadMasterKey, MasterKeyWrapper } from "./key-wrapper.ts";
import { SIGNER_SCHEMA, SqliteSignerRecords, upgradeSigner } from "./signer-records.ts";

export interface SignerOptions {
  /** Holds nothing but the signer's records. */
  readonly folder: string;
  readonly masterKeyFile: string;
  /**
   * The service's data folder, where one process sees both: a new signer for old data is refused,
   * and records that an earlier version kept there move over.
   */
  readonly dataFolder?: string;
  /** Where new online keys are kept: rules of {@link readKeyRules}; sealed here unless given. */
  readonly onlineKeys?: string;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
  /** Milliseconds since the machine started; the system's unless given. */
  readonly uptime?: () => number;
  /** A line for the operator; never with a secret. */
  readonly log?: (line: string) => void;
}

/** Milliseconds between two notes of the clock. */
const NOTE_EVERY = 60_000;

export interface OpenSigner extends Signer {
  close(): void;
}

/** @throws RootwardError `usage` where the folder or the master key cannot be used */
export async function openSigner(options: SignerOptions): Promise<OpenSigner> {
  const { folder, masterKeyFile, dataFolder, log } = options;
  makeFolder(folder);
  removeTemporaries(folder);
  const database = await openDatabase(join(folder, "signer.db"), {
    schema: SIGNER_SCHEMA,
    upgrade: upgradeSigner,
    ...(log && { report: log }),
  });
  try {
    const serviceFile = join(dataFolder ?? folder, "rootward.db");
    const hasService = existsSync(serviceFile);
    const copied = hasService && (await copyRecords(database, serviceFile));
    const first = !copied && (await database.read((sql) => readFact(sql, "signer"))) === null;
    if (first && hasService) throw missing();
    const wrapper = new MasterKeyWrapper(await loadMasterKey(masterKeyFile, first));
    await checkMasterKey(database, wrapper);
    const id = await signerId(database);
    if (copied) await removeCopied(database, serviceFile);
    const records = new SqliteSignerRecords(database);
    const kindOf = readKeyRules(options.onlineKeys ?? "");
    const stores = { sealed: new SealedKeys(wrapper), ...(await kmsStore(kindOf.kinds)) };
    // A row that says nothing: where it cannot be written, no version can be taken either.
    const check = (): Promise<void> =>
      database.write((sql) => writeFact(sql, "checked", new Uint8Array()));
    const clock = await signerClock(database, options);
    const now = (): number => clock.now();
    const policy = DEFAULT_REFRESH;
    const boundary = new Boundary({ records, stores, kindOf, policy, now, clock });
    const timer = setInterval(() => {
      // The next note comes in a minute.
      clock.mark().catch(() => undefined);
    }, NOTE_EVERY).unref();
    const close = (): void => {
      clearInterval(timer);
      database.close();
    };
    return { id, boundary, wrapper, check, close };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The signer judges the clock by itself: the service, which asks it, may be somebody else's. */
async function signerClock(database: Database, options: SignerOptions): Promise<Clock> {
  const { now = Date.now, uptime = machineUptime, log } = options;
  const report = (what: string, error: unknown): void =>
    log?.(`signer: ${what}: ${Error.isError(error) ? error.message : "unknown error"}`);
  const store = new SqliteClockRecords(database);
  const clock = new SteadyClock({ now, uptime, store, report }, await store.read());
  // A disk that takes nothing must not keep devices from being served.
  await clock.mark().catch((error: unknown) => report("clock", error));
  return clock;
}

/** Loaded only where it is asked for: an installation without AWS runs none of its code. */
async function kmsStore(kinds: ReadonlySet<KeyKind>): Promise<{ kms?: KeyStore }> {
  if (!kinds.has("kms")) return {};
  const { keysInKms } = await import("../aws/kms-keys.ts");
  return { kms: keysInKms() };
}

function missing(): RootwardError {
  return new RootwardError(
    "usage",
    "the service's data are here and the signer's records are not: is their folder not mounted? " +
      "Nothing was changed",
  );
}

/** The last thing that is written of a new signer: without it there is none yet. */
async function signerId(database: Database): Promise<string> {
  const known = await database.read((sql) => readFact(sql, "signer"));
  if (known !== null) return toHex(known);
  const made = new Uint8Array(randomBytes(16));
  await database.write((sql) => writeFact(sql, "signer", made));
  return toHex(made);
}

const MASTER_CHECK = { purpose: "master key check" };

/**
 * Another master key than the one that sealed what is here would make new Factories under it, and
 * let the deliveries of the old ones end unread.
 */
async function checkMasterKey(database: Database, wrapper: MasterKeyWrapper): Promise<void> {
  const known = await database.read((sql) => readFact(sql, "master key check"));
  if (known === null) {
    const check = await wrapper.wrap(new Uint8Array(1), MASTER_CHECK);
    return database.write((sql) => writeFact(sql, "master key check", check));
  }
  try {
    await wrapper.unwrap(known, MASTER_CHECK);
  } catch {
    throw new RootwardError(
      "usage",
      "this master key is not the one that the signer's records were made with: nothing was changed",
    );
  }
  return undefined;
}
