/**
 * What waits to be told of, in a head: bounded, however long messages cannot be sent and however many events
 * there are. 1,000 notices once made a head of 38 KB, and each change tried a hundred of them.
 *
 * Nothing is lost: every event is in the audit log, and a shared notice names its stretch of it. A Factory may
 * have more than 32 former owners who wait for their farewell; of those beyond, only the last gets one.
 */
import type { EventType } from "./event.ts";
import type { Effect } from "./head.ts";

/** A stretch of the log, whose events of one reader became one notice. */
export interface Stretch {
  /** Numbers of the first event in it and of the last. */
  readonly first: number;
  readonly last: number;
  /** How many of the events between them the notice is about. */
  readonly count: number;
}

/** How many notices wait for one reader, each of its own event. Later events share one notice. */
const MOST = 32;
/** The same for an event that any token can cause as often as it likes. */
const MOST_COMMON = 8;
const COMMON: readonly EventType[] = ["token-minted"];

/**
 * Adds what tells of an event to what waits already. While messages cannot be sent, the head stays small:
 * beyond a number of notices for one reader, events share one that names their stretch of the log. An event
 * that matters keeps a notice of its own for longer than one that is common.
 *
 * @param pending as stored; an earlier version kept any number of notices
 */
export function withTelling(
  pending: readonly Effect[],
  telling: readonly Effect[],
  type: EventType,
): readonly Effect[] {
  const most = COMMON.includes(type) ? MOST_COMMON : MOST;
  const counts = new Map<string, number>();
  let all: readonly Effect[] = [];
  for (const effect of [...pending, ...telling]) {
    const alone = counts.get(readerKey(effect)) ?? 0;
    const merges = isTelling(effect) && alone >= (telling.includes(effect) ? most : MOST);
    if (merges && !isMerged(effect)) all = merge(all, effect);
    else all = [...all, effect];
    if (!isMerged(effect) && !merges) counts.set(readerKey(effect), alone + 1);
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
  const left = pending.flatMap((effect) => {
    if (done.some(({ kind, ref }) => kind === effect.kind && ref === effect.ref)) return [];
    const sent = done.find((one) => isGrown(one, effect));
    return sent === undefined ? [effect] : [without(effect, stretchOf(sent.ref))];
  });
  return left.every((effect, at) => effect === pending[at]) && left.length === pending.length
    ? pending
    : left;
}

export function isTelling({ kind }: Effect): boolean {
  return kind === "notify" || kind === "announce";
}

/** Whether an effect tells of a stretch of the log. */
export function isMerged({ kind, ref }: Effect): boolean {
  return (kind === "notify" || kind === "announce") && /^\d+-/.test(ref);
}

/** Of which reader an effect tells, or that it tells programs. */
export function readerKey({ kind, ref }: Effect): string {
  const [, reader = ""] = ref.split(" ");
  return kind === "notify" ? `${kind} ${reader}` : kind;
}

/** The events that a `notify` or `announce` effect tells of; a single one nearly always. */
export function stretchOf(ref: string): Stretch {
  const [, first, last = first, count = "1"] = /^(\d+)(?:-(\d+)\/(\d+))?/.exec(ref) ?? [];
  return { first: Number(first), last: Number(last), count: Number(count) };
}

function withStretch({ kind, ref }: Effect, { first, last, count }: Stretch): Effect {
  const [, reader] = ref.split(" ");
  return { kind, ref: `${first}-${last}/${count}${reader === undefined ? "" : ` ${reader}`}` };
}

function merge(all: readonly Effect[], effect: Effect): readonly Effect[] {
  const one = stretchOf(effect.ref);
  const at = all.findIndex((other) => isMerged(other) && readerKey(other) === readerKey(effect));
  const shared = all[at];
  if (shared === undefined) return [...all, withStretch(effect, one)];
  const { first, last, count } = stretchOf(shared.ref);
  return all.with(
    at,
    withStretch(effect, { first, last: Math.max(last, one.last), count: count + one.count }),
  );
}

function isGrown(sent: Effect, now: Effect): boolean {
  if (!isMerged(sent) || !isMerged(now) || readerKey(sent) !== readerKey(now)) return false;
  const [before, after] = [stretchOf(sent.ref), stretchOf(now.ref)];
  return before.first === after.first && before.last < after.last && before.count < after.count;
}

function without(effect: Effect, sent: Stretch): Effect {
  const { last, count } = stretchOf(effect.ref);
  return withStretch(effect, { first: sent.last + 1, last, count: count - sent.count });
}

/** How many events people or programs are still to be told of. */
export function untoldEvents(pending: readonly Effect[]): number {
  const telling = pending.filter(isTelling);
  const merged = telling.filter(isMerged).map(({ ref }) => stretchOf(ref).count);
  const alone = telling.filter((effect) => !isMerged(effect));
  return new Set(alone.map(({ ref }) => ref.split(" ")[0])).size + Math.max(0, ...merged);
}
