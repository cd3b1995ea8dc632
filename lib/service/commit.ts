/**
 * How a change is carried out (docs/architecture.md, The commit):
 *
 *   1. store the new documents           idempotent; a crash leaves documents that no head names
 *   2. publish what will be superseded   idempotent; says nothing that is not true already
 *   3. swap the head                     the commit: before it nothing changed, after it everything
 *
 * When the answer to the swap is lost, the same conditional write is repeated until it is answered.
 * If its condition fails then, the first try may have been mine: it was if, and only if, the event
 * with my random id is in the log since my base.
 */
import { isRootwardError } from "../error.ts";
import type { Transition } from "../state/transition.ts";
import type { Documents, Heads } from "./ports.ts";
import { eventsSince } from "./store.ts";

type Store = { readonly heads: Heads; readonly documents: Documents };

/** How often a write whose outcome is unknown is repeated, and how long before each repetition. */
const REPEAT_DELAYS = [10, 50, 250, 1000];

/**
 * @param ready called just before the swap; when it throws, nothing has changed
 * @returns false if another change came first; then nothing of this one is visible
 */
export async function commit(
  store: Store,
  transition: Transition,
  ready: () => void | Promise<void> = () => undefined,
): Promise<boolean> {
  await storeDocuments(store, transition);
  await ready();
  return swapHead(store, transition);
}

/** Steps 1 and 2. When this throws, the swap was not tried, so nothing has changed. */
async function storeDocuments(
  { documents: store }: Store,
  { documents, superseded }: Transition,
): Promise<void> {
  const writes = [
    ...documents.map((document) => store.put(document)),
    ...superseded.map((address) => store.publish(address)),
  ];
  // All are over before an error is told, so nothing is written behind the caller's back.
  const failed = (await Promise.allSettled(writes)).find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
}

/** Step 3. When this throws, nobody knows whether the change is there. */
async function swapHead(store: Store, transition: Transition): Promise<boolean> {
  const { base, head } = transition;
  const write = (): Promise<boolean> =>
    base === null ? store.heads.create(head) : store.heads.swap(base.revision, head);
  const { applied, repeated } = await untilAnswered(write);
  return applied || (repeated && (await wasMine(store, transition)));
}

async function untilAnswered(
  write: () => Promise<boolean>,
): Promise<{ applied: boolean; repeated: boolean }> {
  let doubt: unknown = null;
  for (const delay of [...REPEAT_DELAYS, 0]) {
    try {
      return { applied: await write(), repeated: doubt !== null };
    } catch (error) {
      // It applied nothing; what became of a try before stays unknown.
      if (isRefusedWrite(error)) throw doubt ?? error;
      doubt = error;
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
  throw doubt;
}

/** Whether a store said of a write that it applied nothing: it was full, or locked for too long. */
export function isRefusedWrite(error: unknown): boolean {
  const refused = isRootwardError(error) && error.code === "storage-unavailable";
  return refused && error.details.inDoubt !== true;
}

async function wasMine(store: Store, { base, head, eventId }: Transition): Promise<boolean> {
  const stored = await store.heads.read(head.factory);
  if (stored === null) return false;
  for await (const { id } of eventsSince(store, stored, base?.log.seq ?? 0)) {
    if (id === eventId) return true;
  }
  return false;
}
