/**
 * The return: where the signing boundary trusts roots that the head does not have, as after the
 * service's database was restored, they become current again. They come from the boundary; every step
 * is verified again from the root that the head has. It is the only change that such a Factory allows,
 * and nobody has to ask for it.
 */
import { isRootwardError } from "../../error.ts";
import { rolePlace, storedDocument } from "../../state/documents.ts";
import type { Actor } from "../../state/event.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { returnRoots as returned, type ReturnedChain } from "../../state/return-roots.ts";
import type { SignedRole } from "../../state/roles.ts";
import type { Transition } from "../../state/transition.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { nextInChain, strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, firstChannel, ONLINE_ROLES, type Channel } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import type { Root } from "../../tuf/root.ts";
import { behind, isBehind } from "./behind.ts";
import { change } from "../change.ts";
import { findUnsigned } from "./published-roles.ts";
import type { ChannelRef, RootMark } from "../ports.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUp, signRoles } from "../sign-roles.ts";
import { currentRoot, readTargetsOf, rootOf } from "../store.ts";

/**
 * @returns whether roots came back
 * @throws RootwardError `roots-behind` where they cannot, saying what is missing
 */
export async function returnRoots(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
): Promise<boolean> {
  const bySchedule = { factory, by: "schedule", effects: "awaited" } as const;
  const { transition } = await change(service, bySchedule, async (head) => ({
    transition: await decideReturn(service, head, "schedule"),
  }));
  return transition !== null;
}

/**
 * Runs `work`; where it is refused because roots are behind, brings them back, and refuses it all the same:
 * the caller decided on a root that was not the newest.
 */
export async function orReturn<T>(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isRootwardError(error) && error.code === "roots-behind") {
      await returnQuietly(service, factory);
    }
    throw error;
  }
}

/** The same where nobody waits for it: a return that fails is reported. */
async function returnQuietly(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
): Promise<void> {
  try {
    await returnRoots(service, factory);
  } catch (error) {
    service.report(`return of the roots of ${factory}`, error);
  }
}

/**
 * @param upload a root that the boundary expects, and that was never followed: it becomes current like a new
 *   one, and an effect of the swap follows it
 * @throws RootwardError `roots-behind` where roots cannot come back; `chain-broken` for an upload that does not
 *   follow
 */
export async function decideReturn(
  service: Needs<Signs | "verify">,
  head: Head,
  actor: Actor,
  upload: { readonly channel: Channel; readonly bytes: Uint8Array } | null = null,
): Promise<Transition | null> {
  const chains: ReturnedChain[] = [];
  for (const channel of channelsOf(head.dialect)) {
    const trusted = await service.boundary.trustedRoot(refOf(head, channel));
    if (isBehind(head, channel, trusted)) {
      chains.push(await chainOf(service, head, channel, trusted));
    } else if (upload?.channel === channel) {
      await catchUp(service, head, channel);
      chains.push(await uploadedChain(service, head, channel, upload.bytes));
    }
  }
  if (chains.length === 0) return null;
  const held = new Set(await service.boundary.heldKeys(head));
  const roots = new Map<Channel, Root>();
  for (const channel of channelsOf(head.dialect)) {
    const back = chains.find((chain) => chain.channel === channel)?.roots.at(-1)?.root;
    roots.set(channel, back ?? (await currentRoot(service, head, channel)));
  }
  const signed: SignedRole[] = [];
  for (const chain of chains) signed.push(...(await signAnew(service, head, chain, held)));
  const { keyid } = head.initialKey;
  const change = {
    chains,
    signed,
    held,
    onlineKeys: onlineKeysOf(head, roots.get(firstChannel(head.dialect)), held),
    initialKeyListed: [...roots.values()].some(({ roles }) => roles.root.keyids.includes(keyid)),
  };
  return returned(head, change, eventContext(service, actor));
}

function refOf({ factory, instance, dialect }: Head, channel: Channel): ChannelRef {
  return { factory, instance, dialect, channel };
}

