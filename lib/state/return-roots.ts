/**
 * The swap that makes roots current again which the signing boundary had followed and a restored head
 * did not have. They were accepted once, so that no rule about new roots judges them; the caller has
 * verified each step of the chain. It could cost an owner keys, or a fleet its metadata: so nothing
 * that a returned root lists is destroyed, and online roles come signed under it in the same swap.
 */
import { formatTime } from "../tuf/expires.ts";
import { ONLINE_ROLES, type Channel } from "../tuf/dialect.ts";
import { jsonObject } from "../tuf/json.ts";
import type { KeyId } from "../tuf/keys.ts";
import type { Root } from "../tuf/root.ts";
import { deliveredByRoots, destruction } from "./delivery.ts";
import type { DocumentAddress, StoredDocument } from "./documents.ts";
import type { Effect } from "./effect.ts";
import type { Head } from "./head.ts";
import { roleVersion, withSignedRoles, type SignedRole } from "./roles.ts";
import { advance, type EventContext, type Transition } from "./transition.ts";

const MAX_LOGGED_KEYIDS = 64;

/** The roots of a channel that come back, in order; the last one is the one that the boundary trusts, or is to follow. */
export interface ReturnedChain {
  readonly channel: Channel;
  /** The root in the head that the first of them follows. */
  readonly after: Root;
  readonly roots: readonly { readonly root: Root; readonly document: StoredDocument }[];
  /** Whether the boundary only expects the last one: it follows it after the swap. */
  readonly toFollow?: boolean;
}

export interface Return {
  readonly chains: readonly ReturnedChain[];
  /** Online roles signed under the last roots. */
  readonly signed: readonly SignedRole[];
  readonly onlineKeys: Head["onlineKeys"];
  /** The online keys that the boundary holds. */
  readonly held: ReadonlySet<KeyId>;
  /** Whether some channel's root will list the initial key as a root key. */
  readonly initialKeyListed: boolean;
}

export function returnRoots(head: Head, returned: Return, context: EventContext): Transition {
  const { chains, signed, onlineKeys } = returned;
  const delivered = deliveredByRoots(head, returned.initialKeyListed, context.now);
  let roles = head.roles;
  for (const { channel, roots } of chains) {
    const last = roots.at(-1);
    if (last === undefined) continue;
    const root = roleVersion(last.document, last.root.expires);
    roles = { ...roles, [channel]: { ...roles[channel], root } };
  }
  const listed = new Set(
    chains.flatMap(({ roots }) => roots.flatMap(({ root }) => keyidsOf(root))),
  );
  return advance(
    head,
    {
      head: {
        roles: withSignedRoles(roles, signed),
        ...delivered,
        // Its keys stay: the boundary sweeps those that no root lists.
        rootUpdate: null,
        applied: null,
        onlineKeys,
        retiring: retiringKeys(head, returned, context),
      },
      documents: [
        ...chains.flatMap(({ roots }) => roots.map(({ document }) => document)),
        ...signed.map(({ document }) => document),
      ],
      published: chains.flatMap(passedOver),
      effects: [
        ...chains.flatMap(following),
        ...(delivered === null ? [] : destruction(head.delivery.idHash)),
      ],
      done: head.pending.filter((effect) => isOverruled(effect, listed)),
      type: "roots-returned",
      details: jsonObject({
        roots: jsonObject(Object.fromEntries(chains.map((chain) => logged(head, chain)))),
        droppedUpdate: head.rootUpdate !== null,
        endsDelivery: delivered !== null,
      }),
      notify: true,
    },
    context,
  );
}

/** All roots of a chain but the last are old at once. */
function passedOver({ roots }: ReturnedChain): readonly DocumentAddress[] {
  return roots.slice(0, -1).map(({ document }) => document.address);
}

function following({ channel, roots, toFollow }: ReturnedChain): readonly Effect[] {
  const last = roots.at(-1);
  if (toFollow !== true || last === undefined) return [];
  return [{ kind: "follow-roots", channel, version: last.root.version }];
}

/** Effects of a past that did not happen: a key that is listed again, a root that was followed. */
function isOverruled(effect: Effect, listed: ReadonlySet<string>): boolean {
  if (effect.kind === "follow-roots") return true;
  return effect.kind === "destroy-key" && listed.has(effect.keyid);
}

/** Online keys of all roots before the last stay as long as those of any root that was replaced. */
function retiringKeys(
  head: Head,
  { chains, onlineKeys, held }: Return,
  { now, policy }: EventContext,
): Head["retiring"] {
  const current = new Set<KeyId>(Object.values(onlineKeys));
  const kept = head.retiring.filter(({ keyid }) => !current.has(keyid));
  const known = new Set(kept.map(({ keyid }) => keyid));
  const notBefore = now + policy.keyRetention;
  const added: Head["retiring"][number][] = [];
  const before = chains.flatMap(({ after, roots }) => [
    after,
    ...roots.slice(0, -1).map(({ root }) => root),
  ]);
  for (const role of ONLINE_ROLES) {
    for (const root of before) {
      for (const keyid of root.roles[role].keyids) {
        const fingerprint = root.keys.get(keyid)?.key.fingerprint;
        if (current.has(keyid) || known.has(keyid) || !held.has(keyid)) continue;
        if (fingerprint === undefined) continue;
        known.add(keyid);
        added.push({ role, keyid, fingerprint, notBefore });
      }
    }
  }
  return [...kept, ...added];
}

function keyidsOf({ keys }: Root): readonly KeyId[] {
  return [...keys.keys()];
}

function logged({ roles }: Head, { channel, roots }: ReturnedChain) {
  const last = roots.at(-1);
  const { version = 0, sha256 = "" } = last?.document.address ?? {};
  const keyids = last?.root.roles.root.keyids.slice(0, MAX_LOGGED_KEYIDS) ?? [];
  const expires = formatTime(last?.root.expires ?? 0);
  const before = roles[channel]?.root.version ?? 0;
  // A reader who compares the log with the chain finds each root in it.
  const passed = roots.slice(0, -1).map(({ document }) => document.address.sha256);
  const newest = { version, sha256, expires, keyids, before };
  return [channel, jsonObject({ ...newest, ...(passed.length > 0 && { passed }) })] as const;
}
