/** What the first run of the schedule after a start says of Factories whose heads and signer differ. */
import { beforeAll, expect, test } from "vitest";
import type { FactoryName } from "../../lib/state/names.ts";
import { allFactories, checkStandings } from "../../lib/service/roots/check-standings.ts";
import type { Service } from "../../lib/service/service.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import { bootstrapOf } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

const FACTORIES = 23;

const names = Array.from({ length: FACTORIES }, (_, at) => `f${at}` as FactoryName);
const world = new TestWorld();
beforeAll(async () => {
  const { service } = world.start();
  for (const factory of names) await bootstrapOf(service, "tuf", { factory, delivery: "api" });
});

async function saidBy(service: Service): Promise<readonly string[]> {
  const said: string[] = [];
  await checkStandings(service, await allFactories(service), (text) => said.push(String(text)));
  return said;
}

/** A world whose signer does not know so many of the Factories. */
function forgetful(count: number): TestWorld {
  const copy = world.copy();
  for (const factory of names.slice(0, count)) {
    for (const name of copy.state.signer.roots.keys()) {
      if (name.startsWith(`${factory} `)) copy.state.signer.roots.delete(name);
    }
  }
  return copy;
}

test("nothing, where all agree", async () => {
  expect(await saidBy(world.start().service)).toEqual([]);
});

test.each([1, 20])("a line for each of %s", async (count) => {
  const said = await saidBy(forgetful(count).start().service);
  expect(said.toSorted()).toEqual(
    names
      .slice(0, count)
      .map((factory) => `${factory}: the signer does not know this Factory`)
      .toSorted(),
  );
});

test.each([
  [21, "and 1 more Factory whose head and signer differ"],
  [FACTORIES, "and 3 more Factories whose heads and signer differ"],
])("twenty lines for %s, and then how many more there are", async (count, last) => {
  const said = await saidBy(forgetful(count).start().service);
  expect(said).toHaveLength(21);
  expect(new Set(said).size).toBe(21);
  expect(said.at(-1)).toBe(last);
});

test("the others, where one cannot be compared, which is reported", async () => {
  const { service, reports } = forgetful(2).start();
  const broken = withBoundary(service, {
    heldKeys: async (ref) => {
      if (ref.factory === names[0]) throw new Error("its records are damaged");
      return service.boundary.heldKeys(ref);
    },
  });
  expect(await saidBy(broken)).toEqual([`${names[1]}: the signer does not know this Factory`]);
  expect(reports).toEqual([`comparing ${names[0]} with its signer: its records are damaged`]);
});
