/**
 * The service as one function has it: the ports that the function's role has rights to, and for every
 * other one an error that names it.
 */
import { randomBytes } from "node:crypto";
import { verifySignature } from "../crypto/verify.ts";
import { RootwardError } from "../error.ts";
import { DEFAULT_REFRESH } from "../factory/schedule.ts";
import type { Ports } from "../service/ports.ts";
import { Retries } from "../service/retries.ts";
import { believedClock, type Service } from "../service/service.ts";
import { report } from "./telemetry.ts";

/** @param parts with the effects that the function may carry out; the schedule does the others */
export function serviceOf(
  parts: Partial<Ports & Pick<Service, "publicUrl" | "linksFrom">> &
    Required<Pick<Service, "effects">>,
): Service {
  const known: Partial<Service> = {
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
    ...parts,
  };
  return new Proxy(known as Service, {
    get(target, name) {
      if (name in target) return Reflect.get(target, name) as unknown;
      throw new RootwardError("internal", `this function has no ${String(name)}`);
    },
  });
}
