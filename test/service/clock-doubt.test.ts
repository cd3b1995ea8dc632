/**
 * A clock that is wrong for a while, in a process that sees it jump and in one that starts with it:
 * nothing is destroyed, nobody is told that a root expired, and everything goes on once it is right.
 */
import { describe, expect, it, test } from "vitest";
import type { Head } from "../../lib/state/head.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import { onlineVersion } from "../../lib/state/schedule.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import {
  ALICE,
  bootstrapOf,
  claimAs,
  FACTORY,
  liveFactory,
  newFactory,
  takeArchive,
} from "../support/memory-owner.ts";
import { ownerOf } from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld, type TestProcess } from "../support/memory-service.ts";
import { publish } from "../support/memory-targets.ts";

const MINUTE = 60_000;
const SECOND = 1000;
const OTHER = "other" as FactoryName;

function headOf(world: TestWorld): Head {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no Factory");
  return head;
}

/** One run of the schedule, as serve and the function do it. */
async function run({ service }: TestProcess): Promise<void> {
  await service.clock.mark();
  await runSchedule(service);
}

/** The schedule, minute by minute. */
async function runFor(world: TestWorld, process: TestProcess, time: number): Promise<void> {
  for (let passed = 0; passed < time; passed += 10 * MINUTE) {
    world.advance(10 * MINUTE);
    await run(process);
  }
}

const JUMPS = [
  ["400 days ahead", 400 * DAY],
  ["9 hours ahead", 9 * HOUR],
  ["400 days behind", -400 * DAY],
  ["9 hours behind", -9 * HOUR],
] as const;

/** How the process meets the wrong clock. */
const PROCESSES = [
  ["it runs on", (_world: TestWorld, process: TestProcess) => process],
  ["it starts with it", (world: TestWorld) => world.start()],
  [
    "the machine starts with it",
    (world: TestWorld) => {
      world.uptime = MINUTE;
      return world.start();
    },
  ],
] as const;

describe.each(PROCESSES)("a wrong clock, and %s", (_how, meet) => {
  describe.each(JUMPS)("%s for six seconds", (_name, by) => {
    /** What is there before, and the process that meets the wrong clock. */
    async function wrong(world: TestWorld): Promise<TestProcess> {
      const before = world.start();
      await run(before);
      world.setClock(by);
      world.advance(SECOND);
      const process = meet(world, before);
      await run(process);
      world.advance(5 * SECOND);
      await run(process);
      return process;
    }

    function putRight(world: TestWorld): void {
      world.setClock(-by);
    }

    it("ends no link: it works once the clock is right", async () => {
      const world = new TestWorld();
      const link = await newFactory(world, "tuf");
      const process = await wrong(world);
      expect([world.state.shares.size, world.state.archives.size]).toEqual([1, 1]);
      expect(headOf(world).delivery.state).toBe("ready");
      expect(headOf(world).pending).toEqual([]);
      putRight(world);
      await run(process);
      await takeArchive(process, link, ALICE);
      expect(headOf(world).delivery.state).toBe("claimed");
    });

    it("ends no claim", async () => {
      const world = new TestWorld();
      const link = await newFactory(world, "tuf");
      await claimAs(world.start().service, link, ALICE);
      const process = await wrong(world);
      expect([world.state.shares.size, world.state.archives.size]).toEqual([1, 1]);
      putRight(world);
      await takeArchive(process, link, ALICE);
    });

    it("removes no token that is good", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      const { service } = world.start();
      const { token } = await ownerOf(service);
      const hash = sha256Text("good for another 30 days");
      await service.tokens.put({ ...token, hash, expiresAt: world.now + 30 * DAY });
      const process = await wrong(world);
      putRight(world);
      await run(process);
      expect(await service.tokens.find(hash)).not.toBeNull();
    });

    it("ends no link that was made meanwhile", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      const process = await wrong(world);
      await bootstrapOf(process.service, "tuf", { factory: OTHER });
      putRight(world);
      await runFor(world, process, DAY);
      const delivery = world.head(OTHER)?.delivery;
      expect(delivery).toMatchObject({ state: "ready" });
      expect(delivery?.state === "ready" && delivery.expiresAt).toBeGreaterThan(
        world.now + 5 * DAY,
      );
    });

    it("tells nobody that a root expired", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      const told = world.state.outbox.size;
      const process = await wrong(world);
      putRight(world);
      await run(process);
      expect(world.state.outbox.size).toBe(told);
      expect(headOf(world).expiryTold).toBeNull();
    });

    it("lets publishing go on once it is right, with numbers that count seconds", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      const process = await wrong(world);
      await publish(process.service, { during: "1" }).catch(() => undefined);
      putRight(world);
      await run(process);
      expect(await publish(process.service, { after: "1" })).toMatchObject({ added: ["after"] });
      for (const role of ONLINE_ROLES) {
        const version = headOf(world).roles.main?.[role]?.version ?? 0;
        expect(version - onlineVersion(0, world.now)).toBeLessThan(60);
      }
      await expectConsistent(world);
    });

    it("leaves no metadata that lasts longer than it should", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      const process = await wrong(world);
      putRight(world);
      await runFor(world, process, 2 * HOUR);
      const { policy } = process.service;
      for (const role of ONLINE_ROLES) {
        const expires = headOf(world).roles.main?.[role]?.expires ?? 0;
        expect(expires).toBeGreaterThan(world.now + DAY);
        expect(expires).toBeLessThanOrEqual(world.now + policy.roles[role].lifetime);
      }
      expect(headOf(world).dueAt).toBeGreaterThan(world.now);
    });

    it("destroys no online key", async () => {
      const world = new TestWorld();
      await liveFactory(world, "tuf");
      await world.start().service.boundary.makeKey(headOf(world), "targets", "ed25519");
      const keys = world.state.signer.keys.size;
      const process = await wrong(world);
      await process.service.boundary.sweepKeys(headOf(world), keysOf(headOf(world)));
      expect(world.state.signer.keys.size).toBe(keys);
      await expect(process.service.boundary.abandon(headOf(world))).rejects.toMatchObject({
        code: "signing-refused",
      });
      expect(world.state.signer.keys.size).toBe(keys);
    });

    it("is said once, and once that it is over", async () => {
      const world = new TestWorld();
      const process = await wrong(world);
      expect(process.service.clock.doubt()).toContain("the clock went from");
      putRight(world);
      await run(process);
      await run(process);
      expect(process.service.clock.doubt()).toBeNull();
      const said = process.reports.filter((line) => line.startsWith("clock: "));
      expect(said).toHaveLength(2);
    });
  });
});

