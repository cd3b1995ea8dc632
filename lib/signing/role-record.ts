/**
 * Which number a document may get: the rules of the boundary's record of one role. A number is never used
 * twice, rises for as long as the keys stay, and is never above 2^31-1, where some clients end.
 *
 * Numbers count seconds, so those above FAR come from a clock that ran away. They have a way back, since
 * clients drop the timestamp and snapshot that they stored when a root changes their keys (TUF
 * specification 5.3.11). Under a root that lists none of the online keys that a far number was signed
 * under, numbers begin anew above the highest ordinary one. The record keeps both ranges. An ordinary
 * number is always above `low` and a far one always above `far`, so neither repeats.
 */
import { FAR, MAX_VERSION, onlineVersion } from "../state/schedule.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import type { KeyId } from "../tuf/keys.ts";
import type { MetaEntry } from "../tuf/roles.ts";

/** Where numbers begin again if an earlier release did not record which ordinary ones it used. */
const UNKNOWN_LOW = Math.floor(FAR / 2);

/** How far a version may be ahead of the clock, in versions: seconds of skew, or quick updates. */
const VERSION_SLACK = 3600;

/** The boundary's record of a role of a channel. */
export interface RoleRecord {
  /** The number of the last document. */
  readonly version: number;
  /** The highest ordinary number that was used; 0 for none. */
  readonly low: number;
  /** The highest far number that was used, and the online keys of the root that it was signed under. */
  readonly far: { readonly version: number; readonly under: readonly KeyId[] | null } | null;
  /** The last document. Null where an earlier release signed it and kept its number alone. */
  readonly last: Pick<MetaEntry, "length" | "sha256"> | null;
}

/** An operator's word that numbers of an instance may go on above those that ran ahead. */
export interface Ceiling {
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** The boundary's time, in milliseconds since 1970. */
export interface BoundaryTime {
  readonly now: number;
  /** A time that has certainly come. It is before `now` only while the clock is in doubt. */
  readonly floor: number;
}

export interface Numbering {
  readonly record: RoleRecord | null;
  readonly version: number;
  /** The online keys of the root that is signed under. */
  readonly under: readonly KeyId[];
  /** Those of the root that is trusted, which may be the one before. */
  readonly trusted: readonly KeyId[];
  readonly time: BoundaryTime;
  readonly ceiling: Ceiling | null;
  /** How many numbers must stay free below the limit. */
  readonly spare: number;
}

/** Which number may be had instead: above `last`, up to `limit`, or anew above `begin`. */
export type Refusal =
  { readonly last: number } | { readonly limit: number } | { readonly begin: number };

export interface StoredRecord {
  readonly version: number;
  readonly low?: number;
  readonly far?: number;
  readonly under?: readonly KeyId[];
  readonly length?: number;
  readonly sha256?: Sha256;
}

/** A record as it is stored, whichever release stored it. */
export function readRecord(stored: StoredRecord): RoleRecord {
  const { version, low, far, under, length, sha256 } = stored;
  const last = length === undefined || sha256 === undefined ? null : { length, sha256 };
  if (low !== undefined) {
    return {
      version,
      low,
      far: far === undefined ? null : { version: far, under: under ?? null },
      last,
    };
  }
  return version <= FAR
    ? { version, low: version, far: null, last }
    : { version, low: UNKNOWN_LOW, far: { version, under: null }, last };
}

/** The number above which the next one must be. */
export function lastNumber(numbering: Omit<Numbering, "version">): number {
  const { record } = numbering;
  if (record === null) return 0;
  return beginsAnew(numbering) ? record.low : (record.far?.version ?? record.low);
}

/** @returns why the number cannot be had, or null where it can */
export function refuseNumber(numbering: Numbering): Refusal | null {
  const { record, version } = numbering;
  const anew = beginsAnew(numbering);
  if (anew && record !== null && version > FAR) return { begin: record.low };
  const limit = numberLimit(numbering, anew);
  if (!Number.isSafeInteger(version) || version > limit) return { limit };
  const last = lastNumber(numbering);
  return version <= last || version < 1 ? { last } : null;
}

/** The record once a document with a number that was not refused is signed. */
export function recordAfter(
  numbering: Numbering,
  last: NonNullable<RoleRecord["last"]>,
): RoleRecord {
  const { record, version, under, trusted } = numbering;
  if (version > FAR) return { version, low: record?.low ?? 0, far: { version, under }, last };
  const far = record?.far ?? null;
  // Where no release noted it, the number was signed under the root that is trusted still.
  return { version, low: version, far: far && { ...far, under: far.under ?? trusted }, last };
}

function beginsAnew({ record, under, trusted }: Omit<Numbering, "version">): boolean {
  const far = record?.far ?? null;
  if (far === null) return false;
  const before = far.under ?? trusted;
  return !under.some((keyid) => before.includes(keyid));
}

function numberLimit(numbering: Numbering, anew: boolean): number {
  const { record, time, ceiling, spare } = numbering;
  const last = lastNumber(numbering);
  const ahead = onlineVersion(0, time.now) + VERSION_SLACK;
  // A clock in doubt brings no number far ahead. Counting on by one needs no clock.
  const certain = Math.max(onlineVersion(0, time.floor) + VERSION_SLACK, last + 1);
  const byClock = time.floor < time.now ? Math.min(ahead, certain) : ahead;
  const seconds = ceiling === null ? 0 : Math.floor((time.floor - ceiling.since) / 1000);
  const raised =
    ceiling === null || (anew && ceiling.version > FAR)
      ? 0
      : ceiling.version + Math.max(0, seconds) + VERSION_SLACK;
  const limit = Math.max(byClock, raised) - spare;
  const unknown = anew && record !== null && record.low >= UNKNOWN_LOW ? last + 1 : 0;
  return Math.min(MAX_VERSION, Math.max(limit, unknown));
}
