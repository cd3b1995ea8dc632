/** Which numbers a role may get: none twice, none above 2^31-1, and a way back for those that ran away. */
import { describe, expect, it, test } from "vitest";
import * as fc from "fast-check";
import { FAR, MAX_VERSION, onlineVersion, versionTime } from "../../lib/state/schedule.ts";
import {
  lastNumber,
  readRecord,
  recordAfter,
  refuseNumber,
  type Numbering,
  type RoleRecord,
} from "../../lib/signing/role-record.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { roleRecord } from "../contract/sample-record.ts";

const NOW = Date.UTC(2026, 10, 30);
const CLOCK = onlineVersion(0, NOW);
const HOUR = 3600;
const DAY = 24 * HOUR;
const LAST = { length: 1, sha256: sha256Text("x") };

const keys = (name: string): readonly KeyId[] =>
  ["targets", "snapshot", "timestamp"].map((role) => sha256Text(`${name} ${role}`) as KeyId);
const [OLD, NEW] = [keys("old"), keys("new")];

function numbering(changes: Partial<Numbering> = {}): Numbering {
  return {
    record: null,
    version: CLOCK,
    under: OLD,
    trusted: OLD,
    time: { now: NOW, floor: NOW },
    ceiling: null,
    spare: 0,
    ...changes,
  };
}

describe("a number", () => {
  test.each([
    ["of a role that was never signed", null, CLOCK, null],
    ["as far ahead of the clock as may be", null, CLOCK + HOUR, null],
    ["further ahead", null, CLOCK + HOUR + 1, { limit: CLOCK + HOUR }],
    ["above the last", roleRecord(CLOCK), CLOCK + 1, null],
    ["that was taken", roleRecord(CLOCK), CLOCK, { last: CLOCK }],
    ["below the last", roleRecord(CLOCK), CLOCK - 1, { last: CLOCK }],
    ["zero", null, 0, { last: 0 }],
    ["that is none", null, NaN, { limit: CLOCK + HOUR }],
  ] as const)("%s", (_, record, version, refusal) => {
    expect(refuseNumber(numbering({ record, version }))).toEqual(refusal);
  });

  it("leaves as many free below the limit as are to be spared", () => {
    const spare = 1800;
    expect(refuseNumber(numbering({ spare, version: CLOCK + 1800 }))).toBeNull();
    const limit = CLOCK + 1800;
    expect(refuseNumber(numbering({ spare, version: limit + 1 }))).toEqual({ limit });
  });

  it.each([MAX_VERSION, MAX_VERSION + 1, 4_000_000_000, Number.MAX_SAFE_INTEGER])(
    "is never above 2^31-1, whatever clock and operator say: %d",
    (version) => {
      const now = versionTime(10_000_000_000);
      const ceiling = { version: MAX_VERSION, since: 0 };
      const refusal = refuseNumber(numbering({ version, time: { now, floor: now }, ceiling }));
      expect(refusal).toEqual(version > MAX_VERSION ? { limit: MAX_VERSION } : null);
    },
  );

  it("runs ahead by no clock that is in doubt, and counts on from the last", () => {
    const floor = NOW;
    const now = NOW + 400 * DAY * 1000;
    const record = roleRecord(CLOCK - DAY);
    const time = { now, floor };
    const limit = CLOCK + HOUR;
    const ahead = { record, time, version: onlineVersion(0, now) };
    expect(refuseNumber(numbering(ahead))).toEqual({ limit });
    expect(refuseNumber(numbering({ ...ahead, version: CLOCK }))).toBeNull();
    // Numbers that ran ahead before go on by one.
    const far = roleRecord(CLOCK + 2 * HOUR);
    expect(refuseNumber(numbering({ record: far, time, version: far.version + 1 }))).toBeNull();
    const more = numbering({ record: far, time, version: far.version + 2 });
    expect(refuseNumber(more)).toEqual({ limit: far.version + 1 });
  });
});

describe("numbers that ran 400 days ahead", () => {
  const record = roleRecord(CLOCK + 400 * DAY);
  const next = record.version + 1;

  it("have no successor by the clock", () => {
    const refusal = refuseNumber(numbering({ record, version: next }));
    expect(refusal).toEqual({ limit: CLOCK + HOUR });
  });

  it("go on once an operator raised the ceiling, as fast as the clock", () => {
    const ceiling = { version: record.version, since: NOW };
    expect(refuseNumber(numbering({ record, ceiling, version: next }))).toBeNull();
    const limit = record.version + HOUR;
    const much = numbering({ record, ceiling, version: limit + 1 });
    expect(refuseNumber(much)).toEqual({ limit });
    const now = NOW + 10_000;
    const later = { ...much, time: { now, floor: now }, version: limit + 10 };
    expect(refuseNumber(later)).toBeNull();
    expect(refuseNumber({ ...later, version: limit + 11 })).toEqual({ limit: limit + 10 });
  });

  it("do not begin anew with other keys", () => {
    const other = numbering({ record, under: NEW, version: CLOCK });
    expect(refuseNumber(other)).toEqual({ last: record.version });
  });
});

