/**
 * Bootstrapping again from every state of a delivery. Whatever fails, and whatever answer is lost: the
 * provisioner, who tries until there is an answer with a link, ends with the link of the one root that
 * is there; one person gets its key; nothing of the bootstrap before opens or signs for this Factory.
 */
import { expect } from "vitest";
import { authorizeFactory } from "../../lib/service/authorize.ts";
import { readHead } from "../../lib/service/store.ts";
import type { BootstrapResult } from "../../lib/service/bootstrap/new-instance.ts";
import { runScheduleFor } from "../../lib/service/run-schedule.ts";
import { isSha256, sha256Text } from "../../lib/tuf/bytes.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import {
  ALICE,
  bootstrapOf,
  claimAs,
  confirmAs,
  FACTORY,
  MALLORY,
  rebootstrapOf,
  refusal,
  takeArchive,
} from "../support/memory-owner.ts";
import { DAY, HOUR, type TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

interface Again {
  readonly oldLink: string;
  readonly oldToken: string;
  readonly confirmed: boolean;
  /** The newest link that somebody was told. */
  link: string | null;
}

async function bootstrapped(world: TestWorld, dialect: Dialect = "tuf"): Promise<Again> {
  const { delivery, ownerToken } = await bootstrapOf(world.start().service, dialect);
  if (delivery.url === undefined || ownerToken === undefined) throw new Error("no link, no token");
  return { oldLink: delivery.url, oldToken: ownerToken, confirmed: false, link: null };
}

async function claimed(world: TestWorld): Promise<Again> {
  const first = await bootstrapped(world);
  await takeArchive(world.start(), first.oldLink, MALLORY);
  return first;
}

async function confirmed(world: TestWorld): Promise<Again> {
  const first = await bootstrapped(world, "ats");
  const archive = await takeArchive(world.start(), first.oldLink, MALLORY);
  const { ownerToken = "" } = await confirmAs(
    world.start().service,
    first.oldLink,
    MALLORY,
    archive,
  );
  return { ...first, oldToken: ownerToken, confirmed: true };
}

async function expired(world: TestWorld): Promise<Again> {
  const first = await bootstrapped(world);
  world.advance(7 * DAY);
  await runScheduleFor(world.start().service, FACTORY);
  return first;
}

/** Over, and the schedule has not come by yet. */
async function leaseOver(world: TestWorld): Promise<Again> {
  const first = await claimed(world);
  world.advance(HOUR);
  return first;
}

function again(
  name: string,
  prepare: (world: TestWorld) => Promise<Again>,
): Command<Again, BootstrapResult> {
  return {
    name: `bootstrap again: ${name}`,
    prepare,

    run: async ({ service }, { fixture, before }) => {
      const head = await readHead(service, FACTORY);
      // Only the first time there is an archive that somebody confirmed.
      const agreed = fixture.confirmed && head.instance === before?.instance;
      return rebootstrapOf(
        service,
        agreed ? { ownerToken: fixture.oldToken, noDeviceExists: true } : {},
      );
    },

    changed: (head, { world, before }) => {
      expect([head.state, head.delivery.state]).toEqual(["provisioned", "ready"]);
      expect(head.instance).not.toBe(before?.instance);
      expect(head.initialKey.keyid).not.toBe(before?.initialKey.keyid);
      expect(head.initialKey.state).toBe("escrowed");
      const { idHash } = head.delivery;
      expect(world.state.shares.has(idHash) && world.state.archives.has(idHash)).toBe(true);
      const old = before?.delivery.idHash ?? idHash;
      const named = head.pending
        .filter((effect) => "idHash" in effect && effect.idHash === old)
        .map(({ kind }) => kind);
      const left = [
        ...(world.state.shares.has(old) ? ["destroy-share"] : []),
        ...(world.state.archives.has(old) ? ["destroy-archive"] : []),
      ];
      expect(named).toEqual(expect.arrayContaining(left));
    },

    answered: async ({ delivery, ownerToken = "" }, { world, fixture, before }) => {
      const head = world.head(FACTORY);
      fixture.link = delivery.url ?? null;
      const hash = sha256Text(ownerToken);
      expect(world.state.tokens.get(hash)?.bound?.instance).toBe(head?.instance);
      expect(head?.instance).not.toBe(before?.instance);
    },

    failed: async ({ world, before }) => {
      if (world.head(FACTORY)?.instance !== before?.instance) return;
      // What is being made beside the failed write comes to its end.
      await new Promise((resolve) => setTimeout(resolve, 15));
      for (const idHash of [...world.state.shares.keys(), ...world.state.archives.keys()]) {
        expect(isSha256(idHash) && idHash).toBe(before?.delivery.idHash);
      }
      const names = [...world.state.signer.keys.keys(), ...world.state.signer.roots.keys()];
      expect(names.every((name) => name.includes(before?.instance ?? "?"))).toBe(true);
    },

    between: async (process, { world, fixture, before }) => {
      if (world.head(FACTORY)?.instance === before?.instance) return;
      expect(await refusal(claimAs(process.service, fixture.oldLink, MALLORY))).toBe(
        "delivery-replaced",
      );
    },

    finished: async (types, { world, fixture, before }) => {
      expect(types).toContain("factory-bootstrapped-again");
      const old = before?.delivery.idHash ?? sha256Text("nothing");
      expect(world.state.shares.has(old) || world.state.archives.has(old)).toBe(false);
      const { service } = world.start();
      const link = fixture.link ?? "";
      expect(await refusal(claimAs(service, fixture.oldLink, MALLORY))).toBe("delivery-replaced");
      const token = authorizeFactory(service, fixture.oldToken, "root:read", FACTORY);
      expect(await refusal(token)).toBe("unauthenticated");
      const archive = await takeArchive(world.start(), link, ALICE);
      expect(await refusal(claimAs(service, link, MALLORY))).toBe("delivery-used");
      await confirmAs(service, link, ALICE, archive);
      expect(world.head(FACTORY)?.state).toBe("live");
    },
  };
}

crashTables([
  await tableOf(again("a link that nobody used", (world) => bootstrapped(world))),
  await tableOf(again("a link that somebody claimed", claimed)),
  await tableOf(again("a lease that is over", leaseOver)),
  await tableOf(again("a link that expired", expired)),
  await tableOf(again("a thief confirmed", confirmed)),
]);
