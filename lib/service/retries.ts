/**
 * When telling is tried again after it failed: after 1, 2, 4 and so on up to 60 minutes, for each Factory
 * and each reader. Without it every change of a Factory, and every run of the schedule, tried a hundred old
 * messages again. A message about a new event is tried at once, however often others failed.
 *
 * It is kept in memory. A process that starts tries everything, so an operator who repaired the mail
 * restarts the service and waits for nothing. Destruction is never put off.
 */
import type { Effect, MessageEffect } from "../state/effect.ts";
import type { FactoryName } from "../state/names.ts";
import { isMessage, readerKey } from "../state/waiting-messages.ts";

const MINUTE = 60_000;
const LONGEST = 60 * MINUTE;
/** Far more than fail at a time. The oldest is forgotten first: then it is tried once more than it must be. */
const REMEMBERED = 20_000;

interface Failing {
  readonly failedAt: number;
  /** Milliseconds. */
  readonly wait: number;
  /** The newest event that was tried. */
  readonly tried: number;
}

export class Retries {
  readonly #failing = new Map<string, Failing>();

  /** @param now milliseconds since 1970 */
  isDue(factory: FactoryName, effect: Effect, now: number): boolean {
    if (!isMessage(effect)) return true;
    const failing = this.#failing.get(keyOf(factory, effect));
    if (failing === undefined) return true;
    // A clock that was ahead when it failed puts nothing off.
    const waited = now < failing.failedAt || now >= failing.failedAt + failing.wait;
    return waited || effect.events.last > failing.tried;
  }

  /** Notes what became of an attempt. */
  note(factory: FactoryName, effect: Effect, done: boolean, now: number): void {
    if (!isMessage(effect)) return;
    const key = keyOf(factory, effect);
    const before = this.#failing.get(key);
    if (done) return void this.#failing.delete(key);
    const { last } = effect.events;
    const waited = before === undefined || Math.abs(now - before.failedAt) >= before.wait;
    this.#failing.delete(key);
    this.#failing.set(key, {
      failedAt: waited ? now : before.failedAt,
      wait: waited ? Math.min(LONGEST, 2 * (before?.wait ?? MINUTE / 2)) : before.wait,
      tried: Math.max(last, before?.tried ?? 0),
    });
    if (this.#failing.size <= REMEMBERED) return undefined;
    const [oldest] = this.#failing.keys();
    if (oldest !== undefined) this.#failing.delete(oldest);
    return undefined;
  }
}

function keyOf(factory: FactoryName, effect: MessageEffect): string {
  return `${factory} ${readerKey(effect)}`;
}
