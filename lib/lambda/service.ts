/**
 * The service as one function has it: the ports that the function's role has rights to. Routes and use cases
 * that need another do not compile with it.
 */
import { randomBytes } from "node:crypto";
import { verifySignature } from "../crypto/verify.ts";
import type { Effect } from "../state/effect.ts";
import { DEFAULT_REFRESH } from "../state/schedule.ts";
import type { PortsOf } from "../service/effect-runners.ts";
import { Retries } from "../service/retries.ts";
import { believedClock, type Needs, type Service } from "../service/service.ts";
import { report } from "./telemetry.ts";

/** The members that every function has. */
type Common = Needs<
  "verify" | "now" | "clock" | "randomBytes" | "report" | "policy" | "retries" | "claims"
>;

type Composed = Omit<Service, "boundary"> & { readonly boundary: Service["boundary"] | null };

/**
 * @param parts with the effects that the function may carry out, and the ports that those need; the schedule
 *   does the others
 */
export function serviceOf<K extends Effect["kind"], P extends Partial<Composed>>(
  parts: P & PortsOf<K> & { readonly effects: readonly K[] },
): Common & P & { readonly effects: readonly K[] } {
  const common: Common = {
    verify: verifySignature,
    now: Date.now,
    // Its clock is another machine's than the signer's, and only the schedule destroys what is over.
    clock: believedClock(Date.now),
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    report,
    policy: DEFAULT_REFRESH,
    retries: new Retries(),
    // A restored table voids links by `linksFrom` here (docs/deploy.md).
    claims: undefined,
  };
  return { ...common, ...parts };
}
