/** The ports with what is configured: what every use case is given. */
import type { Actor } from "../state/event.ts";
import type { Effect } from "../state/effect.ts";
import type { RefreshPolicy } from "../state/schedule.ts";
import type { EventContext } from "../state/transition.ts";
import { toHex } from "../tuf/bytes.ts";
import type { Clock, Ports } from "./ports.ts";
import type { Retries } from "./retries.ts";

export interface Service extends Ports {
  /** Scheme, host and path before `/download`, without a final slash. Links are built from it. */
  readonly publicUrl: string;
  readonly policy: RefreshPolicy;
  /** Links that were made before yield nothing; milliseconds since 1970. All do unless given. */
  readonly linksFrom?: number;
  /** The effects that this process may carry out; others wait for the schedule. */
  readonly effects: readonly Effect["kind"][];
  /** When a message that could not be sent is tried again; in every run of the schedule unless given. */
  readonly retries?: Retries;
}

/** The members of {@link Service} that a use case takes, by name. */
export type Needs<K extends keyof Service> = Pick<Service, K>;

/** The members that a read of stored state takes. */
export type Reads = "heads" | "documents";

/** The members that signing online roles takes. */
export type Signs = Reads | "boundary" | "clock" | "now" | "policy" | "randomBytes";

/** The members that a change of a Factory takes, besides those of its decision (change.ts). */
export type Changes =
  | Reads
  | "tokens"
  | "turns"
  | "now"
  | "clock"
  | "policy"
  | "randomBytes"
  | "report"
  | "effects"
  | "retries";

/** A fresh random id: 128 bits in hex. */
export function randomId(service: Pick<Ports, "randomBytes">): string {
  return toHex(service.randomBytes(16));
}

export function eventContext(
  service: Needs<"clock" | "now" | "policy" | "randomBytes">,
  actor: Actor,
): EventContext {
  const { clock, policy } = service;
  const floor = clock.doubt() === null ? {} : { floor: clock.floor() };
  return { now: service.now(), ...floor, eventId: randomId(service), actor, policy };
}

/** A clock that is believed, whatever it says. @param now milliseconds since 1970 */
export function believedClock(now: () => number): Clock {
  return { now, floor: now, doubt: () => null, mark: async () => undefined };
}
