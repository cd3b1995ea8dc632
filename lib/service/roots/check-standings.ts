/**
 * Compares heads with the signer, and brings roots back that a restored head lost: the first run of the
 * schedule after a start (embedded form), or a run that an operator asks for (AWS form). One Factory after
 * the other, with turns for other work, so that a start with very many serves at once.
 */
import { isRootwardError } from "../../error.ts";
import type { FactoryName } from "../../state/names.ts";
import { line, type Line } from "../../text/line.ts";
import { readHead } from "../store.ts";
import { returnRoots } from "./return-roots.ts";
import type { Needs, Changes, Signs } from "../service.ts";
import { describeStanding, standingOf } from "./standing.ts";

/** More lines than a person reads. */
const MAX_LINES = 20;
/** More than any installation has. */
const ALL = 10_000_000;

/** The names of all Factories, in no order that lasts. */
export async function allFactories({ heads }: Needs<"heads">): Promise<readonly FactoryName[]> {
  return heads.due(Number.MAX_SAFE_INTEGER, ALL);
}

/**
 * @param say takes a line for each Factory whose head and signer differ, and at last one with the
 *   number of those that were left out
 * @param ending where it is aborted, no further Factory is begun
 * @returns how many were looked at, from the first on
 * @throws RootwardError `unavailable` where the signer is away
 */
export async function checkStandings(
  service: Needs<Changes | Signs | "verify">,
  factories: readonly FactoryName[],
  say: (text: Line) => void,
  ending?: AbortSignal,
): Promise<number> {
  let [looked, differing] = [0, 0];
  for (const factory of factories) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    if (ending?.aborted === true) break;
    looked += 1;
    try {
      const standing = await standingOf(service.boundary, await readHead(service, factory));
      const text = describeStanding(standing);
      if (text !== null) differing += 1;
      if (text !== null && differing <= MAX_LINES) say(text);
      if (standing.behind.length > 0) await returnRoots(service, factory);
    } catch (error) {
      if (isRootwardError(error) && error.code === "unavailable") throw error;
      service.report(`comparing ${factory} with its signer`, error);
    }
  }
  const more = differing - MAX_LINES;
  if (more === 1) say(line`and 1 more Factory whose head and signer differ`);
  if (more > 1) say(line`and ${more} more Factories whose heads and signer differ`);
  return looked;
}
