/**
 * Turns within one process: one piece of work at a time for each Factory. The schedule goes first; the
 * other holders go round-robin, each with its oldest work, so that many requests of one token delay
 * another token by one turn only.
 *
 * A turn that lasts too long no longer keeps others waiting. What waits is bounded, for each holder and
 * in all: a request beyond that is refused at once.
 */
import { RootwardError } from "../../error.ts";
import type { FactoryName } from "../../factory/names.ts";
import type { Turns } from "../../service/ports.ts";

export interface TurnLimits {
  /** How long a turn keeps others waiting, in milliseconds. */
  readonly longest: number;
  /** How much work may wait, of one holder and of all, for one Factory. */
  readonly perHolder: number;
  readonly inAll: number;
}

const LIMITS: TurnLimits = { longest: 10_000, perHolder: 100, inAll: 1000 };
const FIRST = "schedule";
/** When a refused request may come again, in seconds. */
const RETRY_AFTER = 5;

/** Waiting work by holder, the holder whose turn is next first. */
type Line = Map<string, (() => void)[]>;

export class QueuedTurns implements Turns {
  readonly #limits: TurnLimits;
  /** Of Factories that are being changed; those that nobody changes have none. */
  readonly #lines = new Map<FactoryName, Line>();

  constructor(limits: TurnLimits = LIMITS) {
    this.#limits = limits;
  }

  async take<T>(
    factory: FactoryName,
    holder: string,
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const line = this.#lines.get(factory);
    if (line === undefined) this.#lines.set(factory, new Map());
    else await this.#wait(factory, line, holder);
    let passed = false;
    const pass = (): void => {
      if (!passed) this.#next(factory);
      passed = true;
    };
    const timer = setTimeout(pass, this.#limits.longest);
    try {
      // Another process, such as one that was left running, may still be first: the next round is at once.
      return await work(() => Promise.resolve());
    } finally {
      clearTimeout(timer);
      pass();
    }
  }

  #wait(factory: FactoryName, line: Line, holder: string): Promise<void> {
    const own = line.get(holder) ?? [];
    const all = [...line.values()].reduce((sum, { length }) => sum + length, 0);
    // The schedule never waits for room.
    const isFull = own.length >= this.#limits.perHolder || all >= this.#limits.inAll;
    if (isFull && holder !== FIRST) {
      throw new RootwardError(
        "busy",
        `too many changes of Factory ${factory} are waiting: try again in ${RETRY_AFTER} s`,
        { facts: { retryAfter: RETRY_AFTER } },
      );
    }
    return new Promise((resolve) => {
      line.set(holder, [...own, resolve]);
    });
  }

  #next(factory: FactoryName): void {
    const line = this.#lines.get(factory);
    if (line === undefined) return;
    const [next] = line.has(FIRST) ? [FIRST] : line.keys();
    if (next === undefined) {
      this.#lines.delete(factory);
      return;
    }
    const [begin, ...rest] = line.get(next) ?? [];
    line.delete(next);
    if (rest.length > 0) line.set(next, rest);
    begin?.();
  }
}
