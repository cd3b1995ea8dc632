/** Time limits hold without the schedule; the schedule keeps a fleet in valid metadata. */
import { describe, expect, it } from "vitest";
import { failing, type Plan } from "../../lib/adapters/memory/faults.ts";
import { toStored } from "../../lib/state/effect.ts";
import type { Head } from "../../lib/state/head.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import { findForDevice } from "../../lib/service/read.ts";
import type { Service } from "../../lib/service/service.ts";
import { runPending } from "../../lib/service/change.ts";
import { readVersion, targetsOf } from "../../lib/service/store.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken } from "../../lib/service/tokens.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { channelsOf, firstChannel, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import {
  ALICE,
  bootstrapOf,
  claimAs,
  confirmAs,
  FACTORY,
  liveFactory,
  MALLORY,
  newFactory,
  takeArchive,
} from "../support/memory-owner.ts";
import { ownerOf } from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";

function headOf(world: TestWorld, factory = FACTORY): Head {
  const head = world.head(factory);
  if (head === null) throw new Error(`no Factory ${factory}`);
  return head;
}

describe("a delivery whose time is over, while the schedule has not run", () => {
  it("yields nothing after the link's expiry", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    world.advance(7 * DAY - 1);
    const { service } = world.copy().start();
    expect((await claimAs(service, link, ALICE)).share).toBeDefined();
    world.advance(1);
    await expect(claimAs(world.start().service, link, ALICE)).rejects.toMatchObject({
      code: "delivery-expired",
    });
    expect(headOf(world).delivery.state).toBe("ready");
  });

  it("yields nothing to the claimant after the lease, and nothing to others ever", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    await takeArchive(world.start(), link, ALICE);
    world.advance(HOUR - 1);
    await takeArchive(world.start(), link, ALICE);
    world.advance(1);
    const { service } = world.start();
    await expect(claimAs(service, link, ALICE)).rejects.toMatchObject({ code: "delivery-expired" });
    await expect(claimAs(service, link, MALLORY)).rejects.toMatchObject({ code: "delivery-used" });
    expect(world.state.shares.size).toBe(1);
  });

  it("has no URL that outlives a minute or the lease", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const { service } = world.start();
    const early = await claimAs(service, link, ALICE);
    expect(await service.archives.open(early.archiveUrl, world.now + 59_999)).not.toBeNull();
    expect(await service.archives.open(early.archiveUrl, world.now + 60_000)).toBeNull();
    world.advance(HOUR - 10_000);
    const late = await claimAs(service, link, ALICE);
    expect(await service.archives.open(late.archiveUrl, world.now + 9_999)).not.toBeNull();
    expect(await service.archives.open(late.archiveUrl, world.now + 10_000)).toBeNull();
  });

  it("serves no device before the confirmation", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const { service } = world.start();
    const root = () => findForDevice(service, FACTORY, "main", "root", null);
    await expect(root()).rejects.toMatchObject({ code: "not-found" });
    const archive = await takeArchive(world.start(), link, ALICE);
    await expect(root()).rejects.toMatchObject({ code: "not-found" });
    await confirmAs(service, link, ALICE, archive);
    expect(await root()).toMatchObject({ address: { role: "root", version: 1 }, final: false });
  });
});

