import { expect } from "vitest";
import type { Channel, Dialect } from "../../lib/tuf/dialect.ts";
import {
  ALICE,
  FACTORY,
  liveFactory,
  newFactory,
  nextRoots,
  submitAs,
  takeArchive,
  type Roots,
} from "../support/memory-owner.ts";
import type { TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

type Result = Awaited<ReturnType<typeof submitAs>>;

function submitting(
  name: string,
  channels: readonly Channel[],
  archiveOf: (world: TestWorld) => Promise<Uint8Array>,
): Command<Roots, readonly Result[]> {
  return {
    name,
    prepare: async (world) => (await nextRoots(world.start(), await archiveOf(world))).roots,

    run: async ({ service }, { fixture }) => {
      const results: Result[] = [];
      for (const [channel, body] of fixture) results.push(await submitAs(service, channel, body));
      return results;
    },

    changed: ({ roles, state, delivery, onlineKeys }, { before }) => {
      const versions = channels.map((channel) => roles[channel]?.root.version ?? 0);
      expect(versions).toEqual([...versions].sort((a, b) => b - a));
      expect(versions[0]).toBe(2);
      // A root signed by the key of version 1 counts as the confirmation.
      expect([state, delivery.state]).toEqual(["live", "confirmed"]);
      expect(onlineKeys).toEqual(before?.onlineKeys);
    },

    answered: async (results, { world }) => {
      expect(results.map(({ version }) => version)).toEqual(channels.map(() => 2));
      const { roles } = world.head(FACTORY) ?? {};
      expect(results.map(({ sha256 }) => sha256)).toEqual(
        channels.map((channel) => roles?.[channel]?.root.sha256),
      );
    },

    finished: async (types, { world }) => {
      expect(types.filter((type) => type === "root-accepted")).toHaveLength(channels.length);
      expect(world.state.shares.size + world.state.archives.size).toBe(0);
    },
  };
}

const live = (dialect: Dialect) => (world: TestWorld) => liveFactory(world, dialect);

/** The owner rotated first and never confirmed. */
async function unconfirmed(world: TestWorld): Promise<Uint8Array> {
  const link = await newFactory(world, "tuf");
  return takeArchive(world.start(), link, ALICE);
}

crashTables([
  await tableOf(submitting("submit a root, tuf main", ["main"], live("tuf"))),
  await tableOf(submitting("submit a root that confirms the delivery", ["main"], unconfirmed)),
  await tableOf(submitting("submit roots, ats ci then prod", ["ci", "prod"], live("ats"))),
]);
