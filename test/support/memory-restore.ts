/** Copies of the service's and of the signer's database, put back one by one. */
import type { MemoryState } from "../../lib/adapters/memory/state.ts";
import type { TestWorld } from "./memory-service.ts";

export type Restored = "service" | "signer" | "both";

const OF_SERVICE = ["heads", "documents", "published", "tokens", "requests"] as const;

/** The world as it is, but for one or both databases, which are as in `backup`. */
export function restoreFrom(world: TestWorld, backup: TestWorld, which: Restored): TestWorld {
  const after = world.copy();
  const { state } = backup.copy();
  if (which !== "signer") for (const name of OF_SERVICE) put(after.state, state, name);
  if (which !== "service") {
    for (const name of Object.keys(state.signer) as (keyof MemoryState["signer"])[]) {
      put(after.state.signer, state.signer, name);
    }
  }
  return after;
}

function put<K extends PropertyKey>(
  target: Record<K, Map<unknown, unknown>>,
  source: Record<K, Map<unknown, unknown>>,
  name: K,
): void {
  target[name].clear();
  for (const [key, value] of source[name]) target[name].set(key, value);
}
