/** Readings of the clock in memory. */
import type { ClockRecord } from "../../state/clock.ts";
import type { ClockRecords } from "../../service/ports.ts";
import type { MemoryState } from "./state.ts";

export class MemoryClockRecords implements ClockRecords {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async read(): Promise<ClockRecord | null> {
    return this.#state.clock;
  }

  async write(record: ClockRecord): Promise<void> {
    this.#state.clock = record;
  }
}
