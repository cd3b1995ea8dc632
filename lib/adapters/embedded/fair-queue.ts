/**
 * One piece of work at a time for each Factory. Work that goes first begins before all other work that
 * waits. Within the two groups holders go round-robin, each with its oldest work, so that many requests
 * of one token delay another token by one turn only.
 *
 * Work that lasts too long no longer keeps others waiting. The work that waits is bounded, for each
 * holder and in all: a request beyond that is refused at once.
 */
import { RootwardError } from "../../error.ts";
import type { FactoryName } from "../../state/names.ts";

export interface TurnLimits {
  /** How long a turn keeps others waiting, in milliseconds. */
  readonly longest: number;
  /** How much work may wait, of one holder and of all, for one Factory. */
  readonly perHolder: number;
  readonly inAll: number;
}

/** Where work stands among the work that waits. */
export interface Place {
  readonly holder: string;
  /** Before the others, and never refused because of them. */
  readonly first: boolean;
  /** Never refused. */
  readonly always?: boolean;
}

/** When a refused request may come again, in seconds. */
const RETRY_AFTER = 5;

/** Waiting work by holder, the holder whose turn is next first. */
type Group = Map<string, (() => void)[]>;
type Line = { readonly first: Group; readonly others: Group };

export class FairQueue {
  readonly #limits: TurnLimits;
  /** The queues of Factories for which work is under way. */
  readonly #lines = new Map<FactoryName, Line>();

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` once its turn has come.
   *
   * @param work is given what resolves when its turn is over: with its end, or because it lasts too long
   * @throws RootwardError `busy` with the fact `retryAfter` (seconds) where too much work waits
   */
  async run<T>(
    factory: FactoryName,
    place: Place,
    work: (over: Promise<void>) => Promise<T>,
  ): Promise<T> {
    const line = this.#lines.get(factory);
    if (line === undefined) this.#lines.set(factory, { first: new Map(), others: new Map() });
    else await this.#wait(factory, line, place);
    const over = Promise.withResolvers<void>();
    let passed = false;
    const pass = (): void => {
      if (passed) return;
      passed = true;
      over.resolve();
      this.#next(factory);
    };
    const timer = setTimeout(pass, this.#limits.longest);
    try {
      return await work(over.promise);
    } finally {
      clearTimeout(timer);
      pass();
    }
  }

  #wait(factory: FactoryName, line: Line, { holder, first, always }: Place): Promise<void> {
    const group = first ? line.first : line.others;
    const own = group.get(holder) ?? [];
    const all = [...line.first.values(), ...line.others.values()];
    const waiting = all.reduce((sum, { length }) => sum + length, 0);
    const { perHolder, inAll } = this.#limits;
    const isFull = own.length >= perHolder || (waiting >= inAll && !first);
    if (isFull && always !== true) {
      throw new RootwardError(
        "busy",
        `too many changes of Factory ${factory} are waiting: try again in ${RETRY_AFTER} s`,
        { facts: { retryAfter: RETRY_AFTER } },
      );
    }
    return new Promise((resolve) => {
      group.set(holder, [...own, resolve]);
    });
  }

  #next(factory: FactoryName): void {
    const line = this.#lines.get(factory);
    if (line === undefined) return;
    const group = line.first.size > 0 ? line.first : line.others;
    const [next] = group.keys();
    if (next === undefined) {
      this.#lines.delete(factory);
      return;
    }
    const [begin, ...rest] = group.get(next) ?? [];
    group.delete(next);
    if (rest.length > 0) group.set(next, rest);
    begin?.();
  }
}
