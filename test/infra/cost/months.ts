/** The price of an operation, and of a month with so many Factories. */
import { FUNCTIONS, type FunctionName } from "../../../lib/settings.ts";
import { ONLINE_ROLES } from "../../../lib/tuf/dialect.ts";
import {
  ACCESS_LOG,
  DEVICES,
  FACTORY_BYTES,
  MINUTES,
  POLL_BYTES,
  POLLS,
  PUBLICATIONS,
  REFRESHES,
  ROTATIONS,
  RUN_LOG,
  RUN_TIME,
  SIGNING_BYTES,
  TENDING,
} from "./assumptions.ts";
import type { Measured, Operation } from "./operations.ts";
import { PRICES } from "./prices.ts";
import type { Usage } from "./usage.ts";

const GB = 1e9;

export interface Installation {
  /** MB of each function, as the template has it. */
  readonly memory: ReadonlyMap<FunctionName, number>;
  readonly alarms: number;
  readonly keys: number;
  /** Numbers that our functions write to CloudWatch. */
  readonly metrics: number;
}

/** In dollars. */
export function priceOf(usage: Usage, { memory }: Installation): number {
  const runs = FUNCTIONS.map((name) => {
    const seconds = (usage.runs[name] * RUN_TIME[name]) / 1000;
    const gb = gbOf(memory, name);
    return usage.runs[name] * PRICES.run + seconds * gb * PRICES.gbSecond;
  });
  const all = FUNCTIONS.reduce((sum, name) => sum + usage.runs[name], 0);
  const logged = all * RUN_LOG + usage.requests * ACCESS_LOG;
  return (
    runs.reduce((sum, one) => sum + one, 0) +
    usage.requests * (PRICES.httpRequest + PRICES.edgeRequest) +
    usage.reads.units * PRICES.readUnit +
    usage.writes.units * PRICES.writeUnit +
    usage.wraps * PRICES.wrap +
    usage.signatures * PRICES.signature +
    usage.s3Reads * PRICES.s3Read +
    usage.s3Writes * PRICES.s3Write +
    usage.mails * PRICES.mail +
    usage.events * PRICES.event +
    (logged / GB) * PRICES.logGb
  );
}

function gbOf(memory: Installation["memory"], name: FunctionName): number {
  const megabytes = memory.get(name);
  if (megabytes === undefined) throw new Error(`no memory of ${name}`);
  return megabytes / 1024;
}

/** What a Factory adds to a run of the schedule that happens anyway. */
function tendingPrice(
  measured: Measured,
  what: Extract<Operation, `schedule: ${string}`>,
  installation: Installation,
): number {
  const idle = priceOf(measured["schedule: nothing is due"], installation);
  const gb = gbOf(installation.memory, "refresh");
  const time = (TENDING / 1000) * gb * PRICES.gbSecond;
  return priceOf(measured[what], installation) - idle + time;
}

export interface Month {
  /** Whatever there is. */
  readonly installation: number;
  readonly refreshing: number;
  readonly owners: number;
  /** After a year. */
  readonly storage: number;
  /** What keys in KMS add, without new versions of them: those that sign have none. */
  readonly keysInKms: number;
  readonly devices: number;
}

export function monthOf(measured: Measured, factories: number, of: Installation): Month {
  const tending = (what: Parameters<typeof tendingPrice>[1]) => tendingPrice(measured, what, of);
  const sealed = tending("schedule: a timestamp");
  const inKms = tending("schedule: a timestamp, online keys in KMS") - sealed;
  const signings = REFRESHES + PUBLICATIONS * ONLINE_ROLES.length;
  const bytes = FACTORY_BYTES + 12 * (REFRESHES + PUBLICATIONS) * SIGNING_BYTES;
  const each = (what: Operation): number => priceOf(measured[what], of);
  return {
    installation: fixed(of) + MINUTES * each("schedule: nothing is due"),
    refreshing: factories * REFRESHES * sealed,
    owners:
      factories *
      (ROTATIONS * each("`rootward keys rotate`") + PUBLICATIONS * each("publication of targets")),
    storage: (factories * bytes * PRICES.tableGb) / GB,
    keysInKms: factories * (ONLINE_ROLES.length * PRICES.kmsKey + signings * inKms),
    devices: factories * DEVICES * POLLS * pollPrice(measured, of),
  };
}

/** Of one poll in which nothing is new, by a client that does not ask whether a file changed. */
export function pollPrice(measured: Measured, of: Installation): number {
  return (
    priceOf(measured["device: the next root, which there is not"], of) +
    priceOf(measured["device: timestamp"], of) +
    (POLL_BYTES / GB) * PRICES.edgeGb
  );
}

function fixed({ alarms, keys, metrics }: Installation): number {
  return keys * PRICES.kmsKey + alarms * PRICES.alarm + PRICES.dashboard + metrics * PRICES.metric;
}
