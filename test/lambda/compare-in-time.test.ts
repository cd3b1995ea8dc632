/** A comparison of all Factories that an operator asks the schedule's function for, in runs of bounded time. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { FactoryName } from "../../lib/state/names.ts";
import { compareInTime, isComparison } from "../../lib/lambda/compare-in-time.ts";
import { FOR_THE_LAST } from "../../lib/lambda/schedule-in-time.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import { bootstrapOf } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

test("goes on where the run before it stopped, until all are compared", async () => {
  const world = new TestWorld();
  const { service } = world.start();
  const names = ["e", "b", "d", "a", "c"].map((letter) => `factory-${letter}` as FactoryName);
  for (const factory of names) await bootstrapOf(service, "tuf", { factory, delivery: "api" });
  world.state.signer.roots.clear();
  const asked: string[] = [];
  const slow = withBoundary(service, {
    heldKeys: async (ref) => {
      asked.push(ref.factory);
      await sleep(100);
      return service.boundary.heldKeys(ref);
    },
  });
  const invocation = { getRemainingTimeInMillis: () => FOR_THE_LAST + 200 };
  const lines: string[] = [];
  let [runs, next]: [number, string | null] = [0, ""];
  while (next !== null && runs < 1000) {
    const run = await compareInTime(slow, { compareAfter: next }, invocation);
    lines.push(...run.lines);
    ({ next } = run);
    runs += 1;
  }
  expect(next).toBeNull();
  // Two of them take all the time that a run has.
  expect(runs).toBeGreaterThan(1);
  expect(asked).toEqual(names.toSorted());
  expect(lines).toEqual(asked.map((name) => `${name}: the signer does not know this Factory`));
});

test.each([
  [{ compareAfter: "" }, true],
  [{ compareAfter: "acme" }, true],
  [{ source: "aws.events", "detail-type": "Scheduled Event", detail: {} }, false],
  [{ compareAfter: 1 }, false],
  [{}, false],
  [null, false],
  ["compareAfter", false],
])("is asked for by %j: %s", (event, is) => {
  expect(isComparison(event)).toBe(is);
});