describe("the schedule", () => {
  it.each([
    ["an expired link", 7 * DAY, false],
    ["an ended lease", HOUR, true],
  ])("destroys share and archive after %s, and not before", async (_, after, claimed) => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    if (claimed) await takeArchive(world.start(), link, ALICE);
    world.advance(after - 1);
    await runSchedule(world.start().service);
    expect([world.state.shares.size, world.state.archives.size]).toEqual([1, 1]);
    world.advance(1);
    await runSchedule(world.start().service);
    expect([world.state.shares.size, world.state.archives.size]).toEqual([0, 0]);
    expect(headOf(world).initialKey.state).toBe("destroyed");
    expect([...world.state.outbox.keys()].map((id) => id.replace(/\d+-[0-9a-f]{8}/, "N"))).toEqual([
      "acme-N-delivery-expired",
    ]);
  });

  it("leaves the claimant the right to confirm late, with the right file only", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    world.advance(30 * DAY);
    const { service } = world.start();
    await runSchedule(service);
    expect(headOf(world).delivery.state).toBe("expired");
    await expect(confirmAs(service, link, MALLORY, archive)).rejects.toMatchObject({
      code: "delivery-used",
    });
    await expect(confirmAs(service, link, ALICE, archive.slice(1))).rejects.toMatchObject({
      code: "delivery-mismatch",
    });
    const { state, ownerToken } = await confirmAs(service, link, ALICE, archive);
    expect([state, headOf(world).state]).toEqual(["live", "live"]);
    expect(world.state.tokens.has(sha256Text(ownerToken ?? ""))).toBe(true);
    await expect(claimAs(service, link, ALICE)).rejects.toMatchObject({ code: "delivery-used" });
  });

  it("accepts a late confirmation also where it has not run since the lease ended", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    world.advance(2 * HOUR);
    await confirmAs(world.start().service, link, ALICE, archive);
    expect(headOf(world).state).toBe("live");
    expect(world.state.shares.size).toBe(0);
  });

  it.each<[Dialect]>([["tuf"], ["ats"]])(
    "keeps the metadata of a %s fleet valid for a year",
    async (dialect) => {
      const world = new TestWorld();
      await liveFactory(world, dialect);
      const process = world.start();
      const channel = firstChannel(dialect);
      const first = headOf(world);
      const targets = await targetsAt(world, first);
      let last = first;
      for (let step = 0; step < 730; step += 1) {
        world.advance(12 * HOUR);
        expectFresh(headOf(world), world.now, 0);
        await runSchedule(process.service);
        const head = headOf(world);
        // A day without any schedule must not hurt: this much is always left.
        expectFresh(head, world.now, 4 * DAY);
        for (const role of ONLINE_ROLES) {
          const [before, after] = [last.roles[channel]?.[role], head.roles[channel]?.[role]];
          const same = before?.sha256 === after?.sha256;
          expect((after?.version ?? 0) - (before?.version ?? 0) > 0).toBe(!same);
        }
        last = head;
      }
      expect(process.reports).toEqual([]);
      world.state.invariants.assertInvariants();
      expect(last.roles[channel]?.targets?.version).toBeGreaterThan(
        first.roles[channel]?.targets?.version ?? 0,
      );
      expect(await targetsAt(world, last)).toEqual(targets);
      for (const each of channelsOf(dialect)) {
        expect(last.roles[each]?.root).toEqual(first.roles[each]?.root);
      }
    },
  );

  async function targetsAt(world: TestWorld, head: Head) {
    const channel = firstChannel(head.dialect);
    const version = head.roles[channel]?.targets?.version ?? 0;
    const { service } = world.start();
    return targetsOf(await readVersion(service, head, channel, "targets", version));
  }

  function expectFresh({ roles }: Head, now: number, left: number): void {
    const times = Object.values(roles).flatMap((channel) =>
      ONLINE_ROLES.map((role) => channel[role]?.expires ?? Infinity),
    );
    expect(Math.min(...times)).toBeGreaterThan(now + left);
  }

  it("lets others have their turn after each Factory", async () => {
    const world = new TestWorld();
    const { service } = world.start();
    for (let at = 0; at < 5; at += 1) {
      await bootstrapOf(service, "tuf", { factory: `fleet-${at}` as FactoryName });
    }
    world.advance(3 * DAY);
    const others = { turns: 0, over: false };
    const turn = (): void => {
      others.turns += 1;
      if (!others.over) setImmediate(turn);
    };
    setImmediate(turn);
    expect(await runSchedule(service)).toBe(5);
    others.over = true;
    expect(others.turns).toBeGreaterThanOrEqual(5);
  });

  it("begins no further Factory once the service ends, and goes on with the rest later", async () => {
    const world = new TestWorld();
    const { service } = world.start();
    for (let at = 0; at < 5; at += 1) {
      await bootstrapOf(service, "tuf", { factory: `fleet-${at}` as FactoryName });
    }
    world.advance(3 * DAY);
    const ending = new AbortController();
    const run = runSchedule(service, ending.signal);
    setImmediate(() => ending.abort());
    const tended = await run;
    expect(tended).toBeLessThan(5);
    expect(await runSchedule(service)).toBe(5 - tended);
  });

  it("writes nothing while nothing is due", async () => {
    const world = new TestWorld();
    await liveFactory(world, "tuf");
    world.advance(HOUR);
    const { service, faults } = world.start();
    expect(await runSchedule(service)).toBe(0);
    expect(faults.writes).toEqual([]);
  });
});

