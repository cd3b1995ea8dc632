/** The service with the real signing boundary and Ed25519 keys, on whatever stores. */
import { randomBytes } from "node:crypto";
import type { Faults } from "../../lib/adapters/memory/faults.ts";
import { recipientOf } from "../../lib/crypto/envelope.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { EFFECT_KINDS } from "../../lib/state/effect.ts";
import { DEFAULT_REFRESH } from "../../lib/state/schedule.ts";
import type { Clock, KeyWrapper, Ports, Report } from "../../lib/service/ports.ts";
import { Retries } from "../../lib/service/retries.ts";
import type { Service } from "../../lib/service/service.ts";
import { Boundary } from "../../lib/signing/boundary.ts";
import type { SignerRecords } from "../../lib/signing/records.ts";
import { SealedKeys } from "../../lib/signing/sealed-keys.ts";

/** What is stored; a process begins and ends on it. */
export interface Stores extends Pick<
  Ports,
  "heads" | "documents" | "shares" | "archives" | "tokens" | "requests" | "notifier" | "turns"
> {
  readonly records: SignerRecords;
}

/** A process of the service, which may be made to fail. */
export interface RunningProcess {
  readonly service: Service;
  readonly faults: Faults;
  /** What the service told its operator. */
  readonly reports: readonly string[];
}

export function serviceOn<S extends Stores>(
  { records, ...stores }: S,
  wrapper: KeyWrapper,
  clock: Clock,
  report: Report,
) {
  const now = (): number => clock.now();
  const policy = DEFAULT_REFRESH;
  const kinds = { sealed: new SealedKeys(wrapper) };
  return {
    ...stores,
    wrapper,
    boundary: new Boundary({
      records,
      stores: kinds,
      kindOf: () => "sealed",
      policy,
      now,
      clock,
    }),
    makeRootKey: makeSigningKey,
    readRecipient: recipientOf,
    verify: verifySignature,
    now,
    clock,
    randomBytes: (length: number) => new Uint8Array(randomBytes(length)),
    report,
    publicUrl: "https://rootward.example",
    policy,
    retries: new Retries(),
    effects: EFFECT_KINDS,
  };
}

export function reportTo(reports: string[]): Report {
  return (what, error) => {
    reports.push(`${what}: ${Error.isError(error) ? error.message : "no error"}`);
  };
}
