/**
 * Publishing while the root is being changed, and while the schedule signs: whatever comes first at
 * whichever step of the other, both are done in the end, and devices never meet half of it.
 */
import { describe, expect, it, test } from "vitest";
import type { Call, Plan } from "../../lib/adapters/memory/faults.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import type { Service } from "../../lib/service/service.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { channelsOf, DIALECTS, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";
import { entriesOf, publish, targetsIn } from "../support/memory-targets.ts";

/** A world with targets, and a root update that brings new keys for every role, signed and staged. */
async function staged(dialect: Dialect): Promise<TestWorld> {
  const world = new TestWorld();
  const text = await apiFactory(world, dialect);
  const { service } = world.start();
  await publish(service, { before: "1" });
  await start(service);
  const principal = await ownerOf(service);
  const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
  await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
  await stageRotation(service, keyOf(text));
  return world;
}

async function apply(service: Service): Promise<void> {
  await applyUpdate(service, FACTORY, "", await ownerOf(service));
}

describe.each(DIALECTS)("while a root update is staged, %s", (dialect) => {
  it("targets are published, and it is applied as it was staged, with them", async () => {
    const world = await staged(dialect);
    const { service } = world.start();
    const { rootUpdate, onlineKeys } = world.head(FACTORY) ?? {};
    await publish(service, { during: "1" });
    expect(world.head(FACTORY)).toMatchObject({ rootUpdate, onlineKeys });
    await expectConsistent(world);
    await apply(service);
    expect(world.head(FACTORY)).toMatchObject({
      rootUpdate: null,
      onlineKeys: rootUpdate?.onlineKeys,
    });
    await publish(service, { after: "1" });
    const all = { after: "1", before: "1", during: "1" };
    expect(await targetsIn(service)).toEqual(entriesOf(all));
    // Every role of the channel verifies under the new root, as it did under the old one.
    await expectConsistent(world);
  });
});

/** Begins something by another process at one call of this one, and waits for both. */
async function meet(
  world: TestWorld,
  at: (call: Call) => boolean,
  mine: (service: Service) => Promise<unknown>,
  other: (service: Service) => Promise<unknown>,
): Promise<boolean> {
  const begun: Promise<unknown>[] = [];
  const plan: Plan = (call) => {
    if (begun.length === 0 && at(call)) begun.push(other(world.start().service));
    return null;
  };
  const done = await Promise.allSettled([mine(world.start(plan).service)]);
  const failed = [...done, ...(await Promise.allSettled(begun))].filter(
    ({ status }) => status === "rejected",
  );
  expect(failed).toEqual([]);
  return begun.length > 0;
}

type Deed = (service: Service) => Promise<unknown>;
const publishing: Deed = (service) => publish(service, { during: "1" });

const meetings: readonly (readonly [string, Deed, Deed])[] = [
  ["a publication at each call of apply", apply, publishing],
  ["apply at each call of a publication", publishing, apply],
  ["the schedule at each call of a publication", publishing, runSchedule],
  ["a publication at each call of the schedule", runSchedule, publishing],
];

test.each(meetings)(
  "%s",
  async (name, mine, other) => {
    const origin = await staged("tuf");
    // Everything is due to be signed again.
    if (name.includes("schedule")) origin.advance(125 * DAY);
    const applies = [mine, other].includes(apply);
    for (const kind of ["read", "write"] as const) {
      for (let n = 1; ; n += 1) {
        const world = origin.copy();
        const met = await meet(world, (call) => call.kind === kind && call.nth === n, mine, other);
        if (!met) break;
        const head = world.head(FACTORY);
        expect(await targetsIn(world.start().service)).toEqual(
          entriesOf({ before: "1", during: "1" }),
        );
        if (applies) expect(head?.rootUpdate).toBeNull();
        else expect(head?.dueAt).toBeGreaterThan(world.now);
        for (const channel of channelsOf("tuf")) {
          expect(head?.roles[channel]?.root.version).toBe(applies ? 2 : 1);
        }
        await expectConsistent(world);
      }
    }
  },
  120_000,
);
