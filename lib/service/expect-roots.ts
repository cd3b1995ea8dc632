/**
 * Before a root becomes current the signing boundary verifies it and expects it: should the head be
 * restored to before the swap, the keys that the root lists are there. Nothing is signed or swapped
 * where the boundary is away.
 */
import { isRootwardError, type ErrorCode } from "../error.ts";
import type { Head } from "../factory/head.ts";
import type { AcceptedRoot } from "../factory/roles.ts";
import { LostRace } from "./lost-race.ts";
import type { Service } from "./service.ts";

const BY_BOUNDARY: readonly ErrorCode[] = ["signing-refused", "chain-broken"];

/** @throws LostRace where the boundary follows another root meanwhile, since a swap came first */
export async function expectRoots(
  { boundary, heads }: Service,
  head: Head,
  accepted: readonly AcceptedRoot[],
): Promise<void> {
  const { factory, instance, dialect, revision } = head;
  try {
    for (const { channel, document } of accepted) {
      await boundary.expect({ factory, instance, dialect, channel }, document.bytes);
    }
  } catch (error) {
    if (!isRootwardError(error) || !BY_BOUNDARY.includes(error.code)) throw error;
    if ((await heads.read(factory))?.revision !== revision) throw new LostRace(factory);
    throw error;
  }
}