/** The roots up to the trusted one, each verified from the one before. */
async function chainOf(
  service: Needs<"boundary" | "documents" | "verify">,
  head: Head,
  channel: Channel,
  trusted: RootMark,
): Promise<ReturnedChain> {
  const ref = refOf(head, channel);
  const first = await firstMissing(service, head, channel, trusted);
  const missing: Uint8Array[] = [];
  // From the newest on: the signer keeps an older one by the one after it.
  for (let version = trusted.version; version >= first; version -= 1) {
    const bytes = await service.boundary.keptRoot(ref, version);
    if (bytes === null) {
      throw behind(
        head,
        channel,
        trusted,
        `the signer of an earlier release did not keep root ${version}: send that root (it is in an ` +
          "archive of its owner, or on a device)",
      );
    }
    missing.unshift(bytes);
  }
  const after = await rootOf(service, head, channel, first - 1);
  const policy = strictPolicy(head.dialect, channel);
  let root = after;
  const roots = missing.map((bytes) => {
    ({ root } = nextInChain(root, bytes, policy, service.verify));
    const place = rolePlace(head, channel, "root", root.version);
    return { root, document: storedDocument(place, bytes) };
  });
  return { channel, after, roots };
}

/** The root after the head's. */
async function uploadedChain(
  service: Needs<"documents" | "verify">,
  head: Head,
  channel: Channel,
  bytes: Uint8Array,
): Promise<ReturnedChain> {
  const after = await currentRoot(service, head, channel);
  const { root } = nextInChain(after, bytes, strictPolicy(head.dialect, channel), service.verify);
  const document = storedDocument(rolePlace(head, channel, "root", root.version), bytes);
  return { channel, after, roots: [{ root, document }], toFollow: true };
}

/** The version from which on the head's chain is another than the boundary's. */
async function firstMissing(
  service: Needs<"boundary">,
  head: Head,
  channel: Channel,
  trusted: RootMark,
): Promise<number> {
  const root = head.roles[channel]?.root;
  if (root === undefined) throw behind(head, channel, trusted, "the service has no root of it");
  const kept = await service.boundary.keptRoot(refOf(head, channel), root.version);
  const forked = kept !== null && sha256(kept) !== root.sha256;
  return forked ? Math.max(root.version, 2) : root.version + 1;
}

/** Everything that is published of a channel, signed under the last root by the keys that are held. */
async function signAnew(
  service: Needs<Signs | "verify">,
  head: Head,
  { channel, roots, toFollow }: ReturnedChain,
  held: ReadonlySet<KeyId>,
): Promise<readonly SignedRole[]> {
  const current = head.roles[channel];
  const last = roots.at(-1);
  if (current?.targets === undefined || last === undefined) return [];
  const { root, document } = last;
  const lacks = ONLINE_ROLES.findLastIndex(
    (role) => !root.roles[role].keyids.some((keyid) => held.has(keyid)),
  );
  // Each role describes the one before it, so only a tail of the roles can be signed anew.
  const kept = ONLINE_ROLES.slice(0, lacks + 1);
  const unsigned = await findUnsigned(service, head, channel, root, kept);
  if (unsigned.length > 0) {
    const mark = { version: root.version, sha256: document.address.sha256 };
    const keys = kept.map((role) => `${role} ${root.roles[role].keyids.join(", ")}`).join("; ");
    const next =
      `the signer lacks an online key that this root lists (${keys}), so that no metadata would verify ` +
      "under it: restore the signer's newest records";
    throw behind(head, channel, mark, next);
  }
  const from = ONLINE_ROLES[lacks + 1];
  if (from === undefined) return [];
  const targets = await readTargetsOf(service, head, channel, current.targets.version);
  const job = { ref: refOf(head, channel), roles: current, from, targets };
  return signRoles(service, toFollow === true ? { ...job, nextRoot: document.bytes } : job);
}

/** A key of each role that the root lists: one that is held, if any is. */
function onlineKeysOf(
  { onlineKeys }: Head,
  root: Root | undefined,
  held: ReadonlySet<KeyId>,
): Head["onlineKeys"] {
  const key = (role: (typeof ONLINE_ROLES)[number]): KeyId => {
    const listed = root?.roles[role].keyids ?? [];
    const own = listed.filter((keyid) => held.has(keyid));
    const before = onlineKeys[role];
    if (own.includes(before) || (own.length === 0 && listed.includes(before))) return before;
    return own[0] ?? listed[0] ?? before;
  };
  return { targets: key("targets"), snapshot: key("snapshot"), timestamp: key("timestamp") };
}
