/** Publishing targets, failed at every write: each target is there, or none of the request is. */
import { expect } from "vitest";
import type { PublishedTargets } from "../../lib/service/publish-targets.ts";
import { firstChannel, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { FACTORY, newFactory } from "../support/memory-owner.ts";
import { apiFactory, start } from "../support/memory-root-update.ts";
import { entriesOf, publish, targetsAt, targetsIn } from "../support/memory-targets.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

const AFTER = entriesOf({ fresh: "1", kept: "1", old: "2" });

/** @param live with a staged root update; otherwise before its owner has confirmed */
function publishing(dialect: Dialect, live: boolean): Command<null, PublishedTargets> {
  const channel = firstChannel(dialect);
  return {
    name: `publish targets${live ? "" : " before the Factory is live"}, ${dialect}`,
    prepare: async (world) => {
      await (live ? apiFactory : newFactory)(world, dialect);
      const { service } = world.start();
      await publish(service, { kept: "1", old: "1", gone: "1" });
      if (live) await start(service);
      return null;
    },
    run: ({ service }) => publish(service, { old: "2", fresh: "1" }, ["gone"]),
    changed: ({ roles, rootUpdate, state }, { before }) => {
      for (const role of ONLINE_ROLES) {
        const [old, next] = [before?.roles[channel]?.[role], roles[channel]?.[role]];
        expect(next?.version).toBeGreaterThan(old?.version ?? 0);
      }
      expect(roles[channel]?.root).toEqual(before?.roles[channel]?.root);
      expect([rootUpdate, state]).toEqual([before?.rootUpdate, before?.state]);
    },
    answered: async (answer, { world }, { service }) => {
      expect(await targetsAt(service, answer)).toEqual(AFTER);
      expect(world.head(FACTORY)?.roles[channel]?.targets?.sha256).toBe(answer.sha256);
    },
    finished: async (types, { world }) => {
      // One event each time: a repeated request changes nothing.
      expect(types.filter((type) => type === "targets-published")).toHaveLength(2);
      expect(await targetsIn(world.start().service)).toEqual(AFTER);
    },
  };
}

crashTables([
  await tableOf(publishing("tuf", true)),
  await tableOf(publishing("ats", true)),
  await tableOf(publishing("tuf", false)),
]);
