/**
 * Before a root becomes current the signing boundary verifies it and expects it: should the head be
 * restored to before the swap, the keys that the root lists are there. Nothing is signed or swapped
 * where the boundary is away.
 */
import type { Head } from "../../state/head.ts";
import type { AcceptedRoot } from "../../state/roles.ts";
import type { Service } from "../service.ts";

export async function expectRoots(
  { boundary }: Pick<Service, "boundary">,
  { factory, instance, dialect }: Head,
  accepted: readonly AcceptedRoot[],
): Promise<void> {
  for (const { channel, document } of accepted) {
    await boundary.expect({ factory, instance, dialect, channel }, document.bytes);
  }
}
