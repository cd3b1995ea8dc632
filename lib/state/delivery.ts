/**
 * The one-time delivery as changes of the head. The claim is one swap, so exactly one of many
 * claimants wins; what was claimed can be asked for again by the same claimant until the lease
 * ends, so a dropped connection loses nothing; and time limits are decided here, from the head and
 * the clock, never by a clean-up job that may be late.
 *
 * Confirmation is the owner's word that the file is safe. It makes the Factory live and names the
 * destruction of share and archive as effects of the same swap.
 */
import { RootwardError } from "../error.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import type { Effect } from "./effect.ts";
import type { Delivery, Head } from "./head.ts";
import { advance, isOver, type EventContext, type Transition } from "./transition.ts";

/** How long after a confirmation its repetition still gets a token: the answer may have been lost. */
const CONFIRM_REPEAT = 60 * 60_000;
/** How many tokens one confirmation answers with at most, one after the other. */
const MAX_OWNER_TOKENS = 5;

export type ClaimDecision =
  /** `transition` is null where the same claimant asks again. */
  | {
      readonly kind: "granted";
      readonly leaseUntil: number;
      readonly transition: Transition | null;
    }
  /** `transition` records the first refusal; further ones change nothing. */
  | {
      readonly kind: "refused";
      readonly error: RootwardError;
      readonly transition: Transition | null;
    };

/** The claimant and the link; hashes of what they sent. */
export interface Holder {
  readonly idHash: Sha256;
  /** SHA-256 of what the claimant drew. */
  readonly claimantHash: Sha256;
}

/**
 * @param linksFrom milliseconds since 1970. A link made before yields nothing: since then a backup was
 *   restored, and nobody knows what became of the link
 * @throws RootwardError `delivery-replaced`
 */
export function claimDelivery(
  head: Head,
  holder: Holder,
  context: EventContext,
  linksFrom = 0,
): ClaimDecision {
  const delivery = byLink(head, holder.idHash);
  const { claimantHash } = holder;
  const { now, policy } = context;
  switch (delivery.state) {
    case "ready":
      if (now >= delivery.expiresAt) return refuse(expired(delivery.expiresAt, head));
      if (delivery.expiresAt - policy.linkLifetime < linksFrom) return refuse(fromBackup());
      return grant(head, delivery, claimantHash, context, now + policy.claimLease);
    case "claimed":
      if (delivery.claimantHash !== claimantHash) return refuseOther(head, delivery, context);
      if (now >= delivery.leaseUntil) return refuse(leaseEnded(delivery.leaseUntil));
      if (delivery.claimedAt < linksFrom) return refuse(fromBackup());
      return { kind: "granted", leaseUntil: delivery.leaseUntil, transition: null };
    case "confirmed":
      if (delivery.claimantHash === claimantHash) return refuse(used(delivery.confirmedAt));
      return refuseOther(head, delivery, context);
    case "expired":
      return refuse(
        delivery.claimantHash === null
          ? expired(delivery.expiredAt, head)
          : leaseEnded(delivery.expiredAt),
      );
  }
}

function grant(
  head: Head,
  ready: Delivery & { state: "ready" },
  claimantHash: Sha256,
  context: EventContext,
  leaseUntil: number,
): ClaimDecision {
  const claimed: Delivery = {
    mode: ready.mode,
    ...archived(ready),
    state: "claimed",
    claimantHash,
    claimedAt: context.now,
    leaseUntil,
    refusedAt: null,
  };
  const transition = advance(
    head,
    {
      head: { delivery: claimed },
      effects: [{ kind: "withdraw-link", idHash: ready.idHash }],
      type: "delivery-claimed",
      details: jsonObject({ leaseUntil: formatTime(leaseUntil) }),
    },
    context,
  );
  return { kind: "granted", leaseUntil, transition };
}

function fromBackup(): RootwardError {
  return new RootwardError(
    "delivery-expired",
    "the service was restored from a backup after this link was made, and somebody may have used it in " +
      "between: ask the person who provisioned the Factory to bootstrap it again",
  );
}

function refuse(error: RootwardError, transition: Transition | null = null): ClaimDecision {
  return { kind: "refused", error, transition };
}

