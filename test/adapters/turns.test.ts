/** Turns within one process (lib/adapters/embedded/turns.ts): the order, and the bounds. */
import { expect, test } from "vitest";
import { QueuedTurns } from "../../lib/adapters/embedded/turns.ts";
import type { FactoryName } from "../../lib/state/names.ts";

const ACME = "acme" as FactoryName;
const LIMITS = { longest: 60_000, perHolder: 3, inAll: 5 };

/** Queues work of these holders behind a turn that is under way. @returns who came when */
async function orderOf(holders: readonly string[], turns = new QueuedTurns()) {
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.take(ACME, "first", () => promise);
  const queued = holders.map((holder) => turns.take(ACME, holder, async () => order.push(holder)));
  resolve();
  const results = await Promise.allSettled([first, ...queued]);
  return { order: order.join(" "), refused: results.filter(({ status }) => status === "rejected") };
}

test("holders take turns, each with its oldest work, and the schedule goes first", async () => {
  const { order } = await orderOf(["a", "a", "a", "b", "c", "schedule", "b"]);
  expect(order).toBe("schedule a b c a b a");
});

test("one at a time, also while others come", async () => {
  const turns = new QueuedTurns();
  let running = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise(setImmediate);
    running -= 1;
  };
  await Promise.all(Array.from({ length: 40 }, (_, at) => turns.take(ACME, `${at % 7}`, work)));
  expect([most, running]).toEqual([1, 0]);
});

test("too much work of one holder is refused, and keeps no place from others", async () => {
  const { order, refused } = await orderOf(["a", "a", "a", "a", "b"], new QueuedTurns(LIMITS));
  expect([order, refused.length]).toEqual(["a b a a", 1]);
});

test("too much work in all is refused, and never the schedule's", async () => {
  const holders = ["a", "b", "c", "d", "e", "f", "schedule"];
  const { order, refused } = await orderOf(holders, new QueuedTurns(LIMITS));
  expect([order, refused.length]).toEqual(["schedule a b c d e", 1]);
  expect(refused[0]).toMatchObject({
    reason: { code: "busy", details: { facts: { retryAfter: 5 } } },
  });
});

test("a turn that lasts too long lets one other begin, and its end lets no second one in", async () => {
  const turns = new QueuedTurns({ ...LIMITS, longest: 10 });
  const stuck = Promise.withResolvers<void>();
  const first = turns.take(ACME, "stuck", () => stuck.promise);
  const second = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const next = turns.take(ACME, "next", async () => {
    begun.resolve();
    return second.promise;
  });
  await begun.promise;
  second.resolve();
  await next;
  const order: string[] = [];
  const third = turns.take(ACME, "third", async () => order.push("third"));
  stuck.resolve();
  await Promise.all([first, third]);
  expect(order).toEqual(["third"]);
});

/** Queues revocations behind one that is under way. A holder in capitals goes first. */
async function revocationsOf(holders: readonly string[], turns = new QueuedTurns()) {
  const order: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.pass(ACME, { holder: "running", first: false }, () => promise);
  const queued = holders.map((holder) =>
    turns.pass(ACME, { holder, first: holder !== holder.toLowerCase() }, async () =>
      order.push(holder),
    ),
  );
  resolve();
  const results = await Promise.allSettled([first, ...queued]);
  return { order: order.join(" "), refused: results.filter(({ status }) => status === "rejected") };
}

test("revocations take turns among themselves; those by tokens that no token made go first", async () => {
  const { order } = await revocationsOf(["a", "a", "b", "OWNER", "OWNER", "OPERATOR"]);
  expect(order).toBe("OWNER OPERATOR OWNER a b a");
});

test("revocations that wait keep no place from those that go first", async () => {
  const turns = new QueuedTurns(LIMITS);
  const holders = ["a", "b", "c", "d", "e", "f", "OWNER", "OWNER", "OWNER", "OWNER", "OPERATOR"];
  const { order, refused } = await revocationsOf(holders, turns);
  expect(order).toBe("OWNER OPERATOR OWNER OWNER a b c d e");
  expect(refused).toHaveLength(2);
});

test("a turn that lost many rounds and lasts too long keeps no revocation waiting any longer", async () => {
  const turns = new QueuedTurns({ ...LIMITS, longest: 10 });
  const stuck = Promise.withResolvers<void>();
  const first = turns.take(ACME, "stuck", async (lost) => {
    for (let round = 0; round < 9; round += 1) await lost();
    await stuck.promise;
  });
  expect(await turns.pass(ACME, { holder: "a", first: false }, async () => "revoked")).toBe(
    "revoked",
  );
  stuck.resolve();
  await first;
});
