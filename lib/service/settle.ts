/**
 * Doing what a swap named in `pending`: destroying a share or an archive, taking back the mail with
 * a link, telling people and programs, removing tokens that have ended. Each effect is idempotent; done ones leave by a swap of their
 * own. A crash in between only means that the schedule, for which the Factory is due at once, does
 * them again.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { decodeEvent } from "../factory/event.ts";
import {
  includesEffect,
  READERS,
  toStored,
  type Effect,
  type Events,
  type Reader,
} from "../factory/effect.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName, InstanceId } from "../factory/names.ts";
import { dueAt } from "../factory/schedule.ts";
import { addressOf } from "../factory/telling.ts";
import { isRemovable } from "../factory/tokens.ts";
import { isTelling, readerKey, withoutDone } from "../factory/waiting-notices.ts";
import { advance, type Transition } from "../factory/transition.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import { jsonObject } from "../tuf/json.ts";
import { update } from "./change.ts";
import { readHead } from "./commit.ts";
import { readEvent } from "./read.ts";
import { moment, type Service } from "./service.ts";
import { catchUp, catchUpAll } from "./sign-roles.ts";

const MAX_AT_ONCE = 100;

/**
 * Runs what is pending.
 *
 * @throws RootwardError `internal` if a share or an archive could not be destroyed, or
 *   `storage-unavailable` where the disk is the reason; a notice that could not be sent is reported,
 *   stays pending, and fails nobody
 */
export async function settle(service: Service, factory: FactoryName): Promise<void> {
  // What is named here is about this head's bootstrap, whatever takes its place meanwhile.
  const head = await readHead(service.heads, factory);
  const mine = dueEffects(service, head);
  if (mine.length === 0) return;
  // So many that the event about them stays small.
  const pending = inTurn(mine).slice(0, MAX_AT_ONCE);
  const results = await Promise.all(
    pending.map(async (effect) => ({ effect, ...(await attempt(service, head, effect)) })),
  );
  const done = results.filter((result) => result.done).map(({ effect }) => effect);
  if (done.length > 0) {
    await update(service, factory, (newest) => ({
      transition: settled(service, newest, done),
    }));
  }
  const left = mine.filter((effect) => destroys(effect) && !done.includes(effect));
  if (left.length === 0) return;
  // Another process may have done it meanwhile, and taken it off.
  const newest = await readHead(service.heads, factory);
  const still = left.find((effect) => includesEffect(newest.pending, effect));
  if (still === undefined) return;
  const error = results.find(({ effect }) => effect === still)?.error;
  if (isRootwardError(error) && error.code === "storage-unavailable") throw error;
  throw new RootwardError("internal", `${still.kind} did not succeed yet`);
}

/** Those of this process, without the messages that wait for their next try. */
function dueEffects({ effects, retries, now }: Service, head: Head): readonly Effect[] {
  return head.pending.filter(
    (effect) =>
      (effects?.includes(effect.kind) ?? true) &&
      (retries?.isDue(head.factory, effect, now()) ?? true),
  );
}

/** Whether a Factory is due for nothing but messages that wait for their next try. */
export function onlyWaits(service: Service, head: Head): boolean {
  if (head.pending.length === 0 || dueEffects(service, head).length > 0) return false;
  return dueAt({ ...head, pending: [] }, service.policy) > service.now();
}

function destroys({ kind }: Effect): boolean {
  return kind.startsWith("destroy-");
}

/**
 * What destroys first, and then by turns one of each kind, and of each reader: what fails again and again
 * keeps nothing else, and nobody else, from its turn.
 */
function inTurn(effects: readonly Effect[]): readonly Effect[] {
  const groups = Object.groupBy(
    effects.filter((effect) => !destroys(effect) && effect.kind !== "follow-roots"),
    (effect) => (isTelling(effect) ? readerKey(effect) : effect.kind),
  );
  const queues = Object.values(groups).map((queue = []) => queue);
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  const rounds = Array.from({ length: longest }, (_, at) =>
    queues.flatMap((queue) => queue[at] ?? []),
  );
  const follows = effects.filter(({ kind }) => kind === "follow-roots");
  return [...follows, ...effects.filter(destroys), ...rounds.flat()];
}

/** The same where the answer does not depend on it: what fails is reported and left to the schedule. */
export async function settleQuietly(service: Service, factory: FactoryName): Promise<void> {
  try {
    await settle(service, factory);
  } catch (error) {
    service.report(`effects of ${factory}`, error);
  }
}

/**
 * The same after a swap: where nothing is pending, nothing is read either.
 *
 * @param transition null where there was nothing to change
 */
export async function settleAfter(service: Service, transition: Transition | null): Promise<void> {
  if (transition === null || transition.head.pending.length === 0) return;
  await settleQuietly(service, transition.head.factory);
}