/** Somebody else has the link too. The first time, the owner is told. */
function refuseOther(
  head: Head,
  delivery: Delivery & { state: "claimed" | "confirmed" },
  context: EventContext,
): ClaimDecision {
  // A root that its key signed confirmed it, too, perhaps before anybody claimed.
  const confirmedAt = delivery.state === "confirmed" ? delivery.confirmedAt : context.now;
  const at = delivery.claimedAt ?? confirmedAt;
  if (delivery.refusedAt !== null) return refuse(used(at));
  const transition = advance(
    head,
    {
      head: { delivery: { ...delivery, refusedAt: context.now } },
      type: "delivery-refused",
      details: jsonObject({ claimedAt: formatTime(at) }),
      notify: true,
    },
    context,
  );
  return refuse(used(at), transition);
}

function used(at: number): RootwardError {
  return new RootwardError(
    "delivery-used",
    `this link was used at ${formatTime(at)} and works once; if that was not you, tell the person ` +
      `who provisioned the Factory at once: the archive must be replaced before any device is built`,
    { facts: { usedAt: formatTime(at) } },
  );
}

function expired(at: number, head: Head): RootwardError {
  return new RootwardError(
    "delivery-expired",
    `this link expired at ${formatTime(at)} unused; ask the person who provisioned Factory ` +
      `${head.factory} to bootstrap it again`,
    { facts: { factory: head.factory, expiredAt: formatTime(at) } },
  );
}

function leaseEnded(at: number): RootwardError {
  return new RootwardError(
    "delivery-expired",
    `the time to fetch the archive ended at ${formatTime(at)}; if you hold the file, confirm it, ` +
      `and if not, ask the person who provisioned the Factory to bootstrap it again`,
    { facts: { leaseEndedAt: formatTime(at) } },
  );
}

export interface ConfirmDecision {
  readonly confirmedAt: number;
  /** Null where it was confirmed before. */
  readonly transition: Transition | null;
}

/**
 * Accepts the claimant's word that the archive with this hash arrived, also after the lease.
 *
 * @throws RootwardError `delivery-used` for anybody but the claimant, `delivery-mismatch` for
 *   another file, `delivery-replaced`
 */
export function confirmDelivery(
  head: Head,
  { idHash, claimantHash }: Holder,
  sha256: Sha256,
  context: EventContext,
): ConfirmDecision {
  const delivery = byLink(head, idHash);
  if (delivery.state === "ready") {
    throw new RootwardError(
      "delivery-mismatch",
      "nobody has claimed this link yet: claim it first",
    );
  }
  if (delivery.claimantHash !== claimantHash) {
    throw delivery.claimedAt === null ? expired(context.now, head) : used(delivery.claimedAt);
  }
  if (delivery.sha256 !== sha256) {
    throw new RootwardError(
      "delivery-mismatch",
      `the file is not the archive that was delivered: expected SHA-256 ${delivery.sha256}, ` +
        `got ${sha256}; fetch it again`,
    );
  }
  if (delivery.state === "confirmed") {
    return { confirmedAt: delivery.confirmedAt, transition: null };
  }
  const transition = advance(
    head,
    {
      head: confirmed(head, delivery, context.now),
      effects: destruction(delivery.idHash),
      type: "delivery-confirmed",
      details: jsonObject({ sha256 }),
      notify: true,
    },
    context,
  );
  return { confirmedAt: context.now, transition };
}

/**
 * The swap that makes `token` the owner's, for the answer to a confirmation. It ends the token of the
 * answer before, which may have been lost; the copy from the bootstrap's answer no longer acts. From the second
 * token on the owner is told.
 *
 * @param token the new token; `user` is whose it is
 * @returns null where this confirmation answers with no further token: its hour is over, it answered
 *   with five, or a token of the Factory was revoked since
 * @throws RootwardError `delivery-replaced`
 */
