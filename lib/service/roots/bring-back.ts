/**
 * An upload that brings roots back (return-roots.ts): one that the signing boundary knows, by its
 * digest or by the chain that it keeps, is no new root, so that the rules about new ones do not judge
 * it. An upload is needed where the boundary lacks an older root, or expects one that it never
 * followed because the service was cut off between the swap and that.
 *
 * It is a change on the word of its sender like every other (change.ts): a token that ended while the upload
 * waited brings nothing back. The boundary follows no root before the swap that makes it current.
 */
import { isRootwardError, type ErrorCode } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { equalBytes, sha256, type Sha256 } from "../../tuf/bytes.ts";
import { readChainRoot } from "../../tuf/chain.ts";
import type { Channel } from "../../tuf/dialect.ts";
import { encodeSignedRoot } from "../../tuf/signed-root.ts";
import { authorizeAgain, type Principal } from "../authority.ts";
import { change } from "../change.ts";
import { readHead } from "../store.ts";
import { currentRoot } from "../store.ts";
import { decideReturn } from "./return-roots.ts";
import type { ChannelRef } from "../ports.ts";
import type { Needs, Changes, Signs } from "../service.ts";

interface Upload {
  readonly factory: FactoryName;
  readonly channel: Channel;
  readonly body: Uint8Array;
  readonly principal: Principal;
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
/** Why a return fails although its sender may ask for it, and nothing is said but the refusal of the upload. */
const FAILURES: readonly ErrorCode[] = ["signing-refused", "chain-broken", "internal"];

/**
 * @param refusal why the root was refused
 * @returns null where it is no root that comes back: the refusal stands
 * @throws RootwardError `roots-behind` where another root is needed first; `unauthenticated` or `forbidden`
 *   where the sender's token has ended
 */
export async function bringBack(
  service: Needs<Changes | Signs | "verify">,
  { factory, channel, body, principal }: Upload,
  refusal: unknown,
): Promise<BroughtBack | null> {
  if (!isRootwardError(refusal) || !REFUSALS.includes(refusal.code)) return null;
  try {
    const { head, root } = await change(
      service,
      { factory, by: principal, effects: "awaited" },
      async (now) => decide(service, now, { channel, body, principal }, refusal.code),
    );
    if (root === null) return null;
    const digest = sha256(root.bytes);
    const { version } = root;
    const isCurrent = head.roles[channel]?.root.sha256 === digest;
    if (!isCurrent && !(await isKept(service, refOf(head, channel), root))) return null;
    return { channel, version, sha256: digest, changed: true, warnings: [] };
  } catch (error) {
    if (isRootwardError(error) && !FAILURES.includes(error.code)) throw error;
    service.report(`return of the roots of ${factory}`, error);
    return null;
  }
}

/** @returns with a root where the boundary knows it, or may come to know it as one that is lacking */
async function decide(
  service: Needs<Signs | "tokens" | "verify">,
  head: Head,
  { channel, body, principal }: Omit<Upload, "factory">,
  code: ErrorCode,
) {
  const nothing = { transition: null, head, root: null };
  const root = await servedForm(service, head, channel, body);
  if (root === null) return nothing;
  const ref = refOf(head, channel);
  const { boundary } = service;
  const { bytes } = root;
  let upload = null;
  if (code === "root-refused") {
    const digest = sha256(bytes);
    const expected = await boundary.expectedRoots(ref);
    if (!expected.some((mark) => mark.sha256 === digest)) return nothing;
    upload = { channel, bytes };
  } else if ((await boundary.keptRoot(ref, root.version)) === null) {
    // No swap decides on it: a root between two that the boundary has. So the token is read once more.
    await authorizeAgain(service, principal, await readHead(service, head.factory));
    await ifItFits(() => boundary.keepRoot(ref, bytes));
  }
  const transition = await decideReturn(service, head, principal.actor, upload);
  return { transition, head: transition?.head ?? head, root };
}

function refOf({ factory, instance, dialect }: Head, channel: Channel): ChannelRef {
  return { factory, instance, dialect, channel };
}

async function isKept(
  { boundary }: Needs<"boundary">,
  ref: ChannelRef,
  { version, bytes }: { readonly version: number; readonly bytes: Uint8Array },
): Promise<boolean> {
  const kept = await boundary.keptRoot(ref, version);
  return kept !== null && equalBytes(kept, bytes);
}

/** A root as the service would have stored it. Null for what is no root. */
async function servedForm(
  service: Needs<"documents">,
  head: Head,
  channel: Channel,
  body: Uint8Array,
) {
  try {
    const current = await currentRoot(service, head, channel);
    const policy = { dialect: head.dialect, channel, reading: "lenient" } as const;
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
