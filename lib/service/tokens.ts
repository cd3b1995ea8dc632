/**
 * Tokens of a Factory: made, listed and revoked by its owner or an admin. A token mints only a
 * subset of its own scopes, is shown once, and is stored as its hash; the log has each. Which token may
 * revoke which is decided in state/tokens.ts.
 */
import { RootwardError } from "../error.ts";
import { isReplaceable, type Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { ancestorsOfMintedBy, assertMayRevoke, isGone, mint, revoke } from "../state/tokens.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import type { Principal } from "./authority.ts";
import { newToken } from "./authorize.ts";
import { change, changeAtOnce } from "./change.ts";
import { readHead } from "./store.ts";
import type { TokenRecord } from "./ports.ts";
import type { Scope } from "../state/scopes.ts";
import { eventContext, type Needs, type Changes } from "./service.ts";
import { removeEnded } from "./effects.ts";

export interface TokenSpec {
  /** The user of the token: fioctl's polis-id. */
  readonly user: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds since 1970; null for never. */
  readonly expiresAt: number | null;
}

/** A token as lists show it; JSON-ready. */
export interface TokenSummary {
  readonly id: string;
  readonly user: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: string | null;
  /** The id of the token that made it; null for the first ones. */
  readonly mintedBy: string | null;
}

/**
 * @returns the token itself, in this answer only
 * @throws RootwardError `forbidden` for a scope that the caller lacks
 */
export async function createToken(
  service: Needs<Changes>,
  factory: FactoryName,
  principal: Principal,
  spec: TokenSpec,
): Promise<TokenSummary & { readonly token: string }> {
  const instance = principal.instance ?? (await readHead(service, factory)).instance;
  const { token, record } = newToken(service, {
    ...spec,
    bound: { factory, instance },
    mintedBy: principal.token.id,
    ancestors: ancestorsOfMintedBy(principal.token),
  });
  const summary = summaryOf(record);
  const { id, user, scopes } = summary;
  const details = jsonObject({ id, user, scopes, by: principal.token.user });
  const abandon = () => service.tokens.delete(record.hash);
  await change(
    service,
    { factory, by: { ...principal, instance }, effects: "awaited", abandon },
    async (head) => {
      assertMayMint(principal.token, spec);
      // Before the swap that logs it: only the answer after it puts the token into anybody's hands.
      await service.tokens.put(record);
      // While a new token may be a way to the first root key, or to another in its place, the owner is told.
      const notify = firstKeyMatters(head);
      return { transition: mint(head, details, notify, eventContext(service, principal.actor)) };
    },
  );
  return { ...summary, token };
}

/** @throws RootwardError `forbidden` for a token that could do more, or lasts longer, than its maker */
function assertMayMint({ scopes: own, expiresAt: ends }: TokenRecord, spec: TokenSpec) {
  const lacking = spec.scopes.filter((scope) => !own.includes(scope) && !own.includes("admin"));
  if (lacking.length > 0) {
    throw new RootwardError("forbidden", `this token lacks the scope ${lacking.join(", ")}`);
  }
  if (ends !== null && (spec.expiresAt === null || spec.expiresAt > ends)) {
    throw new RootwardError(
      "forbidden",
      `this token expires at ${formatTime(ends)} and cannot make one that lasts longer`,
    );
  }
}

/** The tokens of the Factory's present bootstrap, expired ones included. */
export async function listTokens(
  service: Needs<"tokens">,
  head: Head,
): Promise<readonly TokenSummary[]> {
  const tokens = await ownTokens(service, head);
  return tokens.filter((token) => !isGone(head, token)).map(summaryOf);
}

/**
 * Revokes a token: from the swap on it is good for nothing (change.ts), also where it was authorised
 * before. Repeating it is safe: a token that is found no more is in the log as revoked.
 *
 * It waits for the store alone: for no turn, no signature and no mail. The schedule tells the owner.
 *
 * @throws RootwardError `not-found`; `forbidden` for a token that is not the caller's to revoke
 */
export async function revokeToken(
  service: Needs<Changes>,
  factory: FactoryName,
  principal: Principal,
  id: string,
): Promise<void> {
  const { head } = await changeAtOnce(service, factory, principal, async (before) => {
    const token = (await ownTokens(service, before)).find((one) => one.id === id);
    if (token === undefined) throw new RootwardError("not-found", `there is no token ${id}`);
    assertMayRevoke(principal.token, principal.token.scopes.includes("admin"), token);
    // So that revocations in a loop leave no more in the head than the last one's effect.
    const removed = await removeEnded(service, before);
    const now = eventContext(service, principal.actor);
    const transition = revoke(before, { token, notify: isOwners(token), removed }, now);
    return { transition, head: transition?.head ?? before };
  });
  // Before the answer, where the store lets it; otherwise the schedule removes the record.
  await removeEnded(service, head);
}

/** Those that the store has, in the order in which it lists them. */
async function ownTokens(service: Needs<"tokens">, head: Head): Promise<readonly TokenRecord[]> {
  const all = await service.tokens.list(head.factory);
  return all.filter(
    ({ bound, scopes }) => bound?.instance === head.instance && !scopes.includes("delivery"),
  );
}

/** Whether it can do what only an owner does: change roots, make and revoke tokens. */
function isOwners({ scopes }: TokenRecord): boolean {
  return scopes.includes("root:update");
}

/** A token reads an escrowed key, or is the owner's word for bootstrapping again. */
function firstKeyMatters(head: Head): boolean {
  return head.delivery.state === "escrowed" || isReplaceable(head);
}

function summaryOf({ id, user, scopes, expiresAt, mintedBy }: TokenRecord): TokenSummary {
  const ends = expiresAt === null ? null : formatTime(expiresAt);
  return { id, user, scopes, expiresAt: ends, mintedBy: mintedBy ?? null };
}
