/**
 * A clock that is judged (state/clock.ts): what was read before is kept in a store, so that a restart
 * begins in no better faith than the process before it. Readings are noted once a minute, with the
 * schedule; in between each reading is judged by the last note.
 *
 * While a reading is in doubt, the time is the later one of the clock and of what the counter of the machine
 * says. A clock that went back has no effect, so that no limit of time is set too early. One that went ahead
 * may be right, as after a pause of a virtual machine that its counter missed: it is used for what can be
 * undone, and `floor` for the rest.
 */
import { RootwardError } from "../error.ts";
import { certainTime, judgeClock, type ClockRecord, type Reading } from "../state/clock.ts";
import type { Clock, ClockRecords } from "../service/ports.ts";
import { formatTime } from "../tuf/expires.ts";

/** Milliseconds. Less than the minute between two runs of the schedule. */
const NOTE_EVERY = 50_000;

export interface ClockParts {
  /** Milliseconds since 1970, as the system says. */
  readonly now: () => number;
  /** Milliseconds since the machine started, or null. */
  readonly uptime: () => number | null;
  readonly store: ClockRecords;
  readonly report: (what: string, error: unknown) => void;
}

export class SteadyClock implements Clock {
  readonly #parts: ClockParts;
  #record: ClockRecord | null;
  /** The last reading of this very process that was believed. */
  #own: Reading | null = null;
  #reported = false;

  /** @param record what the store says; null where it says nothing */
  constructor(parts: ClockParts, record: ClockRecord | null) {
    this.#parts = parts;
    this.#record = record;
    this.#judged();
  }

  now(): number {
    const { reading, record } = this.#judged();
    if (record.doubt === null) return reading.at;
    return Math.max(reading.at, certainTime(this.#own ?? record.trusted, reading));
  }

  floor(): number {
    const { reading, record } = this.#judged();
    if (record.doubt === null) return reading.at;
    return Math.min(reading.at, certainTime(record.trusted, reading));
  }

  doubt(): string | null {
    const { record } = this.#judged();
    const { trusted, doubt } = record;
    if (doubt === null) return null;
    return (
      `the clock went from ${formatTime(trusted.at)} to ${formatTime(doubt.since.at)} at once: until ` +
      "it is put right, or went on evenly for as long as it jumped (an hour to a day), nothing that is " +
      "over by it is destroyed"
    );
  }

  async mark(): Promise<void> {
    const { store } = this.#parts;
    const stored = await store.read();
    const reading = this.#read();
    const record = judgeClock(stored ?? this.#record, reading);
    this.#record = record;
    this.#judged();
    this.#report(record);
    const noted = stored?.doubt?.last ?? stored?.trusted;
    const changed = (stored?.doubt === null) !== (record.doubt === null);
    if (noted !== undefined && !changed && Math.abs(reading.at - noted.at) < NOTE_EVERY) return;
    await store.write(record);
  }

  #read(): Reading {
    return { at: this.#parts.now(), uptime: this.#parts.uptime() };
  }

  #judged(): { readonly reading: Reading; readonly record: ClockRecord } {
    const reading = this.#read();
    const record = judgeClock(this.#record, reading);
    if (record.doubt === null) {
      this.#record ??= record;
      this.#own = reading;
    }
    return { reading, record };
  }

  /** Once for each doubt, and once when it is over. */
  #report({ doubt }: ClockRecord): void {
    if ((doubt !== null) === this.#reported) return;
    this.#reported = doubt !== null;
    const text = this.doubt() ?? "the clock is believed again";
    this.#parts.report("clock", new RootwardError("unavailable", text));
  }
}
