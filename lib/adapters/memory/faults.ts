/**
 * Faults on purpose. Every call of every memory adapter goes through one Faults object, which is one
 * running process: it counts the calls, remembers the names of the writes, and asks a plan what
 * shall go wrong. So a test runs an operation once to list its writes, and then again for each. Calls
 * of other adapters can go through one, too, so what is applied may take time.
 *
 * A process that died never answers, so nothing of it goes on: no retry, no clean-up. The next process is
 * another Faults on the same MemoryState.
 */

/**
 * The possible fates of a write. The first two are what every port allows itself (service/ports.ts).
 */
export type Fault =
  /** Throws, and nothing was written. */
  | "not applied"
  /** Writes, and throws: applied, but the answer is lost. */
  | "applied, answer lost"
  /** The process ends just before the write. */
  | "process dies before"
  /** The process ends just after the write. */
  | "process dies after";

export const FAULTS = [
  "not applied",
  "applied, answer lost",
  "process dies before",
  "process dies after",
] as const satisfies readonly Fault[];

export interface Call {
  readonly kind: "read" | "write";
  /** Port and method, such as `heads.swap`. */
  readonly name: string;
  /** The subject of the call: the Factory's name, or the hash under which something lies. */
  readonly subject: string;
  /** 1 for the first call of its kind in this process. */
  readonly nth: number;
}

/** The fate of a call, which waits for the answer; null for nothing out of the ordinary. */
export type Plan = (call: Call) => Fault | null | Promise<Fault | null>;

/** Exactly the n-th write, counted from 1, meets `fault`. */
export function atWrite(n: number, fault: Fault): Plan {
  return ({ kind, nth }) => (kind === "write" && nth === n ? fault : null);
}

/** From the n-th write on, no write is applied. */
export function outageFrom(n: number): Plan {
  return ({ kind, nth }) => (kind === "write" && nth >= n ? "not applied" : null);
}

/** Every write of this name (and, where given, about this) is not applied. */
export function failing(name: string, subject?: string): Plan {
  return (call) =>
    call.name === name && (subject ?? call.subject) === call.subject ? "not applied" : null;
}

class InjectedFault extends Error {
  constructor({ name, subject }: Call, fault: Fault) {
    super(`injected fault: ${name} of ${subject} ${fault}`);
    this.name = "InjectedFault";
  }
}

export class Faults {
  /** Resolves when the process has died. */
  readonly died: Promise<void>;
  readonly #plan: Plan;
  readonly #counts = { read: 0, write: 0 };
  readonly #writes: string[] = [];
  #dead = false;
  #tellDeath: () => void = () => undefined;

  constructor(plan: Plan = () => null) {
    this.#plan = plan;
    this.died = new Promise((resolve) => {
      this.#tellDeath = resolve;
    });
  }

  /** The names of the writes so far, in order, failed ones included. */
  get writes(): readonly string[] {
    return this.#writes;
  }

  async write<T>(name: string, subject: string, apply: () => T | Promise<T>): Promise<T> {
    if (!this.#dead) this.#writes.push(name);
    return this.#call("write", name, subject, apply);
  }

  async read<T>(name: string, subject: string, look: () => T | Promise<T>): Promise<T> {
    return this.#call("read", name, subject, look);
  }

  async #call<T>(
    kind: Call["kind"],
    name: string,
    subject: string,
    act: () => T | Promise<T>,
  ): Promise<T> {
    if (this.#dead) return never();
    this.#counts[kind] += 1;
    const call = { kind, name, subject, nth: this.#counts[kind] };
    const planned = this.#plan(call);
    const fault = planned instanceof Promise ? await planned : planned;
    switch (fault) {
      case null:
        return this.#answer(act());
      case "not applied":
        throw new InjectedFault(call, fault);
      case "applied, answer lost":
        await act();
        throw new InjectedFault(call, fault);
      case "process dies before":
        return this.#die();
      case "process dies after":
        await act();
        return this.#die();
    }
  }

  /** Calls after the process died are never answered. */
  async #answer<T>(coming: T | Promise<T>): Promise<T> {
    if (!(coming instanceof Promise)) return coming;
    const answer = await coming;
    return this.#dead ? never() : answer;
  }

  #die<T>(): Promise<T> {
    this.#dead = true;
    this.#tellDeath();
    return never();
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
