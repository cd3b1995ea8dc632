/**
 * What operators are told of work that fails again and again: one line of a kind in a minute, with how many
 * there were since. 1,000 notices that could not be sent once wrote 83 MB of log, on the disk that holds the
 * data.
 */
import type { Report } from "./ports.ts";

const MINUTE = 60_000;
/** Of those that were not written, so many are named. */
const NAMED = 5;

interface Kept {
  readonly since: number;
  more: number;
  readonly names: Set<string>;
}

/**
 * @param write one line
 * @param now milliseconds; kinds are few, so what is kept is small
 */
export function sparing(write: (what: string, error: unknown) => void, now: () => number): Report {
  const kept = new Map<string, Kept>();
  return (what, error, kind) => {
    if (kind === undefined) return write(what, error);
    const before = kept.get(kind);
    // On either side: a clock that went back must not silence anything.
    if (before !== undefined && Math.abs(now() - before.since) < MINUTE) {
      before.more += 1;
      if (before.names.size < NAMED) before.names.add(what);
      return undefined;
    }
    kept.set(kind, { since: now(), more: 0, names: new Set() });
    return write(`${what}${before === undefined ? "" : moreOf(before)}`, error);
  };
}

function moreOf({ more, names }: Kept): string {
  return more === 0 ? "" : ` (and ${more} more since the last line: ${[...names].join(", ")})`;
}
