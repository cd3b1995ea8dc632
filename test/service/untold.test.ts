/** A notifier that fails for long: the head, the log and the number of tries stay small. */
import { expect, it, test } from "vitest";
import type { Plan } from "../../lib/adapters/memory/faults.ts";
import { encodeHead } from "../../lib/state/head.ts";
import { sparing } from "../../lib/service/reporting.ts";
import { runPending } from "../../lib/service/change.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken } from "../../lib/service/tokens.ts";
import { ownerOf } from "../support/memory-root-update.ts";
import { bootstrapOf, FACTORY } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

const MINUTE = 60_000;
const TELLING = ["notifier.notify", "notifier.announce"];
const SPEC = { user: "robot", scopes: ["root:read"], expiresAt: null } as const;

/** Fails all telling, and counts the tries. */
function deaf(): { readonly plan: Plan; readonly tries: string[] } {
  const tries: string[] = [];
  const plan: Plan = ({ name }) => {
    if (!TELLING.includes(name)) return null;
    tries.push(name);
    return "not applied";
  };
  return { plan, tries };
}

function headOf(world: TestWorld) {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("there is no Factory");
  return head;
}

it("10,000 events leave a small head, a short log, and one try for each event and reader", async () => {
  const world = new TestWorld();
  await bootstrapOf(world.start().service, "tuf");
  const size = encodeHead(headOf(world)).length;
  const { plan, tries } = deaf();
  const process = world.start(plan);
  let written = 0;
  const report = sparing(
    (what, error) => {
      written += what.length + (Error.isError(error) ? (error.stack ?? "").length : 0);
    },
    () => world.now,
  );
  const service = { ...process.service, report };
  const pipeline = await ownerOf(service, "pipeline");
  for (let event = 0; event < 10_000; event += 1) {
    await createToken(service, FACTORY, pipeline, SPEC);
    if (event % 100 === 0) world.advance(1000);
  }
  expect(encodeHead(headOf(world)).length - size).toBeLessThan(2000);
  expect(written).toBeLessThan(20_000);
  // The owner's and the programs', and tries again of what waits after 1, 2, 4 ... minutes.
  expect(tries.length).toBeLessThan(2 * 10_000 + 100);
  expect(headOf(world).log.seq).toBeGreaterThan(10_000);

  // Nothing is lost once messages go out again.
  await runSchedule(world.start().service);
  expect(headOf(world).pending).toEqual([]);
  const mails = [...world.state.outbox.values()].map(({ subject }) => subject);
  expect(mails).toContain(`9992 events of Factory ${FACTORY}`);
  const merged = [...world.state.announced.values()].filter(({ type }) => type === "events-merged");
  expect(merged).toMatchObject([{ details: { count: 9992 } }]);
}, 120_000);

it("is tried again after 1, 2, 4 and up to 60 minutes, while destruction is tried each minute", async () => {
  const world = new TestWorld();
  await bootstrapOf(world.start().service, "tuf");
  const { plan, tries } = deaf();
  let destroys = 0;
  const process = world.start((write) => {
    if (write.name === "shares.destroy") destroys += 1;
    return write.name === "shares.destroy" ? "not applied" : plan(write);
  });
  await createToken(process.service, FACTORY, await ownerOf(process.service, "pipeline"), SPEC);
  const start = tries.length;
  expect(start).toBe(2);
  const at: number[] = [];
  for (let minute = 1; minute <= 240; minute += 1) {
    world.advance(MINUTE);
    const before = tries.length;
    await runSchedule(process.service);
    if (tries.length > before) at.push(minute);
  }
  expect(at).toEqual([1, 3, 7, 15, 31, 63, 123, 183]);
  // The link ends after a week: from then on its share is to be destroyed.
  world.advance(8 * 24 * 60 * MINUTE);
  for (let run = 0; run < 10; run += 1) {
    world.advance(MINUTE);
    await runSchedule(process.service);
  }
  expect(destroys).toBe(10);
  expect(headOf(world).pending.some(({ kind }) => kind === "destroy-share")).toBe(true);
});

it("a new event is told at once, and then the others are", async () => {
  const world = new TestWorld();
  await bootstrapOf(world.start().service, "tuf");
  let broken = true;
  const { service } = world.start(({ name }) =>
    broken && TELLING.includes(name) ? "not applied" : null,
  );
  const pipeline = await ownerOf(service, "pipeline");
  for (let event = 0; event < 3; event += 1) await createToken(service, FACTORY, pipeline, SPEC);
  broken = false;
  await runPending(service, FACTORY);
  expect(headOf(world).pending).toHaveLength(6);
  await createToken(service, FACTORY, pipeline, SPEC);
  await runPending(service, FACTORY);
  expect(headOf(world).pending).toEqual([]);
});

it("a clock that was ahead when telling failed puts nothing off", async () => {
  const world = new TestWorld();
  await bootstrapOf(world.start().service, "tuf");
  let broken = true;
  const { service } = world.start(({ name }) =>
    broken && TELLING.includes(name) ? "not applied" : null,
  );
  const pipeline = await ownerOf(service, "pipeline");
  world.advance(24 * 60 * MINUTE);
  await createToken(service, FACTORY, pipeline, SPEC);
  broken = false;
  world.advance(-24 * 60 * MINUTE);
  await runPending(service, FACTORY);
  expect(headOf(world).pending).toEqual([]);
});

test("a kind that fails is written once a minute, with how many there were and some names", () => {
  const lines: string[] = [];
  let now = 0;
  const report = sparing(
    (what) => lines.push(what),
    () => now,
  );
  for (let at = 0; at < 100; at += 1) report(`notify for f${at}`, new Error("no"), "notify");
  report("announce for f1", new Error("no"), "announce");
  report("request 1", new Error("no"));
  report("request 2", new Error("no"));
  expect(lines).toEqual(["notify for f0", "announce for f1", "request 1", "request 2"]);
  now = MINUTE;
  report("notify for f7", new Error("no"), "notify");
  expect(lines.at(-1)).toBe(
    "notify for f7 (and 99 more since the last line: notify for f1, notify for f2, notify for f3, " +
      "notify for f4, notify for f5)",
  );
  now = 0;
  report("notify for f8", new Error("no"), "notify");
  expect(lines.at(-1)).toBe("notify for f8");
});
