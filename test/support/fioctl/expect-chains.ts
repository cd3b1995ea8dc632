/** For tests: both chains are as long as they should be, and nothing is wrong with them. */
import { expect } from "@jest/globals";
import { readChains, type Chains, type Factory } from "./factory.ts";

/**
 * @param options.versions how many roots each chain has
 * @param options.onlineKeys `new` where online keys were rotated
 */
export async function expectChains(
  factory: Factory,
  options: { readonly versions: number; readonly onlineKeys?: "kept" | "new" },
): Promise<Chains> {
  const chains = await readChains(factory, options);
  expect(chains.problems).toEqual([]);
  expect([chains.ci.length, chains.prod.length]).toEqual([options.versions, options.versions]);
  return chains;
}