export function issueOwnerToken(
  head: Head,
  { idHash, claimantHash }: Holder,
  token: { readonly id: string; readonly user: string },
  context: EventContext,
): Transition | null {
  const delivery = byLink(head, idHash);
  if (delivery.state !== "confirmed" || delivery.claimantHash !== claimantHash) return null;
  if (context.now >= delivery.confirmedAt + CONFIRM_REPEAT) return null;
  const before = delivery.ownerToken;
  if (before !== null && (!before.repeatable || before.count >= MAX_OWNER_TOKENS)) return null;
  const { id, user } = token;
  const count = (before?.count ?? 0) + 1;
  return advance(
    head,
    {
      head: { delivery: { ...delivery, ownerToken: { id, count, repeatable: true } } },
      effects: [{ kind: "end-token", token: "ended" }],
      type: "owner-token-issued",
      details: jsonObject({ id, user, count, ...(before !== null && { replaced: before.id }) }),
      notify: count > 1,
    },
    context,
  );
}

/** The part of a head's change that is about state and delivery. */
type DeliveryChange = Pick<Head, "state" | "delivery" | "initialKey">;

/** A delivery by link. */
type LinkDelivery = Delivery & { readonly mode: "link" };

/** The link may have been replaced since it was looked up. */
function byLink({ factory, delivery }: Head, idHash: Sha256): LinkDelivery {
  if (delivery.mode === "link" && delivery.idHash === idHash) return delivery;
  throw new RootwardError(
    "delivery-replaced",
    `Factory ${factory} was bootstrapped again, and this link ended with that: use the newer one`,
  );
}

/**
 * The effect of accepted roots on a delivery that is still open; null where it stays as it is. The sender
 * of a root signed by the key of version 1 holds that key, so that confirms a link. Without a link the key
 * can be read until no current root lists it.
 *
 * @param listed whether some channel's current root still lists the initial key as a root key
 */
export function deliveredByRoots(head: Head, listed: boolean, now: number): DeliveryChange | null {
  const { delivery } = head;
  if (delivery.mode === "link") {
    return delivery.state === "confirmed" ? null : confirmed(head, delivery, now);
  }
  if (delivery.state === "ended" || listed) return null;
  return {
    state: "live",
    initialKey: { ...head.initialKey, state: "delivered" },
    delivery: { mode: delivery.mode, ...archived(delivery), state: "ended", endedAt: now },
  };
}

/** The members of a delivery that stay the same in all its states. */
function archived({ idHash, sha256, size, recipient }: Delivery) {
  return { idHash, sha256, size, recipient };
}

/** The head after somebody proved to hold the key: live, and nothing is escrowed. */
function confirmed(head: Head, delivery: LinkDelivery, now: number): DeliveryChange {
  return {
    state: "live",
    initialKey: { ...head.initialKey, state: "delivered" },
    delivery: {
      mode: delivery.mode,
      ...archived(delivery),
      state: "confirmed",
      claimantHash: delivery.state === "ready" ? null : delivery.claimantHash,
      claimedAt: delivery.state === "ready" ? null : delivery.claimedAt,
      confirmedAt: now,
      refusedAt: "refusedAt" in delivery ? delivery.refusedAt : null,
      ownerToken: delivery.state === "confirmed" ? delivery.ownerToken : null,
    },
  };
}

/** Everything of a delivery that could yield the key, and the mail that holds its link. */
export function destruction(idHash: Sha256): readonly Effect[] {
  return [
    { kind: "destroy-share", idHash },
    { kind: "destroy-archive", idHash },
    { kind: "withdraw-link", idHash },
  ];
}

/** Ends a delivery whose link or lease has run out; null while there is nothing to end. */
export function endDelivery(head: Head, context: EventContext): Transition | null {
  const { delivery } = head;
  if (delivery.state !== "ready" && delivery.state !== "claimed") return null;
  const end = delivery.state === "ready" ? delivery.expiresAt : delivery.leaseUntil;
  if (!isOver(end, context)) return null;
  return advance(
    head,
    {
      head: {
        initialKey: { ...head.initialKey, state: "destroyed" },
        delivery: {
          mode: delivery.mode,
          ...archived(delivery),
          state: "expired",
          expiredAt: end,
          claimantHash: delivery.state === "claimed" ? delivery.claimantHash : null,
          claimedAt: delivery.state === "claimed" ? delivery.claimedAt : null,
        },
      },
      effects: destruction(delivery.idHash),
      type: "delivery-expired",
      details: jsonObject({ claimed: delivery.state === "claimed" }),
      notify: true,
    },
    context,
  );
}
