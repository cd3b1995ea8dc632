/**
 * The clock of this machine, before it decides how long a root lives. It is compared with the service's and
 * with the newest time in what was verified. A service can lie about its clock, so the comparison only ever
 * stops a command: signed times come from this machine's clock alone.
 */
import { RootwardError } from "../../error.ts";
import { line } from "../../text/line.ts";
import type { Client } from "../client.ts";
import type { Terminal } from "../terminal.ts";

/** Clocks may be this far apart; a request takes a minute at most. */
const TOLERANCE_MS = 5 * 60_000;

export interface ClockCheck {
  /** Milliseconds since 1970, by this machine. */
  readonly now: number;
  /** The newest time in verified roots and events, or null. */
  readonly newest: number | null;
  /** The owner's word. */
  readonly clockIsRight: boolean;
}

/** @throws RootwardError `clock-doubtful`, unless the owner says that the clock is right */
export function assertClock(client: Client, terminal: Terminal, check: ClockCheck): void {
  const doubts = clockDoubts(client, check);
  if (doubts.length === 0) return;
  if (check.clockIsRight) {
    for (const doubt of doubts) terminal.warn(line`${doubt}`);
    return;
  }
  throw new RootwardError("clock-doubtful", "nothing was signed: one of the clocks is wrong", {
    errors: doubts,
  });
}

/** The evidence against this machine's clock, in words; empty if there is none. */
export function clockDoubts(
  { answerTime }: Client,
  { now, newest }: Pick<ClockCheck, "now" | "newest">,
): readonly string[] {
  const here = `this machine's clock says ${timeWords(now)}`;
  const doubts: string[] = [];
  if (answerTime === null || answerTime.service === null) {
    doubts.push(`${here}; the service's answers do not give the time, so it cannot be compared`);
  } else if (Math.abs(answerTime.service - answerTime.here) > TOLERANCE_MS) {
    const apart = durationWords(answerTime.here - answerTime.service);
    doubts.push(`${here}; the service's clock says ${timeWords(answerTime.service)}, ${apart}`);
  }
  if (newest !== null && newest > now + TOLERANCE_MS) {
    doubts.push(`${here}; the newest root or event is of ${timeWords(newest)}, which is later`);
  }
  return doubts;
}

/** @returns such as `7 December 2026, 20:29 UTC` */
function timeWords(time: number): string {
  const format = new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  return `${format.format(time)}, ${new Date(time).toISOString().slice(11, 16)} UTC`;
}

/** @param ahead how far this machine is ahead of the service; negative where it is behind */
function durationWords(ahead: number): string {
  const minutes = Math.round(Math.abs(ahead) / 60_000);
  const [count, unit] =
    minutes < 120
      ? [minutes, "minutes"]
      : minutes < 2 * 1440
        ? [Math.round(minutes / 60), "hours"]
        : [Math.round(minutes / 1440), "days"];
  return `${count} ${unit} ${ahead > 0 ? "behind" : "ahead of"} this machine's`;
}
