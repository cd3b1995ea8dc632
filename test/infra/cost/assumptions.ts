/** What no emulator can tell, as round numbers on the high side; docs/cost.md prints them. */
import type { FunctionName } from "../../../lib/settings.ts";

/** Milliseconds that a warm run takes, with what it waits for; `refresh` for a run that does nothing. */
export const RUN_TIME: Readonly<Record<FunctionName, number>> = {
  bootstrap: 4000,
  deliver: 200,
  roots: 200,
  metadata: 25,
  signer: 60,
  refresh: 100,
};
/** What tending to one Factory adds to a run of `refresh`. */
export const TENDING = 400;

/** Bytes that CloudWatch takes in for a run (START, END, REPORT), and the gateway for a request. */
export const RUN_LOG = 500;
export const ACCESS_LOG = 400;

const MONTH_DAYS = 365 / 12;
/** Schedule runs a month: one a minute. */
export const MINUTES = MONTH_DAYS * 24 * 60;

/**
 * How often a month, for each Factory, by lib/state/schedule.ts with jitter in the middle. Publishing
 * signs all three, so where it is done every week only timestamps fall due in between.
 */
export const REFRESHES = MONTH_DAYS / (7 * 0.95 - 5) - 52 / 12;

/** What an owner does: one rotation a year, targets every week. */
export const ROTATIONS = 1 / 12;
export const PUBLICATIONS = 52 / 12;

/** A fleet: devices of each Factory, and how often each polls in a month (once an hour). */
export const DEVICES = 100;
export const POLLS = MONTH_DAYS * 24;
/** Bytes that a poll brings to a device: a timestamp, and the answer that there is no next root. */
export const POLL_BYTES = 3000;

/** Bytes in the tables: when a Factory is made, and what each signing leaves (documents, index, log). */
export const FACTORY_BYTES = 30_000;
export const SIGNING_BYTES = 5000;
