/**
 * Factories in every state in which somebody who only reads could feel called upon to do something:
 * what is due, has expired, is staged, or waits for the schedule.
 */
import { failing } from "../../lib/adapters/memory/faults.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { ALICE, bootstrapOf, claimAs, FACTORY } from "./memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "./memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "./memory-service.ts";

/** A world with a Factory that is past a rotation and some refreshes. */
async function liveWorld(dialect: Dialect): Promise<TestWorld> {
  const world = new TestWorld();
  const key = keyOf(await apiFactory(world, dialect));
  const { service } = world.start();
  const principal = await ownerOf(service);
  await start(service);
  const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
  await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
  await stageRotation(service, key);
  await applyUpdate(service, FACTORY, "", principal);
  for (let days = 0; days < 40; days += 4) {
    world.advance(4 * DAY);
    await runSchedule(service);
  }
  return world;
}

export interface FactoryState {
  readonly name: string;
  /** Whether devices are served. */
  readonly live: boolean;
  readonly make: (dialect: Dialect) => Promise<TestWorld>;
}

export const STATES: readonly FactoryState[] = [
  { name: "fresh", live: true, make: liveWorld },
  {
    name: "due",
    live: true,
    make: async (dialect) => {
      const world = await liveWorld(dialect);
      world.advance(5 * DAY);
      return world;
    },
  },
  {
    name: "expired, the root included",
    live: true,
    make: async (dialect) => {
      const world = await liveWorld(dialect);
      world.advance(400 * DAY);
      return world;
    },
  },
  {
    name: "in the middle of a root update",
    live: true,
    make: async (dialect) => {
      const world = await liveWorld(dialect);
      await start(world.start().service);
      return world;
    },
  },
  {
    name: "with an owner to be told",
    live: true,
    make: async (dialect) => {
      const world = new TestWorld();
      const { service } = world.start(failing("notifier.notify"));
      await bootstrapOf(service, dialect, { delivery: "api" });
      return world;
    },
  },
  {
    name: "provisioned, its link over",
    live: false,
    make: async (dialect) => {
      const world = new TestWorld();
      await bootstrapOf(world.start().service, dialect);
      world.advance(8 * DAY);
      return world;
    },
  },
  {
    name: "claimed, the lease over",
    live: false,
    make: async (dialect) => {
      const world = new TestWorld();
      const { service } = world.start();
      const { delivery } = await bootstrapOf(service, dialect);
      await claimAs(service, delivery.url ?? "", ALICE);
      world.advance(2 * HOUR);
      return world;
    },
  },
];
