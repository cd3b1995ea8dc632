/**
 * A limit on what requests under way hold of memory, all together: documents that are being sent, each
 * counted once however many clients it goes to, or bodies that are being read. Where there is no room, the
 * connection with the oldest request is cut. A document that many devices ask for is asked for all the
 * time, so it is never among those; what an attacker's slow clients hold is.
 */
export class HeldBytes {
  readonly #limit: number;
  /** By what is held, the one that was asked for longest ago first. */
  readonly #held = new Map<object, { bytes: number; readonly by: Set<Holder> }>();
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get total(): number {
    return this.#total;
  }

  /** @param what the same object for the same bytes; @param bytes how many they are by now */
  hold(what: object, bytes: number, holder: Holder): void {
    const by = this.#held.get(what)?.by ?? new Set();
    by.add(holder);
    this.#drop(what);
    this.#held.set(what, { bytes, by });
    this.#total += bytes;
    for (const [other, { by: holders }] of this.#held) {
      if (this.#total <= this.#limit || other === what) return;
      this.#drop(other);
      for (const one of holders) one.cut();
    }
  }

  /** To be called when a request is over. */
  release(holder: Holder): void {
    for (const [what, { by }] of this.#held) {
      if (by.delete(holder) && by.size === 0) this.#drop(what);
    }
  }

  #drop(what: object): void {
    this.#total -= this.#held.get(what)?.bytes ?? 0;
    this.#held.delete(what);
  }
}

/** The connections that hold something, by their requests. */
export interface Holder {
  cut(): void;
}
