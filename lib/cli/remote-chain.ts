/**
 * What a service says, verified from outside: the chain of roots from one that is trusted to the
 * newest, and the audit log from a remembered event to the one that the head pins. Nothing here
 * believes the service.
 */
import * as v from "valibot";
import { verifySignature } from "../crypto/verify.ts";
import { RootwardError } from "../error.ts";
import { verifyLog, type LogMark } from "../factory/event.ts";
import { isSha256, sha256, type Sha256 } from "../tuf/bytes.ts";
import { nextInChain, type ChainPolicy } from "../tuf/chain.ts";
import type { Channel, Dialect } from "../tuf/dialect.ts";
import type { Root } from "../tuf/root.ts";
import { rootPath, type Client } from "./client.ts";

/** A root that was verified, with the bytes it was served as. */
export interface VerifiedRoot {
  readonly root: Root;
  readonly bytes: Uint8Array;
}

/** Longer chains are not followed in one run: nobody rotates this often. */
const MAX_STEPS = 10_000;

/**
 * Follows the chain from `trusted` to the newest root that the service has.
 *
 * @returns every root from `trusted` on, in order
 * @throws RootwardError `chain-broken` at the first root that does not follow
 */
export async function followRemote(
  client: Client,
  factory: string,
  policy: ChainPolicy,
  trusted: VerifiedRoot,
): Promise<readonly [VerifiedRoot, ...VerifiedRoot[]]> {
  const chain: [VerifiedRoot, ...VerifiedRoot[]] = [trusted];
  let last = trusted.root;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const bytes = await client.find(rootPath(factory, policy.channel, last.version + 1));
    if (bytes === null) return chain;
    last = nextInChain(last, bytes, policy, verifySignature);
    chain.push({ root: last, bytes });
  }
  throw new RootwardError("chain-broken", `more than ${MAX_STEPS} roots`);
}

export function strictPolicy(dialect: Dialect, channel: Channel): ChainPolicy {
  return { dialect, channel, forms: "strict" };
}

const sha256Field = v.custom<Sha256>((value) => typeof value === "string" && isSha256(value));
const logAnswer = v.object({
  head: v.object({ seq: v.number(), sha256: sha256Field }),
  events: v.array(v.string()),
  next: v.nullable(v.number()),
});

/**
 * Reads and verifies the audit log.
 *
 * @param mark an event already known, which must still be in the log; null to start with the first
 * @returns the events after `mark` as served, and where the log ends
 * @throws RootwardError `log-broken` where history was rewritten
 */
export async function readRemoteLog(
  client: Client,
  factory: string,
  mark: LogMark | null,
): Promise<{ readonly events: readonly Uint8Array[]; readonly end: LogMark }> {
  const events: Uint8Array[] = [];
  let from: number | null = mark === null ? 1 : mark.seq;
  let pinned: LogMark | null = null;
  while (from !== null) {
    const page: v.InferOutput<typeof logAnswer> = await client.getJson(
      `/ota/factories/${factory}/log/?from=${from}`,
      logAnswer,
    );
    events.push(...page.events.map((text) => new TextEncoder().encode(text)));
    pinned = page.head;
    from = page.next;
  }
  const [known] = events;
  if (mark !== null && (known === undefined || sha256(known) !== mark.sha256)) {
    throw new RootwardError(
      "log-broken",
      `audit event ${mark.seq} is not the one that was seen before: history was rewritten`,
    );
  }
  const fresh = mark === null ? events : events.slice(1);
  const end = verifyLog(fresh, mark);
  if (end === null || pinned === null || end.seq !== pinned.seq || end.sha256 !== pinned.sha256) {
    throw new RootwardError("log-broken", "the audit log does not end where the service says");
  }
  return { events: fresh, end };
}

const stateAnswer = v.object({
  factory: v.string(),
  dialect: v.picklist(["tuf", "ats"]),
  state: v.string(),
  delivery: v.object({ mode: v.string(), state: v.string() }),
});

/** What the service says of a Factory's dialect and state; not verified. */
export async function readState(client: Client, factory: string) {
  return client.getJson(`/ota/factories/${factory}/`, stateAnswer);
}
