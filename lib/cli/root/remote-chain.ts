/**
 * The service's answers, verified from outside: the chain of roots from one that is trusted to the newest,
 * and the audit log from a remembered event to the one that the head pins. Nothing here believes the
 * service.
 */
import * as v from "valibot";
import { readFactory, readLog } from "../../api/factory-state.ts";
import { readRootVersion } from "../../api/roots.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { RootwardError } from "../../error.ts";
import { decodeEvent, verifyLog, type LogMark, type LoggedEvent } from "../../state/event.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { nextInChain, type ChainPolicy } from "../../tuf/chain.ts";
import type { Channel } from "../../tuf/dialect.ts";
import { isJsonObject, type JsonValue } from "../../tuf/json.ts";
import type { Root } from "../../tuf/root.ts";
import { assertAbout, channelQuery, type Client } from "../client.ts";

/** A root that was verified, with the bytes it was served as. */
export interface VerifiedRoot {
  readonly root: Root;
  readonly bytes: Uint8Array;
}

/** A version of a root, as owners read it; null where there is none. */
export async function findRoot(
  client: Client,
  factory: string,
  channel: Channel,
  version: number,
): Promise<Uint8Array | null> {
  return client.find(readRootVersion, { factory, version }, channelQuery(channel));
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
): Promise<Chain> {
  const chain: [VerifiedRoot, ...VerifiedRoot[]] = [trusted];
  let last = trusted.root;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const bytes = await findRoot(client, factory, policy.channel, last.version + 1);
    if (bytes === null) return chain;
    last = nextInChain(last, bytes, policy, verifySignature).root;
    chain.push({ root: last, bytes });
  }
  throw new RootwardError("chain-broken", `more than ${MAX_STEPS} roots`);
}

/** More events than this are not read in one run: who publishes targets all day makes many. */
const MAX_EVENTS = 1_000_000;

interface RemoteLog {
  /** Those after the mark that are about roots, as served. */
  readonly events: readonly Uint8Array[];
  readonly end: LogMark;
  /** The latest time of any event that was read; milliseconds since 1970. */
  readonly newest: number;
}

/**
 * Reads and verifies the audit log, page by page.
 *
 * @param mark an event already known, which must still be in the log; null to start with the first
 * @throws RootwardError `log-broken` where history was rewritten
 */
export async function readRemoteLog(
  client: Client,
  factory: string,
  mark: LogMark | null,
): Promise<RemoteLog> {
  const events: Uint8Array[] = [];
  let newest = 0;
  let end = mark;
  let from = mark?.seq ?? 1;
  const last = from + MAX_EVENTS;
  while (from < last) {
    const page = await readPage(client, factory, from);
    // The first event asked for is the known one, which must be the same still.
    const known = from === mark?.seq ? page.events[0] : undefined;
    if (from === mark?.seq && (known === undefined || sha256(known) !== mark.sha256)) {
      throw new RootwardError(
        "log-broken",
        `audit event ${from} is not the one that was seen before: history was rewritten`,
      );
    }
    newest = Math.max(newest, ...page.events.map((bytes) => decodeEvent(bytes).time));
    const fresh = known === undefined ? page.events : page.events.slice(1);
    end = verifyLog(fresh, end);
    events.push(...fresh.filter((bytes) => rootsTold(decodeEvent(bytes)).length > 0));
    if (page.next === null && end?.seq === page.head.seq && end.sha256 === page.head.sha256) {
      return { events, end, newest };
    }
    if (page.next !== from + page.events.length) break;
    from = page.next;
  }
  throw new RootwardError("log-broken", "the audit log does not end where the service says");
}

async function readPage(client: Client, factory: string, from: number) {
  const { head, events, next } = await client.call(readLog, { factory }, { query: { from } });
  const bytes = events.map((text) => new TextEncoder().encode(text));
  // An empty page with another after it would never end.
  return { head, events: bytes, next: bytes.length === 0 ? null : next };
}

export type Chain = readonly [VerifiedRoot, ...VerifiedRoot[]];

/**
 * Holds log and chains against each other: every root that the log names is in its chain, and every root of
 * a chain is in the log. A service that hides one of the two, or shows an old state of one, is found out.
 *
 * @param events the events after a known mark, or all
 * @param chains the roots after those known at that mark, or all
 */
export function assertSameStory(
  events: readonly Uint8Array[],
  chains: ReadonlyMap<Channel, readonly VerifiedRoot[]>,
): void {
  const told = new Map<string, JsonValue>();
  for (const event of events.map(decodeEvent)) {
    // The roots before are of an instance that went; version 1 is another one.
    if (event.type === "factory-bootstrapped-again") told.clear();
    for (const [place, hash] of rootsTold(event)) told.set(place, hash);
  }
  for (const [channel, chain] of chains) {
    for (const { root, bytes } of chain) {
      if (told.get(`${channel} ${root.version}`) !== sha256(bytes)) {
        throw new RootwardError(
          "log-broken",
          `${channel} root version ${root.version} is not the one that the audit log tells of`,
        );
      }
      told.delete(`${channel} ${root.version}`);
    }
    const missing = [...told.keys()].find((place) => place.startsWith(`${channel} `));
    if (missing !== undefined) {
      throw new RootwardError(
        "chain-broken",
        `the audit log tells of ${missing} (channel, root version), which is not served`,
      );
    }
  }
}

/** The roots that an event made current, as `<channel> <version>` and the SHA-256 of each. */
function rootsTold({ type, details }: LoggedEvent): readonly (readonly [string, JsonValue])[] {
  const { roots } = details;
  if (!isJsonObject(roots)) return [];
  return Object.entries(roots).flatMap(([channel, root]) => {
    if (type === "factory-created" || type === "factory-bootstrapped-again") {
      return [[`${channel} 1`, root] as const];
    }
    if (type !== "root-accepted" && type !== "roots-returned") return [];
    if (!isJsonObject(root) || typeof root["version"] !== "number") return [];
    const { version, sha256: hash = null, passed } = root;
    // Those that came back below the last one, in order.
    const before: readonly JsonValue[] = Array.isArray(passed) ? passed : [];
    const hashes = [...before, hash];
    return hashes.map(
      (one, at) => [`${channel} ${version - hashes.length + 1 + at}`, one] as const,
    );
  });
}

/** The dialect and state of a Factory as the service states them; not verified. */
export async function readState(client: Client, factory: string) {
  const answer = v.pick(readFactory.answer, ["factory", "dialect", "state"]);
  const state = await client.call(readFactory, { factory }, { answer });
  assertAbout(state, factory);
  return state;
}