describe("what fails in the schedule", () => {
  const names = ["aaa", "bbb", "ccc"] as FactoryName[];

  async function threeFactories(): Promise<TestWorld> {
    const world = new TestWorld();
    for (const name of names) await bootstrapOf(world.start().service, "tuf", { factory: name });
    return world;
  }

  it.each(["signer.takeVersion", "documents.put", "heads.swap"])(
    "stops no other Factory: %s of one",
    async (write) => {
      const world = await threeFactories();
      world.advance(3 * DAY);
      const before = names.map((name) => headOf(world, name).roles.main?.timestamp?.version);
      const { service, reports } = world.start(failing(write, "bbb"));
      await runSchedule(service);
      const after = names.map((name) => headOf(world, name).roles.main?.timestamp?.version);
      expect(after.map((version, at) => version !== before[at])).toEqual([true, false, true]);
      expect(reports).toHaveLength(1);
      expect(reports[0]).toContain("bbb");
      await runSchedule(world.start().service);
      expect(headOf(world, names[1]).roles.main?.timestamp?.version).not.toBe(before[1]);
    },
  );

  it("is tried again until it succeeds: effects", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    await takeArchive(world.start(), link, ALICE);
    world.advance(HOUR);
    const effects = [
      "shares.destroy",
      "archives.delete",
      "notifier.withdrawLink",
      "notifier.notify",
      "notifier.announce",
    ];
    const broken: Plan = ({ name }) => (effects.includes(name) ? "not applied" : null);
    for (let round = 0; round < 3; round += 1) {
      const { service, reports } = world.start(broken);
      await runSchedule(service);
      expect(reports.length).toBeGreaterThanOrEqual(4);
      expect(headOf(world).pending.map(({ kind }) => kind)).toEqual([
        "destroy-share",
        "destroy-archive",
        "withdraw-link",
        "notify",
        "announce",
      ]);
      expect(await service.heads.due(0, 10)).toEqual([FACTORY]);
    }
    await runSchedule(world.start().service);
    expect(headOf(world).pending).toEqual([]);
    expect([world.state.shares.size, world.state.archives.size]).toEqual([0, 0]);
    expect(world.state.outbox.size).toBe(1);
  });

  it.each(["shares.destroy", "archives.delete", "notifier.announce", "notifier.notify"])(
    "keeps no fleet from fresh metadata: %s",
    async (write) => {
      const world = new TestWorld();
      const link = await newFactory(world, "tuf");
      const archive = await takeArchive(world.start(), link, ALICE);
      const process = world.start(failing(write));
      const confirming = confirmAs(process.service, link, ALICE, archive);
      await Promise.allSettled([confirming]);
      expect(headOf(world).state).toBe("live");
      world.advance(3 * DAY);
      await runSchedule(process.service);
      expect(headOf(world).roles.main?.timestamp?.expires).toBeGreaterThan(world.now + 5 * DAY);
    },
  );

  it("keeps no share and no archive alive, however many mails wait before them", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const muted = world.start(failing("notifier.notify")).service;
    const pipeline = await ownerOf(muted, "pipeline");
    const spec = { user: "robot", scopes: ["root:read"], expiresAt: null } as const;
    for (let i = 0; i < 101; i += 1) await createToken(muted, FACTORY, pipeline, spec);
    expect((await confirmAs(muted, link, ALICE, archive)).state).toBe("live");
    expect([world.state.shares.size, world.state.archives.size]).toEqual([0, 0]);
  });

  it("keeps no kind of effect, and no reader, from its turn", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const deaf = world.start(failing("notifier.announce")).service;
    const pipeline = await ownerOf(deaf, "pipeline");
    const spec = { user: "robot", scopes: ["root:read"], expiresAt: null } as const;
    for (let i = 0; i < 120; i += 1) await createToken(deaf, FACTORY, pipeline, spec);
    expect(world.state.outbox.size).toBeGreaterThanOrEqual(120);
    await confirmAs(deaf, link, ALICE, archive);
    const told = [...world.state.outbox.keys()].filter((id) => id.includes("delivery-confirmed"));
    expect(told).toHaveLength(1);
    const kinds = headOf(world).pending.map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(["announce"]));
  });

  it("is no failure where another process has done it meanwhile", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const { service } = world.start();
    const shares: Service["shares"] = {
      get: (idHash) => service.shares.get(idHash),
      put: (idHash, wrapped) => service.shares.put(idHash, wrapped),
      destroy: async () => {
        await runSchedule(world.start().service);
        throw new Error("the answer was lost");
      },
    };
    const confirmed = await confirmAs({ ...service, shares }, link, ALICE, archive);
    expect(confirmed.state).toBe("live");
    expect([world.state.shares.size, headOf(world).pending]).toEqual([0, []]);
  });

  it("is told to nobody twice: each reader of a notice has an effect", async () => {
    const world = new TestWorld();
    const provisioner = { id: "pat", email: "pat@example.com" };
    const made = await bootstrapOf(world.start().service, "tuf", { provisioner });
    const link = made.delivery.url ?? "";
    const archive = await takeArchive(world.start(), link, ALICE);
    const { service } = world.start();
    const told: string[] = [];
    const { notifier: own } = service;
    const notifier: Service["notifier"] = {
      sendLink: (mail) => own.sendLink(mail),
      withdrawLink: (idHash) => own.withdrawLink(idHash),
      announce: (announcement) => own.announce(announcement),
      notify: async ({ reader }) => {
        if (reader === "provisioner") throw new Error("no such address");
        told.push(reader);
      },
    };
    const deaf = { ...service, notifier };
    await confirmAs(deaf, link, ALICE, archive);
    for (let run = 0; run < 3; run += 1) await runSchedule(deaf);
    expect(told).toEqual(["owner"]);
    const pending = headOf(world).pending.map((effect) => toStored(effect));
    expect(pending).toEqual([{ kind: "notify", ref: expect.stringMatching(/^\d+ provisioner$/) }]);
  });

  it("keeps no other fleet from its turn, however many Factories fail for good", async () => {
    const world = new TestWorld();
    const failed = Array.from({ length: 100 }, (_, at) => `failing-${at}` as FactoryName);
    const { service } = world.start();
    await Promise.all(failed.map((name) => bootstrapOf(service, "tuf", { factory: name })));
    // Later than all of them, whatever their jitter.
    world.advance(DAY);
    await bootstrapOf(service, "tuf", { factory: FACTORY });
    world.advance(3 * DAY);
    const process = world.start(({ name, subject }) =>
      name === "signer.takeVersion" && subject !== FACTORY ? "not applied" : null,
    );
    for (let round = 0; round < 3; round += 1) await runSchedule(process.service);
    expect(headOf(world).roles.main?.timestamp?.expires).toBeGreaterThan(world.now + 5 * DAY);
  });

  it("keeps no other fleet from its turn, however many owners cannot be told", async () => {
    const world = new TestWorld();
    const process = world.start(failing("notifier.notify"));
    const untold = Array.from({ length: 100 }, (_, at) => `untold-${at}` as FactoryName);
    await Promise.all(
      untold.map((name) => bootstrapOf(process.service, "tuf", { factory: name, delivery: "api" })),
    );
    await bootstrapOf(process.service, "tuf");
    world.advance(3 * DAY);
    expect(await runSchedule(process.service)).toBe(101);
    expect(headOf(world).roles.main?.timestamp?.expires).toBeGreaterThan(world.now + 5 * DAY);
  });

  it("is a notice that cannot be sent, and the confirmation is answered all the same", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const { service, reports } = world.start(failing("notifier.notify"));
    expect((await confirmAs(service, link, ALICE, archive)).state).toBe("live");
    // A confirmation swaps twice, and a message that failed is not tried again at once.
    expect(reports).toHaveLength(1);
    await runPending(world.start().service, FACTORY);
    expect(headOf(world).pending).toEqual([]);
    expect(world.state.outbox.size).toBe(1);
  });
});
