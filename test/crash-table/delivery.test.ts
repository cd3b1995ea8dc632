import { expect } from "vitest";
import { isRootwardError } from "../../lib/error.ts";
import type { ClaimAnswer } from "../../lib/delivery/claim.ts";
import { runScheduleFor } from "../../lib/service/run-schedule.ts";
import { sha256, sha256Text } from "../../lib/tuf/bytes.ts";
import {
  ALICE,
  claimAs,
  confirmAs,
  FACTORY,
  MALLORY,
  newFactory,
  openDelivered,
  takeArchive,
} from "../support/memory-owner.ts";
import { DAY, HOUR, type TestProcess, type TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

interface Delivered {
  readonly link: string;
  /** Who ever got the opened archive. */
  readonly holders: Set<string>;
  /** What the first holder got. */
  archive: Uint8Array;
}

async function bootstrapped(world: TestWorld): Promise<Delivered> {
  return { link: await newFactory(world, "tuf"), holders: new Set(), archive: new Uint8Array() };
}

async function claimed(world: TestWorld): Promise<Delivered> {
  const { link } = await bootstrapped(world);
  const archive = await takeArchive(world.start(), link, ALICE);
  return { link, holders: new Set([ALICE]), archive };
}

/** The code of the refusal; null where the archive was handed over, to one more holder. */
async function tryClaim(
  process: TestProcess,
  { link, holders }: Delivered,
  who: string,
): Promise<string | null> {
  try {
    await takeArchive(process, link, who);
    holders.add(who);
    return null;
  } catch (error) {
    if (isRootwardError(error)) return error.code;
    throw error;
  }
}

function expectDestroyed({ state }: TestWorld): void {
  expect(state.shares.size).toBe(0);
  expect(state.archives.size).toBe(0);
}

function count(types: readonly string[], type: string): number {
  return types.filter((one) => one === type).length;
}

const claim: Command<Delivered, ClaimAnswer> = {
  name: "claim",
  prepare: bootstrapped,
  run: ({ service }, { fixture }) => claimAs(service, fixture.link, ALICE),
  changed: ({ delivery }) => {
    expect(delivery.state).toBe("claimed");
    expect("claimantHash" in delivery && delivery.claimantHash).toBe(sha256Text(ALICE));
  },
  answered: async (answer, { world, fixture }, process) => {
    const archive = await openDelivered(process, fixture.link, answer);
    expect(sha256(archive)).toBe(world.head(FACTORY)?.delivery.sha256);
    fixture.holders.add(ALICE);
  },
  finished: async (types, { world, fixture }) => {
    expect(count(types, "delivery-claimed")).toBe(1);
    expect(await tryClaim(world.start(), fixture, MALLORY)).toBe("delivery-used");
    expect([...fixture.holders]).toEqual([ALICE]);
    expect([...world.state.outbox.keys()].some((id) => id.startsWith("download-"))).toBe(false);
  },
};

/** Somebody else comes between the fault and the repetition: one of the two gets the archive. */
const contestedClaim: Command<Delivered, string | null> = {
  ...claim,
  name: "claim, then a rival",
  run: (process, { fixture }) => tryClaim(process, fixture, ALICE),
  changed: ({ delivery }) => {
    expect(delivery.state).toBe("claimed");
  },
  answered: async () => undefined,
  between: async (process, { world, fixture }) => {
    const before = world.head(FACTORY)?.delivery.state;
    const refused = await tryClaim(process, fixture, MALLORY);
    expect(refused).toBe(before === "claimed" ? "delivery-used" : null);
  },
  finished: async (types, { fixture }) => {
    expect(count(types, "delivery-claimed")).toBe(1);
    expect(count(types, "delivery-refused")).toBe(1);
    expect(fixture.holders.size).toBe(1);
  },
};

const secondClaim: Command<Delivered, string | null> = {
  name: "second claim",
  prepare: claimed,
  run: (process, { fixture }) => tryClaim(process, fixture, MALLORY),
  changed: ({ delivery }, { world }) => {
    expect(delivery.state).toBe("claimed");
    expect("claimantHash" in delivery && delivery.claimantHash).toBe(sha256Text(ALICE));
    expect("refusedAt" in delivery && delivery.refusedAt).toBe(world.now);
  },
  answered: async (refusal) => {
    expect(refusal).toBe("delivery-used");
  },
  finished: async (types, { world, fixture }) => {
    expect(count(types, "delivery-refused")).toBe(1);
    expect([...world.state.outbox.keys()].filter((id) => id.endsWith("refused"))).toHaveLength(1);
    expect(await tryClaim(world.start(), fixture, ALICE)).toBeNull();
    expect([...fixture.holders]).toEqual([ALICE]);
  },
};

const confirm: Command<Delivered, { state: string; ownerToken?: string | undefined }> = {
  name: "confirm",
  prepare: claimed,
  run: ({ service }, { fixture }) => confirmAs(service, fixture.link, ALICE, fixture.archive),
  changed: ({ state, delivery, initialKey }) => {
    expect([state, delivery.state, initialKey.state]).toEqual(["live", "confirmed", "delivered"]);
  },
  answered: async ({ state, ownerToken }, { world }) => {
    expect(state).toBe("live");
    const record = world.state.tokens.get(sha256Text(ownerToken ?? ""));
    const { delivery } = world.head(FACTORY) ?? {};
    expect(delivery?.state === "confirmed" && delivery.ownerToken?.id).toBe(record?.id);
    expectDestroyed(world);
  },
  finished: async (types, { world, fixture }) => {
    expect(count(types, "delivery-confirmed")).toBe(1);
    expectDestroyed(world);
    const told = [...world.state.outbox.keys()].map((id) => id.replace(/.*-\d+-[0-9a-f]{8}-/, ""));
    // The repetition may be one of an answer that was lost: then it yields another token.
    const repeated = count(types, "owner-token-issued") - 1;
    expect([0, 1]).toContain(repeated);
    const expected = ["delivery-confirmed", ...(repeated === 1 ? ["owner-token-issued"] : [])];
    expect(told).toEqual(expected);
    const { delivery } = world.head(FACTORY) ?? {};
    const named = delivery?.state === "confirmed" ? delivery.ownerToken : null;
    expect(named?.count).toBe(repeated + 1);
    // Of all that was stored for the answers the last one is left.
    const left = [...world.state.tokens.values()].filter(({ issued }) => issued === "confirmation");
    expect(left.map(({ id }) => id)).toEqual([named?.id]);
    expect(await tryClaim(world.start(), fixture, MALLORY)).toBe("delivery-used");
    expect(await tryClaim(world.start(), fixture, ALICE)).toBe("delivery-used");
    expect([...fixture.holders]).toEqual([ALICE]);
  },
};

function ended(
  name: string,
  prepareDelivery: (world: TestWorld) => Promise<Delivered>,
  after: number,
): Command<Delivered, void> {
  return {
    name,
    prepare: async (world) => {
      const delivery = await prepareDelivery(world);
      world.advance(after);
      return delivery;
    },
    run: ({ service }) => runScheduleFor(service, FACTORY),
    changed: ({ delivery, initialKey, state }) => {
      expect(delivery.state).toBe("expired");
      expect(initialKey.state).toBe("destroyed");
      expect(state).toBe("provisioned");
    },
    answered: async (_, { world }) => expectDestroyed(world),
    between: async (process, { fixture }) => {
      expect(await tryClaim(process, fixture, MALLORY)).toMatch(/^delivery-/);
    },
    finished: async (types, { world, fixture }) => {
      expect(count(types, "delivery-expired")).toBe(1);
      expectDestroyed(world);
      const holders = [...fixture.holders];
      expect(await tryClaim(world.start(), fixture, ALICE)).toBe("delivery-expired");
      expect([...fixture.holders]).toEqual(holders);
    },
  };
}

crashTables([
  await tableOf(claim),
  await tableOf(contestedClaim),
  await tableOf(secondClaim),
  await tableOf(confirm),
  await tableOf(ended("the link expires", bootstrapped, 7 * DAY)),
  await tableOf(ended("the lease ends", claimed, HOUR)),
]);
