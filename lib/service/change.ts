/**
 * The only way to alter a Factory: authorise, decide, commit, carry out the effects. The first three are for
 * one head, in this order:
 *
 *   1. read the head
 *   2. read the token again            it must be good now, for this head
 *   3. decide                          on this head, and nothing read before it
 *   4. store documents, swap the head  only if it still has the revision that was read (commit.ts)
 *
 * When another change came first, all of it again. A revocation changes the head in the swap that ends
 * a token. So a change whose swap comes after that swap has met it in step 1 or 2, however long before it
 * the request began.
 *
 * Those who change one Factory take turns (ports.ts), so that they seldom decide in vain. A revocation
 * takes none: the holder of the turn loses the swap, and then meets the revocation in step 1 or 2. Nothing
 * here may be called from within `decide`: it would wait for its own turn.
 *
 * Effects that are done leave the head by a swap of their own. A crash in between only means that the
 * schedule, for which the Factory is due at once, carries them out again.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { includesEffect, toStored, type Effect } from "../state/effect.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { advance, type Transition } from "../state/transition.ts";
import { withoutDone } from "../state/waiting-messages.ts";
import { jsonObject } from "../tuf/json.ts";
import { assertUsable, authorizeAgain, type Principal } from "./authority.ts";
import { commit, isRefusedWrite } from "./commit.ts";
import { destroys, dueEffects, runEffects } from "./effects.ts";
import type { Ports } from "./ports.ts";
import { inRounds, isLostRace } from "./rounds.ts";
import { eventContext, type Needs, type Changes } from "./service.ts";
import { readHead } from "./store.ts";

/**
 * The authority of a change: a token, the service itself, or the holder of the link, which `decide` checks
 * against the head.
 */
type Authority = Principal | "schedule" | "link";

/**
 * When the effects of a swap are carried out:
 *
 *   required    before the answer; the change fails where something could not be destroyed
 *   awaited     before the answer; the change stands, and the schedule does what failed
 *   afterwards  by the schedule
 */
type Effects = "required" | "awaited" | "afterwards";

interface ChangeSpec {
  readonly factory: FactoryName;
  readonly by: Authority;
  readonly effects: Effects;
  /**
   * Removes what was stored for the change. Called when it fails, unless it is unknown whether a swap that
   * names it was applied.
   */
  readonly abandon?: () => Promise<void>;
}

export interface Decision {
  /** Null where nothing is to change. */
  readonly transition: Transition | null;
}

/** @param head the newest; called once for every head that is tried. May read, and ask the boundary */
type Decide<D> = (head: Head) => D | Promise<D>;

/** Whether a swap was tried of which nobody knows whether it was applied. */
interface Doubt {
  inDoubt: boolean;
}

/**
 * Changes one Factory.
 *
 * @returns the decision that was committed, or that wanted no change
 * @throws RootwardError `unauthenticated` or `forbidden` where the authority has ended; `not-found`;
 *   `busy` when others keep coming first, or too many wait
 */
export async function change<D extends Decision>(
  service: Needs<Changes>,
  spec: ChangeSpec,
  decide: Decide<D>,
): Promise<D> {
  const swap = { inDoubt: false };
  const rounds = roundsOf(service, spec, decide, swap);
  const decision = await orAbandon(service, spec, swap, () =>
    service.turns.take(spec.factory, holderOf(spec.by), rounds),
  );
  await carryOut(service, spec, decision.transition);
  return decision;
}

/**
 * `change` that waits for the store alone: for no turn, no signature and no effect. For what ends a token.
 *
 * @param decide may not ask the signing boundary
 */
export async function changeAtOnce<D extends Decision>(
  service: Needs<Changes>,
  factory: FactoryName,
  by: Principal,
  decide: Decide<D>,
): Promise<D> {
  const { id: holder, mintedBy } = by.token;
  const rounds = roundsOf(service, { factory, by }, decide, { inDoubt: false });
  return service.turns.pass(factory, { holder, first: mintedBy === undefined }, rounds);
}

/**
 * Creates a Factory. There is no head to read yet: the token is read again after everything that the
 * creation waits for, and the swap follows at once.
 *
 * @returns false where there is a Factory of this name
 */
export async function create(
  service: Needs<Changes>,
  spec: Omit<ChangeSpec, "by"> & { readonly by: Principal },
  transition: Transition,
): Promise<boolean> {
  const swap = { inDoubt: false };
  const applied = await orAbandon(service, spec, swap, () =>
    commit(service, transition, async () => {
      await authorizeAgain(service, spec.by, null);
      swap.inDoubt = true;
    }),
  );
  if (applied) await carryOut(service, spec, transition);
  else await cleanUp(service, spec);
  return applied;
}

