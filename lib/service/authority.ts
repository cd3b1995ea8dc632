/**
 * On whose authority something is done. A token is checked twice: when a request arrives, so that
 * strangers cannot make the service work, and again where the change is decided (change.ts). Only the
 * second check counts: between the two a body may trickle in for minutes.
 *
 * Whether a token of a Factory is still good is a question to the store (is it there, has it expired?)
 * and to the head (does it belong to this bootstrap, did the head end it?). The head is read first.
 */
import { RootwardError } from "../error.ts";
import type { Actor } from "../state/event.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName, InstanceId } from "../state/names.ts";
import { isEnded } from "../state/tokens.ts";
import type { Ports, TokenRecord } from "./ports.ts";
import type { Scope } from "../state/scopes.ts";

export interface Principal {
  readonly token: TokenRecord;
  readonly actor: Actor;
  /** The scope that it was authorised for, and is authorised for again before the change. */
  readonly scope: Scope;
  /** The bootstrap of the Factory that it was authorised for, where it was for one. */
  readonly instance?: InstanceId;
}

/** Whether a token may be used at all at `now`; the id of a link is no token. */
export function isUsable({ scopes, expiresAt }: TokenRecord, now: number): boolean {
  return !scopes.includes("delivery") && (expiresAt === null || now < expiresAt);
}

/** @throws RootwardError `unauthenticated`, where there is no such token or it has ended */
export function assertUsable(token: TokenRecord | null, now: number): asserts token is TokenRecord {
  if (token !== null && isUsable(token, now)) return;
  throw new RootwardError(
    "unauthenticated",
    "a valid token is needed: send it as OSF-TOKEN or as Authorization: Bearer",
  );
}

/** @throws RootwardError `forbidden` */
export function assertScope({ scopes }: TokenRecord, scope: Scope): void {
  if (scopes.includes(scope) || scopes.includes("admin")) return;
  throw new RootwardError("forbidden", `this token lacks the scope ${scope}`);
}

/** @throws RootwardError `forbidden` for a token of another Factory */
export function assertBoundTo({ bound }: TokenRecord, factory: FactoryName): void {
  if (bound === null || bound.factory === factory) return;
  throw new RootwardError("forbidden", `this token is not for Factory ${factory}`);
}

/** @throws RootwardError `unauthenticated` for an earlier bootstrap's token, or one that the head ended */
export function assertStillValid({ token, instance }: Omit<Principal, "scope">, head: Head): void {
  const authorised = instance ?? token.bound?.instance ?? head.instance;
  if (authorised !== head.instance) {
    throw new RootwardError(
      "unauthenticated",
      `this token ended when Factory ${head.factory} was bootstrapped again`,
    );
  }
  if (isEnded(head, token)) {
    throw new RootwardError("unauthenticated", "this token was revoked or replaced by another");
  }
}

/**
 * Authorises a principal again, by what is stored now.
 *
 * @param head what is about to be changed, read before this call; null for a Factory to be created
 * @returns the token as it is stored
 * @throws RootwardError `unauthenticated`, `forbidden`
 */
export async function authorizeAgain(
  service: Pick<Ports, "tokens" | "now">,
  { token: { hash }, scope, instance }: Principal,
  head: Head | null,
): Promise<TokenRecord> {
  const token = await service.tokens.find(hash);
  assertUsable(token, service.now());
  assertScope(token, scope);
  if (head === null) return token;
  assertBoundTo(token, head.factory);
  assertStillValid({ token, actor: `token:${token.id}`, ...(instance && { instance }) }, head);
  return token;
}
