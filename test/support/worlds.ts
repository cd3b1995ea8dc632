/**
 * What crash tables run on: a world is what lasts, and processes begin and end on it. The memory form
 * is a world by itself (memory-service.ts). Of the others every call goes through the same Faults, in
 * front of the real adapter.
 */
import { randomBytes } from "node:crypto";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import { Faults, type Plan } from "../../lib/adapters/memory/faults.ts";
import type { Head } from "../../lib/state/head.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import { believedClock } from "../../lib/service/service.ts";
import type { Adapter, Opened } from "../contract/adapters.ts";
import { TestWorld } from "./memory-service.ts";
import { reportTo, serviceOn, type RunningProcess, type Stores } from "./service-on.ts";

export interface World {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The stored head, past every fault. */
  head(factory: FactoryName): Head | null | Promise<Head | null>;
  /** @param plan what goes wrong in this process; nothing unless given */
  start(plan?: Plan): RunningProcess | Promise<RunningProcess>;
  /** Throws if a write broke an invariant. */
  assertInvariants(): void;
}

export interface Form<W extends World> {
  readonly name: string;
  /** An empty world, which lasts until `stop`. */
  open(): W | Promise<W>;
  /** Where a prepared world can go on in two ways. */
  copy?(world: W): W;
  stop(): Promise<void>;
}

export const MEMORY: Form<TestWorld> = {
  name: "memory",
  open: () => new TestWorld(),
  copy: (world) => world.copy(),
  stop: async () => undefined,
};

/** The worlds of an adapter are removed at the end, so that several may be used at once. */
export function formOf(adapter: Adapter): Form<World> {
  const opened: Opened[] = [];
  return {
    name: adapter.name,
    open: async () => {
      const stores = await adapter.open();
      opened.push(stores);
      return worldOn(stores);
    },
    stop: async () => {
      for (const stores of opened.splice(0)) await stores.remove();
      await adapter.stop?.();
    },
  };
}

function worldOn(opened: Opened): World {
  const wrapper = new MasterKeyWrapper(new Uint8Array(randomBytes(32)));
  const now = Date.now();
  return {
    now,
    head: (factory) => opened.heads.read(factory),
    assertInvariants: () => opened.assertInvariants(),
    start: async (plan) => {
      const faults = new Faults(plan);
      const reports: string[] = [];
      const stores = failing(await opened.restarted(), faults);
      const clock = believedClock(() => now);
      return { service: serviceOn(stores, wrapper, clock, reportTo(reports)), faults, reports };
    },
  };
}

/** Turns promise nothing, so they are left as they are; a process that dies gives none back. */
function failing(stores: Stores, faults: Faults): Stores {
  return {
    heads: through("heads", stores.heads, faults),
    documents: through("documents", stores.documents, faults),
    shares: through("shares", stores.shares, faults),
    archives: through("archives", stores.archives, faults),
    tokens: through("tokens", stores.tokens, faults),
    requests: through("requests", stores.requests, faults),
    notifier: through("notifier", stores.notifier, faults),
    records: through("signer", stores.records, faults),
    turns: stores.turns,
  };
}

/** Methods that only look; every other one writes. */
const READS: ReadonlySet<unknown> = new Set(
  (
    "read due get published presign find list key keys " +
    "trustedRoot keptRoot expectedRoots lastSigned ceiling"
  ).split(" "),
);

function through<P extends object>(port: string, store: P, faults: Faults): P {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function") return method;
      return (...args: readonly unknown[]): Promise<unknown> => {
        const act = (): Promise<unknown> => Reflect.apply(method, target, args) as Promise<unknown>;
        const call = [`${port}.${String(name)}`, subjectOf(args[0]), act] as const;
        return READS.has(name) ? faults.read(...call) : faults.write(...call);
      };
    },
  });
}

function subjectOf(first: unknown): string {
  return typeof first === "string" ? first : "";
}
