/**
 * Changes of role versions: a root that was accepted, and online roles that were signed again. In
 * both cases all documents of a channel switch in the one swap (rule 26), so no device ever meets a
 * new root beside metadata that does not verify under it.
 */
import { formatTime } from "../tuf/expires.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, type Channel, type OnlineRole } from "../tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import type { Root } from "../tuf/root.ts";
import { deliveredByRoots, destruction } from "./delivery.ts";
import type { StoredDocument } from "./documents.ts";
import type { Effect } from "./effect.ts";
import type { Head, RoleVersion } from "./head.ts";
import { advance, type EventContext, type Transition } from "./transition.ts";

const MAX_LOGGED_KEYIDS = 64;

/** A stored document as the head names it. */
export function roleVersion(document: StoredDocument, expires: number): RoleVersion {
  const { version, sha256 } = document.address;
  return { version, sha256, length: document.bytes.length, expires };
}

/** SHA-256 of root version 1 of each channel that is still at it. */
export function firstRoots({ roles }: Pick<Head, "roles">): Readonly<Record<string, Sha256>> {
  return Object.fromEntries(
    ALL_CHANNELS.flatMap((channel) => {
      const root = roles[channel]?.root;
      return root?.version === 1 ? [[channel, root.sha256]] : [];
    }),
  );
}

/** A root that was verified and is to be current. */
export interface AcceptedRoot {
  readonly channel: Channel;
  readonly root: Root;
  readonly document: StoredDocument;
}

export interface Acceptance {
  readonly accepted: readonly AcceptedRoot[];
  /** Online roles that were signed under these roots. */
  readonly signed: readonly SignedRole[];
  /** The user who sent or applied them. */
  readonly user: string;
  /** Whether some channel's root will still list the initial key as a root key. */
  readonly initialKeyListed: boolean;
  /** The other changes of a root update that is applied. */
  readonly update?: Partial<Pick<Head, "rootUpdate" | "applied" | "onlineKeys" | "retiring">>;
}

/** The one swap that makes roots current, whichever door they came through. */
export function acceptRoots(head: Head, acceptance: Acceptance, context: EventContext): Transition {
  const { accepted, signed, update } = acceptance;
  const delivered = deliveredByRoots(head, acceptance.initialKeyListed, context.now);
  let roles = head.roles;
  for (const { channel, root, document } of accepted) {
    const current = { ...roles[channel], root: roleVersion(document, root.expires) };
    roles = { ...roles, [channel]: current };
  }
  return advance(
    head,
    {
      head: { roles: withSignedRoles(roles, signed), ...delivered, ...update },
      documents: [...accepted, ...signed].map(({ document }) => document),
      effects: [
        ...accepted.map(({ channel, root }): Effect => {
          return { kind: "follow-roots", channel, version: root.version };
        }),
        ...(delivered === null ? [] : destruction(head.delivery.idHash)),
      ],
      type: "root-accepted",
      details: jsonObject({
        roots: jsonObject(Object.fromEntries(accepted.map(logged))),
        user: acceptance.user,
        endsDelivery: delivered !== null,
      }),
      notify: delivered !== null,
    },
    context,
  );
}

function logged({ channel, root, document }: AcceptedRoot): readonly [Channel, JsonObject] {
  const { version, sha256 } = document.address;
  // The event stays small however many keys a root has; all of them are in the root itself.
  const keyids = root.roles.root.keyids.slice(0, MAX_LOGGED_KEYIDS);
  return [channel, jsonObject({ version, sha256, expires: formatTime(root.expires), keyids })];
}

/** One online role, signed. */
export interface SignedRole {
  readonly channel: Channel;
  readonly role: OnlineRole;
  readonly document: StoredDocument;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** The head's `roles` with newly signed documents in place. */
export function withSignedRoles(
  roles: Head["roles"],
  signed: readonly SignedRole[],
): Head["roles"] {
  let next = roles;
  for (const { channel, role, document, expires } of signed) {
    const current = next[channel];
    if (current === undefined) continue;
    next = { ...next, [channel]: { ...current, [role]: roleVersion(document, expires) } };
  }
  return next;
}

/** The swap that publishes online roles which were signed again. */
export function refreshRoles(
  head: Head,
  signed: readonly SignedRole[],
  context: EventContext,
): Transition {
  return advance(
    head,
    {
      head: { roles: withSignedRoles(head.roles, signed) },
      documents: signed.map(({ document }) => document),
      type: "metadata-refreshed",
      details: jsonObject({
        roles: signed.map(({ channel, role, document }) =>
          jsonObject({ channel, role, version: document.address.version }),
        ),
      }),
    },
    context,
  );
}
