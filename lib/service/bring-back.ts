/**
 * An upload that brings roots back (return-roots.ts): one that the signing boundary knows, by its
 * digest or by the chain that it keeps, is no new root, so that the rules about new ones do not judge
 * it. An upload is needed where the boundary lacks an older root, or expects one that it never
 * followed because the service was cut off between the swap and that.
 */
import { isRootwardError, type ErrorCode } from "../error.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName } from "../factory/names.ts";
import { equalBytes, sha256, type Sha256 } from "../tuf/bytes.ts";
import { readChainRoot } from "../tuf/chain.ts";
import type { Channel } from "../tuf/dialect.ts";
import { encodeSignedRoot } from "../tuf/signed-root.ts";
import { readHead } from "./commit.ts";
import { currentRoot } from "./current-root.ts";
import { returnRoots } from "./return-roots.ts";
import type { Service } from "./service.ts";

interface Upload {
  readonly factory: FactoryName;
  readonly channel: Channel;
  readonly body: Uint8Array;
}

/** A root that came back, as a submission is answered. */
interface BroughtBack {
  readonly channel: Channel;
  readonly version: number;
  readonly sha256: Sha256;
  readonly changed: true;
  readonly warnings: readonly [];
}

const REFUSALS: readonly ErrorCode[] = ["roots-behind", "root-refused"];

/**
 * @param refusal why the root was refused
 * @returns null where it is no root that comes back: the refusal stands
 * @throws RootwardError `roots-behind` where another root is needed first
 */
export async function bringBack(
  service: Service,
  { factory, channel, body }: Upload,
  refusal: unknown,
): Promise<BroughtBack | null> {
  if (!isRootwardError(refusal) || !REFUSALS.includes(refusal.code)) return null;
  const head = await readHead(service.heads, factory);
  const { instance, dialect } = head;
  const ref = { factory, instance, dialect, channel };
  const root = await servedForm(service, head, channel, body);
  if (root === null) return null;
  const { bytes, version } = root;
  const { boundary } = service;
  const digest = sha256(bytes);
  if (refusal.code === "root-refused") {
    const expected = await boundary.expectedRoots(ref);
    if (!expected.some((mark) => mark.sha256 === digest)) return null;
    await boundary.follow(ref, [bytes]);
  } else if ((await boundary.keptRoot(ref, version)) === null) {
    await ifItFits(() => boundary.keepRoot(ref, bytes));
  }
  try {
    await returnRoots(service, factory);
  } catch (error) {
    if (isRootwardError(error) && error.code === "roots-behind") throw error;
    service.report(`return of the roots of ${factory}`, error);
    return null;
  }
  const kept = await boundary.keptRoot(ref, version);
  if (kept === null || !equalBytes(kept, bytes)) return null;
  return { channel, version, sha256: digest, changed: true, warnings: [] };
}

/** A root as the service would have stored it. Null for what is no root. */
async function servedForm(service: Service, head: Head, channel: Channel, body: Uint8Array) {
  try {
    const current = await currentRoot(service, head, channel);
    const policy = { dialect: head.dialect, channel, forms: "lenient" } as const;
    const signed = readChainRoot(body, policy, current);
    const { version, roles } = signed.root;
    const known = new Set([...current.roles.root.keyids, ...roles.root.keyids]);
    // Several roots ahead, the root before it is not known here: nothing is left out then.
    const all = new Set(signed.signatures.map(({ keyid }) => keyid));
    const keyids = version === current.version + 1 ? known : all;
    return { version, bytes: encodeSignedRoot(signed, keyids) };
  } catch (error) {
    if (isRootwardError(error)) return null;
    throw error;
  }
}

/** The boundary keeps a root only where the next one that it has follows from it. */
async function ifItFits(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const codes: readonly ErrorCode[] = ["signing-refused", "chain-broken"];
    if (!isRootwardError(error) || !codes.includes(error.code)) throw error;
  }
}
