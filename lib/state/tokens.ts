/**
 * Tokens of a Factory as far as its head knows them. The store keeps what a token may do; the head
 * says which tokens have ended, so that a token ends in the very swap that says so. The records are
 * removed from the store afterwards, by an effect.
 *
 * A token ends by revocation. In a Factory with a link, the copy from the bootstrap's answer authorises
 * nothing once the confirmation answered with the owner's own token; that one ends when it is replaced.
 */
import { RootwardError } from "../error.ts";
import { type Sha256 } from "../tuf/bytes.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import { includesEffect, type Effect } from "./effect.ts";
import { isReplaceable, type Head } from "./head.ts";
import { advance, type EventContext, type Transition } from "./transition.ts";

/**
 * How long the record of an expired token, and what an Idempotency-Key was used for, are kept: as long as
 * retired online keys. In milliseconds. So long, because a clock that was wrong must not remove them.
 */
export const RECORD_RETENTION = 35 * 86_400_000;

/** How many generations of tokens may make one another. */
const MAX_GENERATIONS = 8;
/** The prefixes of operators' token ids. The id of a token that a token made is hexadecimal. */
const ADMIN = "admin-";

/** A stored token, as far as the rules here ask. */
export interface FactoryToken {
  /** SHA-256 of the token. */
  readonly hash: Sha256;
  readonly id: string;
  /** The answer that it first came in: a bootstrap's, or a confirmation's. Absent if a token made it. */
  readonly issued?: "bootstrap" | "confirmation";
  /**
   * The number of the answer, from 1 on, for a confirmation's token. Earlier releases stored none.
   */
  readonly answer?: number;
  /** The id of the token that made it. */
  readonly mintedBy?: string;
  /** Ids of the token that made it, of the one that made that one, and so on: the nearest first. */
  readonly ancestors?: readonly string[];
}

/**
 * Whether a token of the head's bootstrap no longer works, so that its record may go: it was revoked or
 * replaced, or it is the bootstrap's copy and the Factory can no longer be bootstrapped again.
 */
export function isGone(head: Head, { hash, id, issued }: FactoryToken): boolean {
  if (includesEffect(head.pending, { kind: "end-token", token: hash })) return true;
  if (issued === "confirmation") return answeredToken(head)?.id !== id;
  return issued === "bootstrap" && answeredToken(head) !== null && !isReplaceable(head);
}

/**
 * Whether a token of the head's bootstrap authorises nothing. One that is not gone may still be the word
 * that the Factory may be bootstrapped again: if a thief confirmed, that is the way out.
 */
export function isEnded(head: Head, token: FactoryToken): boolean {
  return isGone(head, token) || (token.issued === "bootstrap" && answeredToken(head) !== null);
}

function answeredToken({ delivery }: Head) {
  return delivery.state === "confirmed" ? delivery.ownerToken : null;
}

/**
 * The ancestors of a token that `maker` makes.
 *
 * @throws RootwardError `forbidden` where too many generations made one another
 */
export function ancestorsOfMintedBy(maker: FactoryToken): readonly string[] {
  const ancestors = [maker.id, ...ancestorsOf(maker)];
  if (ancestors.length <= MAX_GENERATIONS) return ancestors;
  throw new RootwardError(
    "forbidden",
    `this token is the last of ${MAX_GENERATIONS} that made one another: make the new one with an ` +
      "older token",
  );
}

/** Earlier releases stored only who made a token. */
function ancestorsOf({ ancestors, mintedBy }: FactoryToken): readonly string[] {
  return ancestors ?? (mintedBy === undefined ? [] : [mintedBy]);
}

/**
 * A token revokes itself and what it made, directly or not. The token of the confirmation also revokes
 * every other one that was not made with an operator's token. So a stolen copy cannot lock out the
 * token that it came from.
 *
 * @param isAdmin whether `by` has the scope admin: it may revoke every token
 * @throws RootwardError `forbidden`
 */
export function assertMayRevoke(by: FactoryToken, isAdmin: boolean, token: FactoryToken): void {
  const ancestors = ancestorsOf(token);
  if (isAdmin || by.id === token.id || ancestors.includes(by.id)) return;
  const ofOperator = ancestors.some((id) => id.startsWith(ADMIN));
  if (by.issued === "confirmation" && !ofOperator) return;
  throw new RootwardError(
    "forbidden",
    `token ${token.id} was not made by this one: it is revoked by a token that made it, by itself, or ` +
      "by the operator of the service",
  );
}

interface Revocation {
  readonly token: FactoryToken & { readonly user: string };
  readonly notify: boolean;
  readonly removed: readonly Effect[];
}

/**
 * The swap that revokes a token: the head ends it, and an effect removes its record.
 *
 * @param revocation.notify whether the owner is told: where the token could change roots
 * @param revocation.removed effects of earlier revocations that are done
 * @returns null where it is being removed already
 */
export function revoke(
  head: Head,
  { token, notify, removed }: Revocation,
  context: EventContext,
): Transition | null {
  const effect = { kind: "end-token", token: token.hash } as const;
  if (includesEffect(head.pending, effect)) return null;
  const { id, user } = token;
  const change = {
    head: { delivery: withoutRepeats(head.delivery) },
    effects: [effect],
    done: removed,
    type: "token-revoked",
    details: jsonObject({ id, user }),
    notify,
  } as const;
  return advance(head, change, context);
}

/** Once tokens were revoked, repeating a confirmation yields no further one. */
function withoutRepeats(delivery: Head["delivery"]): Head["delivery"] {
  if (delivery.state !== "confirmed" || delivery.ownerToken === null) return delivery;
  return { ...delivery, ownerToken: { ...delivery.ownerToken, repeatable: false } };
}

/** The swap that logs a new token. */
export function mint(
  head: Head,
  details: JsonObject,
  notify: boolean,
  context: EventContext,
): Transition {
  return advance(head, { head: {}, type: "token-minted", details, notify }, context);
}

/**
 * Whether the record of a token that is gone may be removed. A confirmation stores its token before the swap
 * that makes it good: until the head counts that answer, the record is of a token that is yet to come.
 */
export function isRemovable(head: Head, token: FactoryToken): boolean {
  return isGone(head, token) && (token.answer ?? 0) <= (answeredToken(head)?.count ?? 0);
}

/** The number of the next answer of a confirmation that has a token. */
export function nextAnswer(head: Head): number {
  return (answeredToken(head)?.count ?? 0) + 1;
}
