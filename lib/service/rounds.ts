/**
 * The one loop for whatever may have to begin anew because others came first. It is bounded. A race whose
 * losers must not all come back at once waits at random, here.
 */
import { isRootwardError, RootwardError, type ErrorCode } from "../error.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import type { OnlineRole } from "../tuf/dialect.ts";
import type { ChannelRef, Ports } from "./ports.ts";
import { isSuperseded } from "./store.ts";

const MAX_ROUNDS = 100;

/**
 * @param round null where others came first
 * @param busy what the caller is told when that was so in every round
 * @param lost called between two rounds
 * @throws RootwardError `busy`
 */
export async function inRounds<T>(
  round: () => Promise<T | null>,
  busy: string,
  lost: () => Promise<void> = async () => undefined,
): Promise<T> {
  for (let left = MAX_ROUNDS; left > 0; left -= 1) {
    const result = await round();
    if (result !== null) return result;
    await lost();
  }
  throw new RootwardError("busy", busy);
}

/** Thrown where a decision finds out, before its swap, that its head is the newest no more. */
export class LostRace extends RootwardError {
  constructor(factory: FactoryName) {
    super("busy", `Factory ${factory} was changed by others: try again`);
  }
}

/** The boundary follows a swap. It may refuse what was decided on the head before, and be right. */
const BY_BOUNDARY: readonly ErrorCode[] = ["signing-refused", "chain-broken", "roots-behind"];

/** @param error why a decision on `head` failed; @returns whether the reason may be that others came first */
export async function isLostRace(
  service: Pick<Ports, "heads">,
  head: Head,
  error: unknown,
): Promise<boolean> {
  if (error instanceof LostRace) return true;
  const refused = isRootwardError(error) && BY_BOUNDARY.includes(error.code);
  return refused && isSuperseded(service, head);
}

/** The longest wait before each look, in milliseconds; together at most a third of a second. */
const WAITS = [20, 40, 80, 160];

/**
 * Two writers may decide on the same head at once. The boundary gives out each version of a role once, so
 * the second writer learns of the first there. All that it signed now would be for nothing. It waits for
 * the other's swap, and begins again on the newest head. Fifty publishers at once take fifty versions like
 * this; when each went for the next version instead, four of five lost until they gave up.
 *
 * If no swap comes, the other was cut off. That version is lost, and the one that waited goes on.
 *
 * @param seen the role's version in the head that was decided on
 * @throws LostRace where the role has changed
 */
export async function waitForSwap(
  { heads }: Pick<Ports, "heads">,
  { factory, channel }: ChannelRef,
  role: OnlineRole,
  seen: number | undefined,
): Promise<void> {
  for (const longest of WAITS) {
    // At random: those who lost at once must not all come back at once.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
    const newest = (await heads.read(factory))?.roles[channel]?.[role];
    if (newest?.version !== seen) throw new LostRace(factory);
  }
}
