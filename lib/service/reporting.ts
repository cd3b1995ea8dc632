/**
 * Reports to operators about work that keeps failing: one line of a kind in a minute, with the number of
 * failures since. 1,000 notices that could not be sent once wrote 83 MB of log, on the disk that holds the
 * data.
 */
import type { Report } from "./ports.ts";

const MINUTE = 60_000;
/** The number of unwritten reports that a line names. */
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
