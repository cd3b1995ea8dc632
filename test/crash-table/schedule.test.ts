import { expect } from "vitest";
import { runPending } from "../../lib/service/change.ts";
import { runScheduleFor } from "../../lib/service/run-schedule.ts";
import { ONLINE_ROLES, type Channel, type Dialect } from "../../lib/tuf/dialect.ts";
import {
  ALICE,
  confirmAs,
  FACTORY,
  liveFactory,
  newFactory,
  nextRoots,
  submitAs,
  takeArchive,
} from "../support/memory-owner.ts";
import { DAY } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

/** Everything is due, and the signing boundary has not seen the newest root yet. */
function refresh(dialect: Dialect, channel: Channel): Command<null, void> {
  return {
    name: `refresh, ${dialect}`,
    prepare: async (world) => {
      const archive = await liveFactory(world, dialect);
      const process = world.start();
      const { roots } = await nextRoots(process, archive);
      for (const [each, body] of roots) await submitAs(process.service, each, body);
      world.advance(125 * DAY);
      return null;
    },
    run: ({ service }) => runScheduleFor(service, FACTORY),
    changed: ({ roles }, { before, world }) => {
      expect(roles[channel]?.root).toEqual(before?.roles[channel]?.root);
      for (const role of ONLINE_ROLES) {
        const [old, fresh] = [before?.roles[channel]?.[role], roles[channel]?.[role]];
        expect(fresh?.version).toBeGreaterThan(old?.version ?? 0);
        expect(fresh?.expires).toBeGreaterThan(world.now);
      }
    },
    answered: async (_, { world }) => {
      expect(world.head(FACTORY)?.dueAt).toBeGreaterThan(world.now);
    },
    finished: async (types, { world }) => {
      expect(types.filter((type) => type === "metadata-refreshed")).toHaveLength(1);
      const { dialect, instance } = world.head(FACTORY) ?? {};
      if (dialect === undefined || instance === undefined) throw new Error("no Factory");
      const { boundary } = world.start().service;
      expect(
        (await boundary.trustedRoot({ factory: FACTORY, instance, dialect, channel })).version,
      ).toBe(2);
    },
  };
}

const settling: Command<null, void> = {
  name: "settle",
  prepare: async (world) => {
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const broken = ["shares.destroy", "archives.delete", "notifier.withdrawLink"];
    const process = world.start(({ name }) =>
      broken.includes(name) || name === "notifier.notify" ? "not applied" : null,
    );
    await expect(confirmAs(process.service, link, ALICE, archive)).rejects.toThrow("destroy-");
    expect(world.head(FACTORY)?.pending).toHaveLength(4);
    return null;
  },
  run: ({ service }) => runPending(service, FACTORY),
  changed: ({ state, pending }) => {
    expect(state).toBe("live");
    expect(pending.length).toBeLessThan(4);
  },
  finished: async (types, { world }) => {
    expect(types).toContain("effects-done");
    expect(world.state.shares.size + world.state.archives.size).toBe(0);
    expect([...world.state.outbox.keys()]).toHaveLength(1);
  },
};

crashTables([
  await tableOf(refresh("tuf", "main")),
  await tableOf(refresh("ats", "ci")),
  await tableOf(settling),
]);