/**
 * Carries out what is pending.
 *
 * @throws RootwardError `internal` if a share or an archive could not be destroyed, or
 *   `storage-unavailable` where the disk is the reason; a notice that could not be sent is reported,
 *   stays pending, and fails nobody
 */
export async function runPending(service: Needs<Changes>, factory: FactoryName): Promise<void> {
  // These effects belong to this head's bootstrap, even if another one replaces it meanwhile.
  const head = await readHead(service, factory);
  const due = dueEffects(service, head);
  if (due.length === 0) return;
  const outcomes = await runEffects(service, head);
  const done = outcomes.filter((outcome) => outcome.done).map(({ effect }) => effect);
  if (done.length > 0) {
    const by = { factory, by: "schedule", effects: "afterwards" } as const;
    await change(service, by, (newest) => ({ transition: withoutEffects(service, newest, done) }));
  }
  const left = due.filter((effect) => destroys(effect) && !done.includes(effect));
  if (left.length === 0) return;
  // Another process may have done it meanwhile, and taken it off.
  const newest = await readHead(service, factory);
  const still = left.find((effect) => includesEffect(newest.pending, effect));
  if (still === undefined) return;
  const error = outcomes.find(({ effect }) => effect === still)?.error;
  if (isRootwardError(error) && error.code === "storage-unavailable") throw error;
  throw new RootwardError("internal", `${still.kind} did not succeed yet`);
}

/** The one ending. @param transition null where there was nothing to change */
async function carryOut(
  service: Needs<Changes>,
  { factory, effects }: Pick<ChangeSpec, "factory" | "effects">,
  transition: Transition | null,
): Promise<void> {
  // Also where nothing was to change: what an earlier change required may have been cut off.
  if (effects === "required") return runPending(service, factory);
  if (effects === "afterwards" || (transition?.head.pending ?? []).length === 0) return;
  try {
    await runPending(service, factory);
  } catch (error) {
    service.report(`effects of ${factory}`, error);
  }
}

function withoutEffects(
  service: Needs<"clock" | "now" | "policy" | "randomBytes">,
  head: Head,
  done: readonly Effect[],
): Transition | null {
  const still = done.filter((effect) => withoutDone(head.pending, [effect]) !== head.pending);
  if (still.length === 0) return null;
  const details = jsonObject({ done: still.map((effect) => jsonObject({ ...toStored(effect) })) });
  const taken = { head: {}, done: still, type: "effects-done", details } as const;
  return advance(head, taken, eventContext(service, "schedule"));
}

/** All rounds, each on the newest head. */
function roundsOf<D extends Decision>(
  service: Needs<Changes>,
  spec: Pick<ChangeSpec, "factory" | "by">,
  decide: Decide<D>,
  swap: Doubt,
): (lost: () => Promise<void>) => Promise<D> {
  const busy = `Factory ${spec.factory} is changing too fast: try again`;
  return async (lost) => inRounds(() => round(service, spec, decide, swap), busy, lost);
}

/** @returns null where another change came first */
async function round<D extends Decision>(
  service: Needs<Changes>,
  { factory, by }: Pick<ChangeSpec, "factory" | "by">,
  decide: Decide<D>,
  swap: Doubt,
): Promise<D | null> {
  const head = await readHead(service, factory);
  try {
    const token = typeof by === "string" ? null : await authorizeAgain(service, by, head);
    const decision = await decide(head);
    if (decision.transition === null) return decision;
    const applied = await commit(service, decision.transition, () => {
      // Signing takes time: a token that expired meanwhile changes nothing.
      if (token !== null) assertUsable(token, service.now());
      swap.inDoubt = true;
    });
    swap.inDoubt = false;
    return applied ? decision : null;
  } catch (error) {
    if (await isLostRace(service, head, error)) return null;
    throw error;
  }
}

async function orAbandon<T>(
  service: Needs<"report">,
  spec: Pick<ChangeSpec, "factory" | "abandon">,
  swap: Doubt,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!swap.inDoubt || isRefusedWrite(error)) await cleanUp(service, spec);
    throw error;
  }
}

/** The caller learns why the change failed, and not that its remains could not be removed. */
async function cleanUp(
  { report }: Pick<Ports, "report">,
  { factory, abandon }: Pick<ChangeSpec, "factory" | "abandon">,
): Promise<void> {
  try {
    await abandon?.();
  } catch (error) {
    report(`removing what was stored for a change of ${factory}`, error);
  }
}

function holderOf(by: Authority): string {
  return typeof by === "string" ? by : by.token.id;
}