describe("numbers near 2^31-1", () => {
  const far = { version: MAX_VERSION, under: OLD };
  const record = roleRecord(MAX_VERSION, { low: CLOCK, far });

  it("begin anew under a root that lists none of the online keys", () => {
    const anew = numbering({ record, under: NEW, version: MAX_VERSION + 1 });
    expect(refuseNumber(anew)).toEqual({ begin: CLOCK });
    expect(refuseNumber({ ...anew, version: CLOCK })).toEqual({ last: CLOCK });
    expect(refuseNumber({ ...anew, version: CLOCK + 1 })).toBeNull();
  });

  it.each(OLD)("do not where one of them stays: %s", (kept) => {
    const under = [...NEW.slice(1), kept];
    const refusal = refuseNumber(numbering({ record, under, version: CLOCK + 1 }));
    expect(refusal).toEqual({ last: MAX_VERSION });
  });

  it("go on under the root that they were signed under, if the other never comes", () => {
    const last = { ...far, version: MAX_VERSION - 5 };
    const begun = recordAfter(
      numbering({ record: { ...record, far: last }, under: NEW, version: CLOCK + 1 }),
      LAST,
    );
    expect(begun).toEqual({ version: CLOCK + 1, low: CLOCK + 1, far: last, last: LAST });
    const back = numbering({ record: begun, under: OLD, trusted: OLD });
    expect(refuseNumber({ ...back, version: CLOCK + 2 })).toEqual({ last: last.version });
    expect(lastNumber(back)).toBe(last.version);
  });

  it("of an earlier release begin in a range that no clock came to", () => {
    const old = readRecord({ version: MAX_VERSION });
    expect(old.far).toEqual({ version: MAX_VERSION, under: null });
    expect(old.low).toBeGreaterThan(onlineVersion(0, Date.UTC(2053, 0, 1)));
    const anew = numbering({ record: old, under: NEW, trusted: OLD });
    expect(refuseNumber({ ...anew, version: MAX_VERSION })).toEqual({ begin: old.low });
    const version = old.low + 1;
    expect(refuseNumber({ ...anew, version })).toBeNull();
    const next = recordAfter({ ...anew, version }, LAST);
    // By now the new root is trusted, and the record knows which keys were before.
    const after = numbering({ record: next, under: NEW, trusted: NEW, version: version + 1 });
    expect(refuseNumber(after)).toBeNull();
    // The keys that signed it stay where no root changes all of them.
    const same = numbering({ record: old, under: NEW, trusted: NEW, version: old.low + 1 });
    expect(refuseNumber(same)).toEqual({ limit: CLOCK + HOUR });
  });
});

test("no number is ever used twice, whatever clocks, roots and operators do", () => {
  const step = fc.record({
    version: fc.oneof(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: FAR - 20, max: FAR + 20 }),
      fc.integer({ min: MAX_VERSION - 20, max: MAX_VERSION + 5 }),
    ),
    root: fc.integer({ min: 0, max: 2 }),
    follows: fc.boolean(),
    clock: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.constant(MAX_VERSION)),
    ceiling: fc.option(fc.integer({ min: 0, max: MAX_VERSION }), { nil: null }),
    asTold: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const used = new Set<number>();
      let record: RoleRecord | null = null;
      let trusted = keys("0");
      for (const { version, root, follows, clock, ceiling, asTold } of steps) {
        const under = keys(`${root}`);
        const now = versionTime(clock);
        const asked: Numbering = {
          record,
          version,
          under,
          trusted,
          time: { now, floor: now },
          ceiling: ceiling === null ? null : { version: ceiling, since: now },
          spare: 0,
        };
        const number = asTold ? lastNumber(asked) + 1 : version;
        const taken = { ...asked, version: number };
        if (refuseNumber(taken) === null) {
          expect(used.has(number)).toBe(false);
          expect(number).toBeLessThanOrEqual(MAX_VERSION);
          used.add(number);
          record = recordAfter(taken, LAST);
        }
        if (follows) trusted = under;
      }
    }),
    { numRuns: 2000 },
  );
});
