/**
 * Two who decide on the same head at once. The boundary gives each version of a role out once, so the
 * second learns there that he is not alone. All that he signed now would be for nothing: he waits for
 * the other's swap, and begins again on the newest head. Fifty publishers at once take fifty versions
 * like this; when each went for the next version instead, four of five lost until they gave up.
 */
import { RootwardError } from "../error.ts";
import type { FactoryName } from "../factory/names.ts";
import type { OnlineRole } from "../tuf/dialect.ts";
import type { ChannelRef, Heads } from "./ports.ts";

/** The longest wait before each look, in milliseconds; together at most a third of a second. */
const WAITS = [20, 40, 80, 160];

/** Thrown where a decision finds out, before its swap, that its head is the newest no more. */
export class LostRace extends RootwardError {
  constructor(factory: FactoryName) {
    super("busy", `Factory ${factory} was changed by others: try again`);
  }
}

/**
 * Waits for the swap of whoever took a version of a role. If none comes he was cut off: his version
 * is lost, and the one who waited goes on.
 *
 * @param seen the role's version in the head that was decided on
 * @throws LostRace where the role has changed
 */
export async function waitForSwap(
  heads: Heads,
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
