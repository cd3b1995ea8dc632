/**
 * The only way to alter a Factory: authorise, decide, commit; who calls runs the effects. All of it for
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
 * takes none (`changeAtOnce`): whoever has the turn loses the swap, and then meets the revocation in
 * step 1 or 2. Nothing here may be called from within `decide`: it would wait for its own turn.
 */
import { RootwardError } from "../error.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName } from "../factory/names.ts";
import type { Transition } from "../factory/transition.ts";
import { assertUsable, authorizeAgain, type Principal } from "./authority.ts";
import { commit, isRefusedWrite, readHead } from "./commit.ts";
import { LostRace } from "./lost-race.ts";
import type { Ports } from "./ports.ts";

/**
 * Who changes a Factory: a token; the service itself; or whoever holds the link, which `decide` checks
 * against the head.
 */
export type Authority = Principal | "schedule" | "link";

export interface Decision {
  /** Null where nothing is to change. */
  readonly transition: Transition | null;
}

type ChangePorts = Pick<Ports, "heads" | "documents" | "tokens" | "turns" | "now" | "report">;

/** How often a change is decided again after another one's swap. */
const MAX_ROUNDS = 100;

/**
 * Changes one Factory.
 *
 * @param decide pure but for reads: called once for every head that is tried
 * @param abandon removes what was stored for the change; called when it fails, unless it is unknown
 *   whether a swap that names it was applied
 * @returns the decision that was committed, or that wanted no change
 * @throws RootwardError `unauthenticated` or `forbidden` where the authority has ended; `not-found`;
 *   `busy` when others keep coming first, or too many wait
 */
export async function change<D extends Decision>(
  service: ChangePorts,
  factory: FactoryName,
  by: Authority,
  decide: (head: Head) => D | Promise<D>,
  abandon?: () => Promise<void>,
): Promise<D> {
  const swap = { inDoubt: false };
  try {
    const work = roundsOf(service, factory, by, decide, swap);
    return await service.turns.take(factory, holderOf(by), work);
  } catch (error) {
    if (!swap.inDoubt || isRefusedWrite(error)) await cleanUp(service, factory, abandon);
    throw error;
  }
}

/**
 * `change` that waits for nobody's signature and takes no turn: for what ends a token.
 *
 * @param decide may not ask the signing boundary
 */
export async function changeAtOnce<D extends Decision>(
  service: ChangePorts,
  factory: FactoryName,
  by: Principal,
  decide: (head: Head) => D | Promise<D>,
): Promise<D> {
  const { id: holder, mintedBy } = by.token;
  const work = roundsOf(service, factory, by, decide, { inDoubt: false });
  return service.turns.pass(factory, { holder, first: mintedBy === undefined }, work);
}

/** `change` by the service itself. */
export async function update<D extends Decision>(
  service: ChangePorts,
  factory: FactoryName,
  decide: (head: Head) => D | Promise<D>,
): Promise<D> {
  return change(service, factory, "schedule", decide);
}

/**
 * Creates a Factory. There is no head to read yet: the token is read again after everything that the
 * creation waits for, and the swap follows at once.
 *
 * @param abandon as for {@link change}
 * @returns false where there is a Factory of this name
 */
export async function create(
  service: ChangePorts,
  by: Principal,
  transition: Transition,
  abandon: () => Promise<void>,
): Promise<boolean> {
  const swap = { inDoubt: false };
  try {
    const applied = await commit(service, transition, async () => {
      await authorizeAgain(service, by, null);
      swap.inDoubt = true;
    });
    if (applied) return true;
  } catch (error) {
    if (!swap.inDoubt || isRefusedWrite(error)) {
      await cleanUp(service, transition.head.factory, abandon);
    }
    throw error;
  }
  await cleanUp(service, transition.head.factory, abandon);
  return false;
}

/** All rounds, each on the newest head. */
function roundsOf<D extends Decision>(
  service: ChangePorts,
  factory: FactoryName,
  by: Authority,
  decide: (head: Head) => D | Promise<D>,
  swap: { inDoubt: boolean },
): (lost: () => Promise<void>) => Promise<D> {
  return async (lost) => {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const decision = await decideOnce(service, factory, by, decide, swap);
      if (decision !== null) return decision;
      await lost();
    }
    throw new RootwardError("busy", `Factory ${factory} is changing too fast: try again`);
  };
}

/**
 * One round.
 *
 * @param swap told whether a swap was tried of which nobody knows whether it was applied
 * @returns null where another change came first
 */
async function decideOnce<D extends Decision>(
  service: ChangePorts,
  factory: FactoryName,
  by: Authority,
  decide: (head: Head) => D | Promise<D>,
  swap: { inDoubt: boolean },
): Promise<D | null> {
  try {
    const head = await readHead(service.heads, factory);
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
    if (error instanceof LostRace) return null;
    throw error;
  }
}

/** The caller learns why the change failed, and not that its remains could not be removed. */
async function cleanUp(
  { report }: Pick<Ports, "report">,
  factory: FactoryName,
  abandon: (() => Promise<void>) | undefined,
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
