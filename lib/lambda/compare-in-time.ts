/**
 * A run of the schedule's function that an operator asks for, after a restore: it compares all Factories
 * with the signer, and brings back the roots that the restored table lost (docs/deploy.md). It takes no
 * Factory that it may not finish, and says from where on to go on. Nothing but the operator of the account
 * may invoke the function besides its rule.
 */
import { allFactories, checkStandings } from "../service/roots/check-standings.ts";
import type { Needs, Changes, Signs } from "../service/service.ts";
import type { Invocation } from "./handler.ts";
import { FOR_THE_LAST } from "./schedule-in-time.ts";

/** The operator's request. The rule's event has other members. */
export interface ComparisonRequest {
  /** The Factory after which to begin, by name; empty for all. */
  readonly compareAfter: string;
}

export interface Comparison {
  readonly compared: number;
  /** A line for each Factory whose head and signer differ, up to twenty, and the number of others. */
  readonly lines: readonly string[];
  /** To be sent as `compareAfter` next; null once all were compared. */
  readonly next: string | null;
}

export function isComparison(event: unknown): event is ComparisonRequest {
  if (typeof event !== "object" || event === null) return false;
  return "compareAfter" in event && typeof event.compareAfter === "string";
}

export async function compareInTime(
  service: Needs<Changes | Signs | "verify">,
  { compareAfter }: ComparisonRequest,
  invocation: Invocation,
): Promise<Comparison> {
  const time = Math.max(0, invocation.getRemainingTimeInMillis() - FOR_THE_LAST);
  const ending = AbortSignal.timeout(time);
  const all = await allFactories(service);
  const factories = all.filter((name) => name > compareAfter).toSorted();
  const lines: string[] = [];
  const say = (text: { toString(): string }): void => {
    lines.push(text.toString());
  };
  const compared = await checkStandings(service, factories, say, ending);
  const next = compared < factories.length ? (factories[compared - 1] ?? compareAfter) : null;
  return { compared, lines, next };
}
