/**
 * Which effects of a head are carried out, and in which order. Those that are done leave the head by a swap
 * (change.ts).
 */
import type { Effect } from "../state/effect.ts";
import type { Head } from "../state/head.ts";
import { dueAt } from "../state/schedule.ts";
import { isMessage, readerKey } from "../state/waiting-messages.ts";
import { carryOut } from "./effect-runners.ts";
import type { Needs } from "./service.ts";

/** So many that the event about them stays small. */
const MAX_AT_ONCE = 100;

/** The outcome of one effect. */
export interface Outcome {
  readonly effect: Effect;
  readonly done: boolean;
  readonly error?: unknown;
}

/** Carries out what is due of a head, as much as fits one event. Never fails: what failed is reported. */
export async function runEffects(
  service: Needs<"effects" | "now" | "report" | "retries">,
  head: Head,
): Promise<readonly Outcome[]> {
  return runAll(service, head, inTurn(dueEffects(service, head)).slice(0, MAX_AT_ONCE));
}

/**
 * The same for the records of tokens that the head ended one by one.
 *
 * @returns the effects that are done
 */
export async function removeEnded(
  service: Needs<"effects" | "now" | "report" | "retries">,
  head: Head,
): Promise<readonly Effect[]> {
  const mine = head.pending.filter(
    (effect) => effect.kind === "end-token" && effect.token !== "ended",
  );
  const outcomes = await runAll(service, head, mine);
  return outcomes.filter(({ done }) => done).map(({ effect }) => effect);
}

async function runAll(
  service: Needs<"effects" | "now" | "report" | "retries">,
  head: Head,
  effects: readonly Effect[],
): Promise<readonly Outcome[]> {
  return Promise.all(effects.map(async (effect) => attempt(service, head, effect)));
}

/** Those of this process, without the messages that wait for their next try. */
export function dueEffects(
  { effects, retries, now }: Needs<"effects" | "now" | "retries">,
  head: Head,
): readonly Effect[] {
  return head.pending.filter(
    (effect) =>
      effects.includes(effect.kind) && (retries?.isDue(head.factory, effect, now()) ?? true),
  );
}

/** Whether a Factory is due for nothing but messages that wait for their next try. */
export function onlyWaits(
  service: Needs<"effects" | "now" | "policy" | "retries">,
  head: Head,
): boolean {
  if (head.pending.length === 0 || dueEffects(service, head).length > 0) return false;
  return dueAt({ ...head, pending: [] }, service.policy) > service.now();
}

export function destroys({ kind }: Effect): boolean {
  return kind.startsWith("destroy-");
}

/**
 * Destroying effects run first. The rest run round-robin by kind and reader, so one that keeps failing
 * cannot starve the others.
 */
function inTurn(effects: readonly Effect[]): readonly Effect[] {
  const groups = Object.groupBy(
    effects.filter((effect) => !destroys(effect) && effect.kind !== "follow-roots"),
    (effect) => (isMessage(effect) ? readerKey(effect) : effect.kind),
  );
  const queues = Object.values(groups).map((queue = []) => queue);
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  const rounds = Array.from({ length: longest }, (_, at) =>
    queues.flatMap((queue) => queue[at] ?? []),
  );
  const follows = effects.filter(({ kind }) => kind === "follow-roots");
  return [...follows, ...effects.filter(destroys), ...rounds.flat()];
}

async function attempt(
  service: Needs<"effects" | "now" | "report" | "retries">,
  head: Head,
  effect: Effect,
): Promise<Outcome> {
  const { factory } = head;
  const note = (done: boolean): void => service.retries?.note(factory, effect, done, service.now());
  try {
    await carryOut(service, head, effect);
    note(true);
    return { effect, done: true };
  } catch (error) {
    service.report(`${effect.kind} for ${factory}`, error, effect.kind);
    note(false);
    return { effect, done: false, error };
  }
}
