/**
 * Turns within one process: two queues for each Factory, one of changes and one of revocations. The
 * schedule goes first among the changes. Revocations by a token that no token made go before others: the
 * thief of a token that a token made cannot crowd out the owner or the operator.
 *
 * The two queues do not wait for each other, with one exception: a turn that lost several rounds is
 * passed by no further revocation until it is over, so that revocations in a loop stop no publisher.
 */
import type { FactoryName } from "../../state/names.ts";
import { LOST_ROUNDS, type Turns } from "../../service/ports.ts";
import { FairQueue, type TurnLimits } from "./fair-queue.ts";

const LIMITS: TurnLimits = { longest: 10_000, perHolder: 100, inAll: 1000 };
const SCHEDULE = "schedule";

/** A turn that is under way. */
interface Turn {
  lost: number;
  readonly over: Promise<void>;
}

export class QueuedTurns implements Turns {
  readonly #changes: FairQueue;
  readonly #revocations: FairQueue;
  /** The last turn that began for each Factory, until it is over. */
  readonly #turns = new Map<FactoryName, Turn>();

  constructor(limits: TurnLimits = LIMITS) {
    this.#changes = new FairQueue(limits);
    this.#revocations = new FairQueue(limits);
  }

  async take<T>(
    factory: FactoryName,
    holder: string,
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const isSchedule = holder === SCHEDULE;
    const place = { holder, first: isSchedule, always: isSchedule };
    return this.#changes.run(factory, place, async (over) => {
      const turn = { lost: 0, over };
      this.#turns.set(factory, turn);
      void over.finally(() => {
        if (this.#turns.get(factory) === turn) this.#turns.delete(factory);
      });
      // The next round is at once: other changes wait for the end of this turn.
      return work(async () => {
        turn.lost += 1;
      });
    });
  }

  async pass<T>(
    factory: FactoryName,
    { holder, first }: { readonly holder: string; readonly first: boolean },
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    return this.#revocations.run(factory, { holder, first }, async () => {
      const turn = this.#turns.get(factory);
      if (turn !== undefined && turn.lost >= LOST_ROUNDS) await turn.over;
      return work(async () => undefined);
    });
  }
}
