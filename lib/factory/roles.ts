/**
 * Changes of role versions: a root that was accepted, and online roles that were signed again. In
 * both cases all documents of a channel switch in the one swap (rule 26), so no device ever meets a
 * new root beside metadata that does not verify under it.
 */
import { formatTime } from "../tuf/expires.ts";
import type { Channel, OnlineRole } from "../tuf/dialect.ts";
import { jsonObject } from "../tuf/json.ts";
import type { Root } from "../tuf/root.ts";
import { confirmed, destruction } from "./delivery.ts";
import type { StoredDocument } from "./documents.ts";
import type { ChannelRoles, Head, RoleVersion } from "./head.ts";
import { advance, type Moment, type Transition } from "./transition.ts";

const MAX_LOGGED_KEYIDS = 64;

/** A stored document as the head names it. */
export function roleVersion(document: StoredDocument, expires: number): RoleVersion {
  const { version, sha256 } = document.address;
  return { version, sha256, length: document.bytes.length, expires };
}

/**
 * The swap that makes `root` the channel's current root. Whoever sends a root signed by the key of
 * version 1 holds that key, so this counts as the confirmation of a delivery still open.
 */
export function acceptRoot(
  head: Head,
  channel: Channel,
  roles: ChannelRoles,
  root: Root,
  document: StoredDocument,
  moment: Moment,
): Transition {
  const open = head.delivery.state !== "confirmed";
  return advance(
    head,
    {
      head: {
        roles: {
          ...head.roles,
          [channel]: { ...roles, root: roleVersion(document, root.expires) },
        },
        ...(open && confirmed(head, moment.now)),
      },
      documents: [document],
      effects: open ? destruction(head.delivery.idHash) : [],
      type: "root-accepted",
      details: jsonObject({
        channel,
        version: root.version,
        sha256: document.address.sha256,
        expires: formatTime(root.expires),
        // The event stays small however many keys a root has; all of them are in the root itself.
        keyids: root.roles.root.keyids.slice(0, MAX_LOGGED_KEYIDS),
        confirmsDelivery: open,
      }),
      notify: open,
    },
    moment,
  );
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
  moment: Moment,
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
    moment,
  );
}
