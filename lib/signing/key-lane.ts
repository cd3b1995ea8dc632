/**
 * A lane of its own for making RSA keys. One takes seconds of a processor and one of the four threads that
 * Node has for such work, so 24 requests of one tenant once kept every other tenant's signature waiting.
 *
 * One key is made at a time. Factories take turns, and each turn makes one key. A Factory has few keys
 * under way, so it never waits behind itself for long, and a request beyond that is refused at once. A
 * request that has waited too long is refused before its work begins, because its asker is gone by then.
 */
import { RootwardError } from "../error.ts";

export interface LaneLimits {
  /** Keys that are made at the same time. */
  readonly atOnce: number;
  /** Keys of one Factory that are being made or wait. */
  readonly perFactory: number;
  /** Keys of all Factories that wait. */
  readonly waiting: number;
  /** How long a key waits for its turn, in milliseconds. */
  readonly waitAtMost: number;
}

/**
 * The limits of a signer. One request makes at most three keys, so a Factory has two requests under way. A
 * request over a channel gives up after two minutes (adapters/embedded/signer-channel.ts).
 */
export const SIGNER_LANE: LaneLimits = {
  atOnce: 1,
  perFactory: 6,
  waiting: 48,
  waitAtMost: 60_000,
};

/** Begins the work of one that waits. */
type Waiting = () => void;

export class KeyLane {
  readonly #limits: LaneLimits;
  /** In the order of their turns. A Factory that is here has somebody waiting. */
  readonly #queues = new Map<string, Waiting[]>();
  /** Keys that are being made or wait, by Factory. */
  readonly #underWay = new Map<string, number>();
  #making = 0;
  #waiting = 0;

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  /**
   * Makes a key when it is this Factory's turn.
   *
   * @param make is called at most once
   * @throws RootwardError `busy` where too many wait, or this one waited too long; then `make` is never called
   */
  async run<T>(factory: string, make: () => Promise<T>): Promise<T> {
    const { atOnce, perFactory, waiting } = this.#limits;
    const underWay = this.#underWay.get(factory) ?? 0;
    if (underWay >= perFactory) {
      throw busy(`${underWay} keys of ${factory} are being made: try again when they are done`);
    }
    if (this.#making >= atOnce && this.#waiting >= waiting) {
      throw busy("too many keys are waiting to be made: try again in a minute");
    }
    this.#underWay.set(factory, underWay + 1);
    try {
      if (this.#making >= atOnce) await this.#turn(factory);
      else this.#making += 1;
      try {
        return await make();
      } finally {
        this.#making -= 1;
        this.#next();
      }
    } finally {
      const left = (this.#underWay.get(factory) ?? 0) - 1;
      if (left > 0) this.#underWay.set(factory, left);
      else this.#underWay.delete(factory);
    }
  }

  /** Resolves with the lane taken. */
  #turn(factory: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const queue = this.#queues.get(factory) ?? [];
    const late = setTimeout(() => {
      this.#leave(factory, one);
      reject(busy("this key waited too long for its turn: try again in a minute"));
    }, this.#limits.waitAtMost);
    const one: Waiting = () => {
      clearTimeout(late);
      resolve();
    };
    queue.push(one);
    this.#queues.set(factory, queue);
    this.#waiting += 1;
    return promise;
  }

  /** Hands the lane on, before anybody else can take it. */
  #next(): void {
    const [factory, [one, ...rest] = []] = this.#queues.entries().next().value ?? [];
    if (factory === undefined || one === undefined) return;
    this.#making += 1;
    this.#waiting -= 1;
    // A Map keeps the order of insertion: this Factory's next key comes after one of each other Factory.
    this.#queues.delete(factory);
    if (rest.length > 0) this.#queues.set(factory, rest);
    one();
  }

  #leave(factory: string, one: Waiting): void {
    const left = (this.#queues.get(factory) ?? []).filter((other) => other !== one);
    this.#waiting -= 1;
    if (left.length > 0) this.#queues.set(factory, left);
    else this.#queues.delete(factory);
  }
}

function busy(message: string): RootwardError {
  return new RootwardError("busy", message, { facts: { retryAfter: 30 } });
}
