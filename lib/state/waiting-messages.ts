/**
 * The pending messages of a head: bounded, however long messages cannot be sent and however many events
 * there are. 1,000 notices once made a head of 38 KB, and each change tried a hundred of them.
 *
 * Nothing is lost: every event is in the audit log, and a shared notice names its stretch of it. A Factory may
 * have more than 32 former owners who wait for their farewell; of those beyond, only the last gets one.
 */
import type { EventType } from "./event.ts";
import { includesEffect, type Effect, type MessageEffect } from "./effect.ts";

/** How many notices wait for one reader, each of its own event. Later events share one notice. */
const MOST = 32;
/** The same for an event that any token can cause as often as it likes. */
const MOST_COMMON = 8;
const COMMON: readonly EventType[] = ["token-minted"];

/**
 * Adds the messages about an event to those that wait already. While messages cannot be sent, the head
 * stays small: beyond a number of notices for one reader, events share one that names their stretch of the
 * log. An event that matters keeps a notice of its own for longer than one that is common.
 *
 * @param pending as stored; an earlier version kept any number of notices
 */
export function withMessages(
  pending: readonly Effect[],
  messages: readonly MessageEffect[],
  type: EventType,
): readonly Effect[] {
  const most = COMMON.includes(type) ? MOST_COMMON : MOST;
  const counts = new Map<string, number>();
  let all: readonly Effect[] = [];
  for (const effect of [...pending, ...messages]) {
    if (!isMessage(effect) || effect.events.shared) {
      all = [...all, effect];
      continue;
    }
    const key = readerKey(effect);
    const alone = counts.get(key) ?? 0;
    if (alone < (messages.includes(effect) ? most : MOST)) {
      all = [...all, effect];
      counts.set(key, alone + 1);
    } else {
      all = merge(all, effect);
    }
  }
  return all;
}

/**
 * Takes off what is done. A shared notice may have grown since it was sent; then what it grew by stays.
 *
 * @returns `pending` itself where nothing of it is done
 */
export function withoutDone(
  pending: readonly Effect[],
  done: readonly Effect[],
): readonly Effect[] {
  const left = pending.flatMap((effect): readonly Effect[] => {
    if (includesEffect(done, effect)) return [];
    if (!isMessage(effect)) return [effect];
    const sent = done.filter(isMessage).find((one) => isGrown(one, effect));
    return sent === undefined ? [effect] : [without(effect, sent)];
  });
  return left.every((effect, at) => effect === pending[at]) && left.length === pending.length
    ? pending
    : left;
}

export function isMessage(effect: Effect): effect is MessageEffect {
  return effect.kind === "notify" || effect.kind === "announce";
}

/** The reader of a notice, or programs. */
export function readerKey(effect: MessageEffect): string {
  return effect.kind === "notify" ? `notify ${effect.reader ?? ""}` : "announce";
}

function merge(all: readonly Effect[], effect: MessageEffect): readonly Effect[] {
  const one = { ...effect.events, shared: true };
  const at = all.findIndex((other) => isShared(other) && readerKey(other) === readerKey(effect));
  const shared = all[at];
  if (shared === undefined || !isMessage(shared)) return [...all, { ...effect, events: one }];
  const { first, last, count } = shared.events;
  const joined = { first, last: Math.max(last, one.last), count: count + one.count, shared: true };
  return all.with(at, { ...shared, events: joined });
}

function isShared(effect: Effect): effect is MessageEffect {
  return isMessage(effect) && effect.events.shared;
}

function isGrown(sent: MessageEffect, now: MessageEffect): boolean {
  if (!isShared(sent) || !isShared(now) || readerKey(sent) !== readerKey(now)) return false;
  const [before, after] = [sent.events, now.events];
  return before.first === after.first && before.last < after.last && before.count < after.count;
}

function without(effect: MessageEffect, { events: sent }: MessageEffect): MessageEffect {
  const { last, count } = effect.events;
  return {
    ...effect,
    events: { first: sent.last + 1, last, count: count - sent.count, shared: true },
  };
}

/** The number of events that people or programs do not know yet. */
export function untoldEvents(pending: readonly Effect[]): number {
  const events = pending.filter(isMessage).map((effect) => effect.events);
  const shared = events.filter((one) => one.shared).map(({ count }) => count);
  const alone = events.filter((one) => !one.shared).map(({ first }) => first);
  return new Set(alone).size + Math.max(0, ...shared);
}