function settled(service: Service, head: Head, done: readonly Effect[]) {
  const still = done.filter((effect) => withoutDone(head.pending, [effect]) !== head.pending);
  if (still.length === 0) return null;
  const details = jsonObject({ done: still.map((effect) => jsonObject({ ...toStored(effect) })) });
  return advance(
    head,
    { head: {}, done: still, type: "effects-done", details },
    moment(service, "schedule"),
  );
}

async function attempt(
  service: Service,
  head: Head,
  effect: Effect,
): Promise<{ readonly done: boolean; readonly error?: unknown }> {
  const { factory } = head;
  const note = (done: boolean): void => service.retries?.note(factory, effect, done, service.now());
  try {
    await run(service, head, effect);
    note(true);
    return { done: true };
  } catch (error) {
    service.report(`${effect.kind} for ${factory}`, error, effect.kind);
    note(false);
    return { done: false, error };
  }
}

async function run(service: Service, head: Head, effect: Effect): Promise<void> {
  switch (effect.kind) {
    case "follow-roots":
      await catchUp(service, head, effect.channel);
      return;
    case "destroy-share":
      return service.shares.destroy(effect.idHash);
    case "destroy-archive":
      return service.archives.delete(effect.idHash);
    case "destroy-key":
      return destroyKey(service, head, effect);
    case "forget-instance":
      return forgetInstance(service, head, effect.instance);
    case "withdraw-link":
      return service.notifier.withdrawLink(effect.idHash);
    case "notify":
      return notify(service, head, effect);
    case "announce":
      return announce(service, head, effect.events);
    case "end-token":
      return endTokens(service, head, effect.token);
    case "later":
      throw new RootwardError("internal", "only a later release can carry out this effect");
  }
}

/** The boundary destroys no key that a root it trusts lists, so it follows the chains first. */
async function destroyKey(
  service: Service,
  head: Head,
  { role, keyid }: Extract<Effect, { readonly kind: "destroy-key" }>,
): Promise<void> {
  await catchUpAll(service, head);
  await unlessExpected(service.boundary.destroyKey(head, role, keyid));
}

/**
 * A key that an expected root lists stays: a root that was cancelled after it was signed may be on a
 * device. The boundary sweeps it once another root has that number.
 */
async function unlessExpected(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const refused = isRootwardError(error) && error.code === "signing-refused";
    if (!refused || error.details.facts?.["expected"] === undefined) throw error;
  }
}

/** What is left of an earlier bootstrap: its online keys, and its tokens, which are good for nothing. */
async function forgetInstance(
  service: Service,
  { factory, dialect, instance: current }: Head,
  instance: InstanceId,
): Promise<void> {
  if (instance === current) {
    throw new RootwardError("internal", "effect names no earlier instance");
  }
  await unlessExpected(service.boundary.abandon({ factory, instance, dialect }));
  for (const { bound, hash } of await service.tokens.list(factory)) {
    if (bound?.instance === instance) await service.tokens.delete(hash);
  }
}

async function notify(
  service: Service,
  head: Head,
  { reader: only, events }: { readonly reader: Reader | null; readonly events: Events },
): Promise<void> {
  const { factory } = head;
  const about = await eventsOf(service, head, events);
  for (const reader of only === null ? READERS : [only]) {
    const email = addressOf(reader, head, about.event.details);
    if (email !== null) await service.notifier.notify({ factory, reader, email, ...about });
  }
}

async function announce(service: Service, head: Head, events: Events): Promise<void> {
  const about = await eventsOf(service, head, events);
  await service.notifier.announce({ factory: head.factory, ...about });
}

/** The newest event of a notice, and the stretch of the log that a shared one is about. */
async function eventsOf(service: Service, head: Head, { shared, ...stretch }: Events) {
  const event = decodeEvent(await readEvent(service, head, stretch.last));
  return shared ? { event, stretch } : { event };
}

/** Removes the record of a token that was revoked, or all that are good for nothing. */
async function endTokens(service: Service, head: Head, ended: Sha256 | "ended"): Promise<void> {
  if (ended !== "ended") return service.tokens.delete(ended);
  for (const token of await service.tokens.list(head.factory)) {
    const isOfHead = token.bound?.instance === head.instance;
    if (isOfHead && isRemovable(head, token)) await service.tokens.delete(token.hash);
  }
}

/**
 * Removes the records of tokens that a head ended one by one. Never fails: the effects are still pending.
 *
 * @returns the effects that are done
 */
export async function removeEnded(service: Service, head: Head): Promise<readonly Effect[]> {
  const mine = head.pending.filter(
    (effect) => effect.kind === "end-token" && effect.token !== "ended",
  );
  const results = await Promise.all(
    mine.map(async (effect) => ({ effect, ...(await attempt(service, head, effect)) })),
  );
  return results.filter(({ done }) => done).map(({ effect }) => effect);
}
