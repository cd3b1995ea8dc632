/**
 * Tokens of a Factory: made, listed and revoked by its owner or an admin. A token mints only a
 * subset of its own scopes, is shown once, and is stored as its hash; the log tells of each.
 */
import { RootwardError } from "../error.ts";
import { isReplaceable } from "../factory/bootstrap.ts";
import type { EventType } from "../factory/event.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName } from "../factory/names.ts";
import { advance, type Transition } from "../factory/transition.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import { assertStillValid, newToken, updateAs, type Principal } from "./authorize.ts";
import { readHead } from "./commit.ts";
import type { TokenRecord } from "./ports.ts";
import type { Scope } from "./scopes.ts";
import { moment, type Service } from "./service.ts";
import { settleQuietly } from "./settle.ts";

export interface TokenSpec {
  /** Whom it stands for: fioctl's polis-id. */
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
  service: Service,
  factory: FactoryName,
  principal: Principal,
  spec: TokenSpec,
): Promise<TokenSummary & { readonly token: string }> {
  const own = principal.token.scopes;
  const lacking = spec.scopes.filter((scope) => !own.includes(scope) && !own.includes("admin"));
  if (lacking.length > 0) {
    throw new RootwardError("forbidden", `this token lacks the scope ${lacking.join(", ")}`);
  }
  const ends = principal.token.expiresAt;
  if (ends !== null && (spec.expiresAt === null || spec.expiresAt > ends)) {
    throw new RootwardError(
      "forbidden",
      `this token ends at ${formatTime(ends)}, and makes none that lasts longer`,
    );
  }
  const head = await readHead(service.heads, factory);
  assertStillValid(principal, head);
  const { instance } = head;
  const { token, record } = newToken(service, {
    ...spec,
    bound: { factory, instance },
    mintedBy: principal.token.id,
  });
  // A token that is stored and not logged is in nobody's hands.
  await service.tokens.put(record);
  const summary = summaryOf(record);
  const { id, user, scopes } = summary;
  const details = jsonObject({ id, user, scopes, by: principal.token.user });
  // While a new token may be a way to the first root key, or to another in its place, the owner is told.
  await log(service, factory, principal, "token-minted", details);
  await settleQuietly(service, factory);
  return { ...summary, token };
}

/** The tokens of the Factory's present bootstrap, those that have ended included. */
export async function listTokens(service: Service, head: Head): Promise<readonly TokenSummary[]> {
  return (await ownTokens(service, head)).map(summaryOf);
}

/** @throws RootwardError `not-found` */
export async function revokeToken(
  service: Service,
  head: Head,
  principal: Principal,
  id: string,
): Promise<void> {
  const record = (await ownTokens(service, head)).find((token) => token.id === id);
  if (record === undefined) throw new RootwardError("not-found", `there is no token ${id}`);
  const details = jsonObject({ id, user: record.user });
  // In the log first: whoever is cut off between the two finds the token again, and repeats both.
  await log(service, head.factory, principal, "token-revoked", details);
  await service.tokens.delete(record.hash);
}

async function ownTokens(service: Service, head: Head): Promise<readonly TokenRecord[]> {
  const all = await service.tokens.list(head.factory);
  return all.filter(
    ({ bound, scopes }) => bound?.instance === head.instance && !scopes.includes("delivery"),
  );
}

async function log(
  service: Service,
  factory: FactoryName,
  principal: Principal,
  type: EventType,
  details: JsonObject,
): Promise<void> {
  await updateAs(service, factory, principal, (head): { transition: Transition } => ({
    transition: advance(
      head,
      {
        head: {},
        type,
        details,
        notify: type === "token-minted" && firstKeyMatters(head),
      },
      moment(service, principal.actor),
    ),
  }));
}

/** A token reads an escrowed key, or is the owner's word for bootstrapping again. */
function firstKeyMatters(head: Head): boolean {
  return head.delivery.state === "escrowed" || isReplaceable(head);
}

function summaryOf({ id, user, scopes, expiresAt, mintedBy }: TokenRecord): TokenSummary {
  const ends = expiresAt === null ? null : formatTime(expiresAt);
  return { id, user, scopes, expiresAt: ends, mintedBy: mintedBy ?? null };
}
