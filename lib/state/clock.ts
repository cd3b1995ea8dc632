/**
 * Whether a reading of the clock may be believed. An irreversible step (a share, an archive or a key
 * destroyed, a mail that says that a root expired, a version number far ahead) needs a second witness of
 * time beside the clock: the reading before it, and how long the machine ran since, where that is known.
 *
 * A reading that lies further from the last one than both allow is in doubt. So is every one after it,
 * until the clock is put right or went on evenly for as long as it had jumped: an hour at least, a day at
 * most. Until then `floor` is the time that has certainly come.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How far a reading may lie from what the witnesses say. It is longer than a reboot and than any
 * correction of a clock that is kept right, and shorter than the shortest limit of time, a claim's hour.
 */
export const CLOCK_LIMIT = 15 * MINUTE;

/** Milliseconds. */
export interface Reading {
  /** Since 1970, by the clock. */
  readonly at: number;
  /** Since the machine started, by a counter that nobody sets; null where there is none. */
  readonly uptime: number | null;
}

export interface ClockRecord {
  /** The last reading that was believed. */
  readonly trusted: Reading;
  /** The first reading that was not, and the last; null while the clock is believed. */
  readonly doubt: { readonly since: Reading; readonly last: Reading } | null;
}

/** @param record what is known so far; null for the first reading ever, which is believed */
export function judgeClock(record: ClockRecord | null, reading: Reading): ClockRecord {
  if (record === null || isSteady(record.trusted, reading))
    return { trusted: reading, doubt: null };
  const { trusted, doubt } = record;
  if (doubt === null || !isSteady(doubt.last, reading)) {
    return { trusted, doubt: { since: reading, last: reading } };
  }
  const { since } = doubt;
  const jump = Math.abs(since.at - certainTime(trusted, since));
  const needed = Math.min(DAY, Math.max(HOUR, jump));
  if (passed(since, reading) >= needed) return { trusted: reading, doubt: null };
  return { trusted, doubt: { since, last: reading } };
}

/** A time that had come at `reading` if `trusted` was right: the machine ran for so long since. */
export function certainTime(trusted: Reading, reading: Reading): number {
  return trusted.at + Math.max(0, ran(trusted, reading) ?? 0);
}

function isSteady(before: Reading, reading: Reading): boolean {
  const moved = reading.at - before.at;
  const counted = ran(before, reading);
  const near = Math.abs(moved) <= CLOCK_LIMIT;
  // After a restart of the machine its counter begins anew, and agrees with the clock by accident only.
  return near || (counted !== null && Math.abs(moved - counted) <= CLOCK_LIMIT);
}

function passed(since: Reading, reading: Reading): number {
  const counted = ran(since, reading);
  return counted !== null && counted >= 0 ? counted : reading.at - since.at;
}

function ran(before: Reading, reading: Reading): number | null {
  return before.uptime === null || reading.uptime === null ? null : reading.uptime - before.uptime;
}
