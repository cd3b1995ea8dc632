/**
 * The service on the memory adapters with the real signing boundary, Ed25519 keys and a clock that
 * the test moves. A TestWorld is what lasts: the stores, the master key, the time. `start` begins a
 * process on it; a second one after a crash finds what the first left.
 */
import { randomBytes } from "node:crypto";
import { QueuedTurns } from "../../lib/adapters/embedded/turns.ts";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import {
  MemoryArchives,
  MemoryNotifier,
  MemoryShares,
} from "../../lib/adapters/memory/delivery.ts";
import { MemoryClockRecords } from "../../lib/adapters/memory/clock-record.ts";
import { Faults, type Plan } from "../../lib/adapters/memory/faults.ts";
import { MemorySignerRecords } from "../../lib/adapters/memory/signer-records.ts";
import { MemoryState } from "../../lib/adapters/memory/state.ts";
import {
  MemoryDocuments,
  MemoryHeads,
  MemoryRequests,
  MemoryTokens,
} from "../../lib/adapters/memory/store.ts";
import { SteadyClock } from "../../lib/adapters/steady-clock.ts";
import { decodeHead, type Head } from "../../lib/state/head.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import type { Service } from "../../lib/service/service.ts";
import { reportTo, serviceOn, type RunningProcess } from "./service-on.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export interface TestProcess extends RunningProcess {
  readonly service: Service & { readonly archives: MemoryArchives };
}

export class TestWorld {
  readonly state: MemoryState;
  now = Date.UTC(2026, 0, 15, 12);
  /** How long the machine has run; a world begins with one that has run for years. */
  uptime = 1e11;
  readonly #wrapper: MasterKeyWrapper;

  constructor(
    state = new MemoryState(),
    wrapper = new MasterKeyWrapper(new Uint8Array(randomBytes(32))),
  ) {
    this.state = state;
    this.#wrapper = wrapper;
    // A service notes the clock when it starts.
    state.clock ??= { trusted: { at: this.now, uptime: this.uptime }, doubt: null };
  }

  /** Another world that is the same up to now. */
  copy(): TestWorld {
    const copy = new TestWorld(this.state.copy(), this.#wrapper);
    copy.now = this.now;
    copy.uptime = this.uptime;
    return copy;
  }

  /** Time passes. @param by milliseconds */
  advance(by: number): void {
    this.now += by;
    this.uptime += by;
  }

  /** The clock is set, and no time passes. @param by milliseconds */
  setClock(by: number): void {
    this.now += by;
  }

  /** The machine was off for a while. @param by milliseconds */
  off(by: number): void {
    this.now += by;
    this.uptime = 0;
  }

  /** The stored head, past every fault. */
  head(factory: FactoryName): Head | null {
    const text = this.state.heads.get(factory);
    return text === undefined ? null : decodeHead(text);
  }

  assertInvariants(): void {
    this.state.invariants.assertInvariants();
  }

  /** @param plan what goes wrong in this process; nothing unless given */
  start(plan?: Plan): TestProcess {
    const { state } = this;
    const faults = new Faults(plan);
    const reports: string[] = [];
    const store = new MemoryClockRecords(state);
    const report = reportTo(reports);
    const parts = { now: () => this.now, uptime: () => this.uptime, store, report };
    const clock = new SteadyClock(parts, state.clock);
    const stores = memoryStores(state, faults);
    const service = serviceOn(stores, this.#wrapper, clock, report);
    return { service: { ...service, attempts: stores.tokens }, faults, reports };
  }
}

/** As one process has them. */
export function memoryStores(state: MemoryState, faults: Faults) {
  return {
    heads: new MemoryHeads(state, faults),
    documents: new MemoryDocuments(state, faults),
    shares: new MemoryShares(state, faults),
    archives: new MemoryArchives(state, faults),
    tokens: new MemoryTokens(state, faults),
    requests: new MemoryRequests(state, faults),
    turns: new QueuedTurns(),
    notifier: new MemoryNotifier(state, faults),
    records: new MemorySignerRecords(state, faults),
  };
}
