/**
 * Effects: what a swap named in `pending`. They destroy a share or an archive, take back the mail with a link,
 * tell people and programs, and remove tokens that have ended. Each is idempotent, and each kind has its
 * runner here. change.ts takes those off the head that are done.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { decodeEvent } from "../factory/event.ts";
import { READERS, type Effect, type Events, type Reader } from "../factory/effect.ts";
import type { Head } from "../factory/head.ts";
import type { InstanceId } from "../factory/names.ts";
import { dueAt } from "../factory/schedule.ts";
import { addressOf } from "../factory/telling.ts";
import { isRemovable } from "../factory/tokens.ts";
import { isTelling, readerKey } from "../factory/waiting-notices.ts";
import type { Sha256 } from "../tuf/bytes.ts";

import type { Service } from "./service.ts";
import { catchUp, catchUpAll } from "./sign-roles.ts";
import { readEvent } from "./store.ts";

/** So many that the event about them stays small. */
const MAX_AT_ONCE = 100;

/** What became of an effect. */
export interface Outcome {
  readonly effect: Effect;
  readonly done: boolean;
  readonly error?: unknown;
}

/** Carries out what is due of a head, as much as fits one event. Never fails: what failed is reported. */
export async function runEffects(service: Service, head: Head): Promise<readonly Outcome[]> {
  return runAll(service, head, inTurn(dueEffects(service, head)).slice(0, MAX_AT_ONCE));
}

/**
 * The same for the records of tokens that the head ended one by one.
 *
 * @returns the effects that are done
 */
export async function removeEnded(service: Service, head: Head): Promise<readonly Effect[]> {
  const mine = head.pending.filter(
    (effect) => effect.kind === "end-token" && effect.token !== "ended",
  );
  const outcomes = await runAll(service, head, mine);
  return outcomes.filter(({ done }) => done).map(({ effect }) => effect);
}

async function runAll(
  service: Service,
  head: Head,
  effects: readonly Effect[],
): Promise<readonly Outcome[]> {
  return Promise.all(effects.map(async (effect) => attempt(service, head, effect)));
}

/** Those of this process, without the messages that wait for their next try. */
export function dueEffects({ effects, retries, now }: Service, head: Head): readonly Effect[] {
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

export function destroys({ kind }: Effect): boolean {
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

async function attempt(service: Service, head: Head, effect: Effect): Promise<Outcome> {
  const { factory } = head;
  const note = (done: boolean): void => service.retries?.note(factory, effect, done, service.now());
  try {
    await run(service, head, effect);
    note(true);
    return { effect, done: true };
  } catch (error) {
    service.report(`${effect.kind} for ${factory}`, error, effect.kind);
    note(false);
    return { effect, done: false, error };
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
