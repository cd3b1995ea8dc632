/** What a change of targets comes to, and how little of it goes into the audit log. */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { changeTargets, isNoChange, publishSigned } from "../../lib/state/targets.ts";
import { decodeEvent } from "../../lib/state/event.ts";
import { DEFAULT_REFRESH } from "../../lib/state/schedule.ts";
import { jsonObject, sameJson, type JsonObject } from "../../lib/tuf/json.ts";
import { creation } from "../contract/sample-head.ts";

const { head } = creation("acme");

function entries(numbers: Readonly<Record<string, number>>): JsonObject {
  return jsonObject(
    Object.fromEntries(
      Object.entries(numbers).map(([name, length]) => [name, jsonObject({ length })]),
    ),
  );
}

describe("a change", () => {
  const before = entries({ kept: 1, old: 1, same: 1, gone: 1 });

  test("adds, replaces, removes, and leaves what nobody named", () => {
    const change = { entries: entries({ same: 1, old: 2, fresh: 1 }), remove: ["gone", "never"] };
    const { targets, delta } = changeTargets(before, change);
    expect(targets).toEqual(entries({ fresh: 1, kept: 1, old: 2, same: 1 }));
    expect(delta).toEqual({
      added: ["fresh"],
      replaced: ["old"],
      removed: ["gone"],
      unchanged: ["same"],
    });
    expect(isNoChange(delta)).toBe(false);
    expect(before).toEqual(entries({ kept: 1, old: 1, same: 1, gone: 1 }));
  });

  test("that was made already is none", () => {
    const again = { entries: entries({ same: 1 }), remove: ["never", "never"] };
    const { targets, delta } = changeTargets(before, again);
    expect(targets).toEqual(before);
    expect(isNoChange(delta)).toBe(true);
  });

  test.each([
    ["added", { entries: entries({ fresh: 1 }), remove: [] }],
    ["replaced", { entries: entries({ old: 2 }), remove: [] }],
    ["removed", { entries: entries({}), remove: ["old", "old"] }],
  ])("by which one is %s alone is one", (kind, change) => {
    const { delta } = changeTargets(before, change);
    expect(isNoChange(delta)).toBe(false);
    expect(delta).toMatchObject({
      added: [],
      replaced: [],
      removed: [],
      [kind]: expect.any(Array),
    });
    expect(delta[kind as "added"]).toHaveLength(1);
  });

  test("does to names of every kind what a map does", () => {
    const names = fc.constantFrom(
      "a",
      "b",
      "a/b",
      "__proto__",
      "constructor",
      "toString",
      "10",
      "9",
    );
    const some = fc
      .uniqueArray(fc.tuple(names, fc.nat(2)), { selector: ([name]) => name })
      .map((list) => entries(Object.fromEntries(list)));
    fc.assert(
      fc.property(some, some, fc.array(names), (old, put, taken) => {
        const remove = taken.filter((name) => !Object.hasOwn(put, name));
        const { targets, delta } = changeTargets(old, { entries: put, remove });
        const model = new Map([...Object.entries(old), ...Object.entries(put)]);
        for (const name of remove) model.delete(name);
        expect(new Map(Object.entries(targets))).toEqual(model);
        const told = [...delta.added, ...delta.replaced, ...delta.unchanged];
        expect(told.toSorted()).toEqual(Object.keys(put).toSorted());
        expect(isNoChange(delta)).toBe(sameJson(targets, old));
      }),
      { numRuns: 1000 },
    );
  });
});

test("the event counts everything and names a few, however long the names are", () => {
  const names = (kind: string): readonly string[] =>
    Array.from({ length: 5000 }, (_unused, i) => `${kind}${i}`.padEnd(512, "x"));
  const delta = {
    added: names("a"),
    replaced: names("b"),
    removed: names("c"),
    unchanged: names("d"),
  };
  const moment = { now: 0, eventId: "e", actor: "token:t", policy: DEFAULT_REFRESH } as const;
  const change = { signed: [], delta, user: "u".repeat(200) };
  const [event] = publishSigned(head, change, moment).documents;
  expect(event?.bytes.length).toBeLessThan(20_000);
  const { type, details } = decodeEvent(event?.bytes ?? new Uint8Array());
  expect(type).toBe("targets-published");
  for (const kind of ["added", "replaced", "removed"] as const) {
    expect(details[kind]).toEqual({ count: 5000, names: delta[kind].slice(0, 10) });
  }
  expect(details).not.toHaveProperty("unchanged");
});
