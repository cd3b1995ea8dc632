/**
 * From the roots that an archive trusts to the newest ones, believing nothing on the way: each chain
 * is verified, log and chains must tell the same story, and ci and prod must be the same root.
 */
import type { ArchiveEntries } from "../../archive/archive.ts";
import { archivedLogMark, trustedRootEntry, type ArchivedFactory } from "../../archive/trust.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { RootwardError } from "../../error.ts";
import type { LogMark } from "../../state/event.ts";
import { readTrustedRoot, strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, type Channel } from "../../tuf/dialect.ts";
import { sameButTargetsThreshold } from "../../tuf/policy.ts";
import type { Root } from "../../tuf/root.ts";
import type { Client } from "../client.ts";
import {
  assertSameStory,
  followRemote,
  readRemoteLog,
  type Chain,
  type VerifiedRoot,
} from "./remote-chain.ts";

/** The newest verified root of each channel. */
export type Roots = ReadonlyMap<Channel, VerifiedRoot>;

interface Followed {
  readonly roots: Roots;
  readonly logEnd: LogMark;
  /** The latest time of an event in the log; milliseconds since 1970. */
  readonly newest: number;
}

/**
 * @param acceptLog take the log as it is now: the service was restored from a backup
 * @throws RootwardError `chain-broken`, `log-broken`, `archive-invalid`
 */
export async function followFromArchive(
  client: Client,
  entries: ArchiveEntries,
  about: ArchivedFactory,
  acceptLog: boolean,
): Promise<Followed> {
  const mark = acceptLog ? null : archivedLogMark(entries);
  const log = await readRemoteLog(client, about.factory, mark);
  const chains = new Map<Channel, Chain>();
  for (const channel of channelsOf(about.dialect)) {
    const bytes = entries.get(trustedRootEntry(channel));
    if (bytes === undefined) {
      throw new RootwardError("archive-invalid", `the archive carries no trusted ${channel} root`);
    }
    const policy = strictPolicy(about.dialect, channel);
    const trusted = { root: readTrustedRoot(bytes, policy, verifySignature), bytes };
    chains.set(channel, await followRemote(client, about.factory, policy, trusted));
  }
  if (!acceptLog) {
    // After a mark the log names the roots that the archive does not know; without one, all roots.
    const known = mark === null ? 0 : 1;
    const told = [...chains].map(([channel, chain]) => [channel, chain.slice(known)] as const);
    assertSameStory(log.events, new Map(told));
  }
  const roots = new Map([...chains].map(([channel, chain]) => [channel, chain.at(-1) ?? chain[0]]));
  assertSameChannels(roots);
  return { roots, logEnd: log.end, newest: log.newest };
}

/** Rule 23, so that a root of one channel does not pass for one of the other. */
function assertSameChannels(roots: Roots): void {
  const [ci, prod] = [roots.get("ci")?.root, roots.get("prod")?.root];
  if (ci === undefined || prod === undefined) return;
  const same = ci.version !== prod.version || sameButTargetsThreshold(ci, prod);
  if (!same || prod.roles.targets.threshold < 2) {
    throw new RootwardError(
      "chain-broken",
      "the ci and prod roots differ in more than the targets threshold, or prod's is below 2",
    );
  }
  if (ci.version - prod.version > 1 || ci.version < prod.version) {
    throw new RootwardError(
      "chain-broken",
      `ci is at root version ${ci.version} and prod at ${prod.version}: they may differ by one`,
    );
  }
}

export function verifiedRoot(roots: Roots, channel: Channel): VerifiedRoot {
  const root = roots.get(channel);
  if (root === undefined) throw new RootwardError("internal", `no ${channel} root`);
  return root;
}

export function currentRoot(roots: Roots, channel: Channel): Root {
  return verifiedRoot(roots, channel).root;
}
