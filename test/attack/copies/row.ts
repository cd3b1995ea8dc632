/** One line of "What a copy yields" in docs/threat-model.md, and the attack that it tells of. */
import type { Stolen } from "./thief-search.ts";
import { rootKeysIn } from "./thief.ts";

export interface Row {
  /** What somebody has. */
  readonly copy: string;
  readonly yields: boolean;
  readonly why: string;
  /** @returns whether the root private key came out */
  readonly attack: () => Promise<boolean>;
}

export function no(copy: string, why: string, attack: Row["attack"]): Row {
  return { copy, yields: false, why, attack };
}

export function yes(copy: string, why: string, attack: Row["attack"]): Row {
  return { copy, yields: true, why, attack };
}

/** Whether the private half of `rootKey` can be had from one of these hauls. */
export function foundIn(rootKey: string, ...hauls: readonly (readonly Stolen[])[]): boolean {
  if (hauls.some((haul) => haul.length === 0)) throw new Error("nothing was stolen");
  return hauls.some((haul) => rootKeysIn(haul).has(rootKey));
}

/** A story is told once, for all rows that need it. */
export function once<T>(tell: () => Promise<T>): () => Promise<T> {
  let told: Promise<T> | undefined;
  return () => (told ??= tell());
}
