/** What of a bootstrap that was cut off is removed, and when. */
import { describe, expect, it } from "vitest";
import { sweepAttempts } from "../../lib/service/bootstrap/sweep-attempts.ts";
import {
  bootstrapOf,
  claimAs,
  MALLORY,
  newFactory,
  rebootstrapOf,
  refusal,
} from "../support/memory-owner.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";

/** A bootstrap whose process died just before the swap. */
async function cutOff(): Promise<TestWorld> {
  const world = new TestWorld();
  const { service, faults } = world.start(({ name }) =>
    name === "heads.create" ? "process dies before" : null,
  );
  bootstrapOf(service, "tuf").catch(() => undefined);
  await faults.died;
  expect(stored(world)).toEqual({ shares: 1, archives: 1, tokens: 2, keys: 3 });
  return world;
}

function stored({ state }: TestWorld) {
  const bound = [...state.tokens.values()].filter((token) => token.bound !== null);
  return {
    shares: state.shares.size,
    archives: state.archives.size,
    tokens: bound.length,
    keys: state.signer.keys.size,
  };
}

async function sweep(world: TestWorld): Promise<readonly string[]> {
  const { service, reports } = world.start();
  await sweepAttempts(service);
  return reports;
}

describe("what a bootstrap left that no head names", () => {
  it("stays for an hour, since it may be under way", async () => {
    const world = await cutOff();
    world.advance(HOUR - 1);
    await sweep(world);
    expect(stored(world)).toEqual({ shares: 1, archives: 1, tokens: 2, keys: 3 });
  });

  it("is removed then, but for online keys, which follow after the key retention", async () => {
    const world = await cutOff();
    world.advance(2 * HOUR);
    expect(await sweep(world)).toEqual([]);
    expect(stored(world)).toEqual({ shares: 0, archives: 0, tokens: 1, keys: 3 });
    world.advance(36 * DAY);
    expect(await sweep(world)).toEqual([]);
    expect(stored(world)).toEqual({ shares: 0, archives: 0, tokens: 0, keys: 0 });
  });

  it("is removed also where its Factory was made since", async () => {
    const world = await cutOff();
    await newFactory(world, "tuf");
    world.advance(36 * DAY);
    await sweep(world);
    expect(stored(world)).toEqual({ shares: 1, archives: 1, tokens: 2, keys: 3 });
  });

  it("stays while the clock is in doubt", async () => {
    const world = await cutOff();
    world.setClock(400 * DAY);
    const process = world.start();
    await process.service.clock.mark();
    await sweepAttempts(process.service);
    expect(stored(world)).toEqual({ shares: 1, archives: 1, tokens: 2, keys: 3 });
  });

  it("stays where it is not known whether it was removed, and is removed by the next run", async () => {
    const world = await cutOff();
    world.advance(36 * DAY);
    const { service } = world.start(({ name }) =>
      name === "archives.delete" ? "not applied" : null,
    );
    await sweepAttempts(service);
    expect(stored(world)).toMatchObject({ archives: 1, tokens: 1 });
    await sweep(world);
    expect(stored(world)).toEqual({ shares: 0, archives: 0, tokens: 0, keys: 0 });
  });
});

it("keeps what a head names, and the word that a link was replaced", async () => {
  const world = new TestWorld();
  const old = await newFactory(world, "tuf");
  await rebootstrapOf(world.start().service);
  world.advance(2 * HOUR);
  const before = stored(world);
  await sweep(world);
  expect(stored(world)).toEqual(before);
  expect(await refusal(claimAs(world.start().service, old, MALLORY))).toBe("delivery-replaced");
});
