/**
 * A tampered copy: made from a Factory's real documents, by an attacker who stands between service and
 * device and has no key.
 */
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { NOTHING, POLL_ORDER, type Holdings, type Reason } from "./holdings.ts";
import type { Files } from "./mirror.ts";
import type { Moment } from "./moment.ts";
import { readSigned } from "./signed-file.ts";
import { MOMENTS, type MomentName } from "./story.ts";

/** One channel of a Factory, at all moments of its life. */
export interface History {
  readonly name: string;
  readonly dialect: Dialect;
  readonly moments: Readonly<Record<MomentName, Moment>>;
}

/** One tampered copy. */
export interface Lie {
  /** Tells it from other copies of the same kind. */
  readonly what: string;
  /** The moment that the device saw before; null for one from the factory floor. */
  readonly before: Moment | null;
  readonly files: Files;
  /** Which of them is not to be believed. */
  readonly file: string;
  /** The holdings of the device after the refusal. */
  readonly holds: Holdings;
}

/** One kind of tampering. */
export interface Tampering {
  readonly name: string;
  /** Every channel has roots; one without a timestamp has no online roles. */
  readonly about: "root" | "online roles";
  /** Each is as good as the others. */
  readonly refusedFor: readonly Reason[];
  /** @returns a copy for each place where it can be done */
  readonly lies: (history: History) => readonly Lie[];
}

/** Version 1 as it was published first: what devices are built with. */
export function firstRoot({ moments }: History): Uint8Array {
  return moments[MOMENTS[0]].files.get("1.root.json") ?? new Uint8Array();
}

/** The end of the story. */
export function lastMoment({ moments }: History): Moment {
  return moments[MOMENTS.at(-1) ?? "bootstrapped"];
}

/** The same files but for some; those that are null are withheld. */
export function withFiles(
  files: Files,
  others: Readonly<Record<string, Uint8Array | null>>,
): Files {
  const changed = new Map(files);
  for (const [name, bytes] of Object.entries(others)) {
    if (bytes === null) changed.delete(name);
    else changed.set(name, bytes);
  }
  return changed;
}

/**
 * The holdings of a device that takes the served roles before `role`, and keeps what it had of the others.
 * Those may be by keys that its root lists no more: then it has the file and no trust in it.
 */
export function refusedAt(
  role: (typeof POLL_ORDER)[number],
  served: Moment,
  before: Moment | null,
): Holdings {
  const taken = POLL_ORDER.slice(0, POLL_ORDER.indexOf(role));
  const now = Object.fromEntries(taken.map((name) => [name, served.holdings[name]]));
  const holdings: Holdings = { ...(before?.holdings ?? NOTHING), ...now };
  const file = `${holdings.root?.version}.root.json`;
  const { roles } = readSigned(served.files.get(file) ?? before?.files.get(file)).signed;
  const listed = POLL_ORDER.map((name) => {
    const held = holdings[name];
    const keyids = held?.keyids.filter((keyid) => roles[name].keyids.includes(keyid)) ?? [];
    return [name, held && { ...held, keyids }] as const;
  });
  return { ...holdings, ...Object.fromEntries(listed) };
}
