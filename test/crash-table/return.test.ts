import { expect } from "vitest";
import { returnRoots } from "../../lib/service/roots/return-roots.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { restoreFrom } from "../support/memory-restore.ts";
import { apiFactory, keyOf, rotateRoot } from "../support/memory-root-update.ts";
import { HOUR, type TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

/** Two roots come back, the second with other online keys. */
function coming(dialect: Dialect): Command<null, boolean> {
  return {
    name: `return of roots, ${dialect}`,
    prepare: async (world) => {
      const key = keyOf(await apiFactory(world, dialect));
      const backup = world.copy();
      world.advance(HOUR);
      const { service } = world.start();
      await rotateRoot(service, await rotateRoot(service, key), true);
      world.advance(HOUR);
      takeOver(world, restoreFrom(world, backup, "service"));
      expect(world.head(FACTORY)?.revision).toBe(backup.head(FACTORY)?.revision);
      return null;
    },
    run: ({ service }) => returnRoots(service, FACTORY),
    changed: ({ roles, delivery, rootUpdate }) => {
      const versions = Object.values(roles).map(({ root }) => root.version);
      expect(new Set(versions)).toEqual(new Set([3]));
      expect([delivery.state, rootUpdate]).toEqual(["ended", null]);
    },
    finished: async (types) => {
      expect(types.filter((type) => type === "roots-returned")).toHaveLength(1);
    },
  };
}

/** Puts the databases of `from` in place in `world`. */
function takeOver(world: TestWorld, from: TestWorld): void {
  for (const name of ["heads", "documents", "published", "tokens", "requests"] as const) {
    const [target, source]: Map<unknown, unknown>[] = [world.state[name], from.state[name]];
    target?.clear();
    for (const [key, value] of source ?? []) target?.set(key, value);
  }
}

crashTables([await tableOf(coming("tuf")), await tableOf(coming("ats"))]);
