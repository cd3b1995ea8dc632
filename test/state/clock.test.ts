/** When a reading of the clock is believed, in tables of what happened before it. */
import { describe, expect, it, test } from "vitest";
import { CLOCK_LIMIT, judgeClock, type ClockRecord, type Reading } from "../../lib/state/clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START: Reading = { at: Date.UTC(2026, 10, 30), uptime: 10 * DAY };
const KNOWN: ClockRecord = { trusted: START, doubt: null };

/** Milliseconds by the clock, and by the counter of the machine. */
function after(clock: number, counter: number | null, from = START): Reading {
  const uptime = counter === null || from.uptime === null ? null : from.uptime + counter;
  return { at: from.at + clock, uptime };
}

describe("a reading is believed", () => {
  test.each([
    ["a minute later", after(MINUTE, MINUTE), true],
    ["months later, as long as the machine ran", after(90 * DAY, 90 * DAY), true],
    ["after a correction of minutes", after(10 * MINUTE, 0), true],
    ["after a short restart of the machine", after(10 * MINUTE, -9 * DAY), true],
    ["not 400 days ahead of a machine that ran for a minute", after(400 * DAY, MINUTE), false],
    ["not 9 hours ahead", after(9 * HOUR, MINUTE), false],
    ["not behind", after(-9 * HOUR, MINUTE), false],
    ["not after a long restart of the machine", after(DAY, -9 * DAY), false],
    ["not after a long time that no counter tells of", after(DAY, null), false],
    ["up to the limit without a counter", after(CLOCK_LIMIT, null), true],
    ["and not beyond it", after(CLOCK_LIMIT + 1, null), false],
  ])("%s", (_, reading, believed) => {
    expect(judgeClock(KNOWN, reading).doubt === null).toBe(believed);
  });

  it("where there is none before it", () => {
    expect(judgeClock(null, START)).toEqual(KNOWN);
  });
});

describe.each([
  ["with a counter", MINUTE],
  ["without one", null],
] as const)("a clock that jumped, %s", (_, minute) => {
  const jumped = (by: number): ClockRecord =>
    judgeClock(KNOWN, after(by, minute === null ? null : 0));

  /** Minute by minute. @returns after how many of them it is believed again */
  function believedAfter(by: number, steps: number): number {
    let record = jumped(by);
    for (let step = 1; step <= steps; step += 1) {
      const counter = minute === null ? null : step * minute;
      record = judgeClock(record, after(by + step * MINUTE, counter));
      if (record.doubt === null) return step;
    }
    return Infinity;
  }

  test.each([
    ["20 minutes", 20 * MINUTE, 60],
    ["9 hours", 9 * HOUR, 9 * 60],
    ["400 days", 400 * DAY, 24 * 60],
    // By then it says what it said before it jumped.
    ["9 hours back", -9 * HOUR, 9 * 60 - 15],
  ])("by %s is believed after going on evenly for so long", (_name, by, minutes) => {
    expect(believedAfter(by, 2000)).toBe(minutes);
  });

  it("is believed at once when it is put right", () => {
    const record = jumped(400 * DAY);
    const right = after(6000, minute === null ? null : 6000);
    expect(judgeClock(record, right)).toEqual({ trusted: right, doubt: null });
  });

  it("begins anew when it jumps again", () => {
    let record = jumped(9 * HOUR);
    const counter = (minutes: number) => (minute === null ? null : minutes * MINUTE);
    for (let step = 1; step < 500; step += 1) {
      record = judgeClock(record, after(9 * HOUR + step * MINUTE, counter(step)));
    }
    const again = after(30 * HOUR, counter(500));
    expect(judgeClock(record, again)).toEqual({
      trusted: START,
      doubt: { since: again, last: again },
    });
  });
});