function keysOf(head: Head) {
  return new Set(Object.values(head.onlineKeys));
}

test("a machine whose clock was never set makes no Factory until it is", async () => {
  const world = new TestWorld();
  world.setClock(-world.now);
  world.state.clock = null;
  const { service } = world.start();
  await expect(bootstrapOf(service, "tuf")).rejects.toMatchObject({ code: "busy" });
  expect([world.state.archives.size, world.state.signer.keys.size]).toEqual([0, 0]);
});

test("a machine that was paused, whose counter stood still, renews metadata at once", async () => {
  const world = new TestWorld();
  await liveFactory(world, "tuf");
  const process = world.start();
  await run(process);
  world.setClock(6 * DAY);
  world.advance(SECOND);
  await run(process);
  expect(headOf(world).roles.main?.timestamp?.expires).toBeGreaterThan(world.now + 5 * DAY);
  await expectConsistent(world);
});

describe("a service that was off for weeks", () => {
  async function off(world: TestWorld): Promise<TestProcess> {
    await run(world.start());
    world.off(21 * DAY);
    const process = world.start();
    await run(process);
    return process;
  }

  it("signs at once, so that the fleet has valid metadata", async () => {
    const world = new TestWorld();
    await liveFactory(world, "tuf");
    await off(world);
    for (const role of ["snapshot", "timestamp"] as const) {
      expect(headOf(world).roles.main?.[role]?.expires).toBeGreaterThan(world.now + 5 * DAY);
    }
    await expectConsistent(world);
  });

  it("publishes at once", async () => {
    const world = new TestWorld();
    await liveFactory(world, "tuf");
    const { service } = await off(world);
    expect(await publish(service, { a: "1" })).toMatchObject({ added: ["a"] });
  });

  it("ends what is over within a day, by itself", async () => {
    const world = new TestWorld();
    await newFactory(world, "tuf");
    const process = await off(world);
    expect([world.state.shares.size, headOf(world).delivery.state]).toEqual([1, "ready"]);
    await runFor(world, process, DAY);
    expect([world.state.shares.size, world.state.archives.size]).toEqual([0, 0]);
    expect(headOf(world).delivery.state).toBe("expired");
  });

  it("has numbers that count seconds again, and nothing due, after a day", async () => {
    const world = new TestWorld();
    await liveFactory(world, "tuf");
    const process = await off(world);
    await runFor(world, process, DAY + HOUR);
    const { roles, dueAt } = headOf(world);
    const behind = onlineVersion(0, world.now) - (roles.main?.timestamp?.version ?? 0);
    expect(behind).toBeLessThan(DAY / SECOND);
    expect(dueAt).toBeGreaterThan(world.now);
  });

  it("refuses a claim on a link that is over, without destroying it", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const { service } = await off(world);
    await expect(claimAs(service, link, ALICE)).rejects.toMatchObject({
      code: "delivery-expired",
    });
    expect(world.state.shares.size).toBe(1);
  });
});
