import { expect } from "vitest";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import type { BootstrapResult } from "../../lib/service/bootstrap/new-instance.ts";
import { sweepAttempts } from "../../lib/service/bootstrap/sweep-attempts.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { ALICE, bootstrapOf, FACTORY, takeArchive } from "../support/memory-owner.ts";
import { DAY, type TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

const CREATED_WITH = sha256Text("an Idempotency-Key");

interface Attempts {
  /** The link, once somebody got it. */
  link: string | undefined;
}

function bootstrapIn(dialect: Dialect): Command<Attempts, BootstrapResult> {
  return {
    name: `bootstrap, ${dialect}`,
    prepare: async () => ({ link: undefined }),
    run: ({ service }) => bootstrapOf(service, dialect, { createdWith: CREATED_WITH }),

    changed: (head) => {
      expect(head.revision).toBe(1);
      expect(head.state).toBe("provisioned");
      expect(head.delivery.state).toBe("ready");
    },

    answered: async ({ delivery, ownerToken, note, root }, { world, fixture }, process) => {
      const first = fixture.link === undefined && delivery.url !== undefined;
      expect(delivery.url === undefined).toBe(ownerToken === undefined);
      expect(delivery.url === undefined).toBe(note !== undefined);
      expect(root.keyids).toEqual([world.head(FACTORY)?.initialKey.keyid]);
      if (!first) return;
      fixture.link = delivery.url;
      // An acknowledged link works: it is the owner's only way to the key.
      const probe = world.start(({ kind }) => (kind === "write" ? "not applied" : null));
      expect(await probe.service.shares.get(idHash(world))).not.toBeNull();
      expect(process.faults.writes).toContain("heads.create");
    },

    failed: async ({ world }) => {
      if (world.head(FACTORY) !== null) return;
      await quiet();
      expect(leftovers(world)).toEqual({ shares: 0, archives: 0, keys: 0, roots: 0, mails: 0 });
    },

    finished: async (types, { world, fixture }) => {
      expect(types).toEqual(["factory-created"]);
      if (fixture.link === undefined) {
        // The answer with the link was lost for good: at its expiry nothing of it stays.
        world.advance(7 * DAY);
        await runSchedule(world.start().service);
        expect(world.state.shares.has(idHash(world))).toBe(false);
        expect(world.state.archives.has(idHash(world))).toBe(false);
      } else {
        const archive = await takeArchive(world.start(), fixture.link, ALICE);
        expect(archive.length).toBe(world.head(FACTORY)?.delivery.size);
      }
      // Of attempts that no head names nothing stays, whatever was cut off.
      world.advance(36 * DAY);
      await sweepAttempts(world.start().service);
      expect(instancesIn(world)).toEqual([world.head(FACTORY)?.instance]);
      for (const kept of [world.state.shares, world.state.archives]) {
        expect([...kept.keys()].filter((one) => one !== idHash(world))).toEqual([]);
      }
    },
  };
}

function idHash(world: TestWorld) {
  return world.head(FACTORY)?.delivery.idHash ?? sha256Text("no Factory");
}

/** Of all bootstraps of which a token or an online key is stored. */
function instancesIn({ state }: TestWorld): readonly unknown[] {
  const tokens = [...state.tokens.values()].flatMap(({ bound }) => bound?.instance ?? []);
  const keys = [...state.signer.keys.keys()].map((name) => name.split(" ")[1]);
  return [...new Set([...tokens, ...keys])];
}

function leftovers({ state }: TestWorld) {
  return {
    shares: state.shares.size,
    archives: state.archives.size,
    keys: state.signer.keys.size,
    roots: state.signer.roots.size,
    mails: state.outbox.size,
  };
}

/** Lets what was begun at the same time as the failed write come to its end (keys being made). */
async function quiet(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 15));
}

crashTables([await tableOf(bootstrapIn("tuf")), await tableOf(bootstrapIn("ats"))]);
