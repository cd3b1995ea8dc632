/**
 * The authorisation of a request as it arrives. A change is authorised again (authority.ts). Tokens are
 * stored as their SHA-256, so a stolen database holds none; each is bound to one Factory, in one bootstrap
 * of it, or to all. A token for another Factory and no token at all look the same whether or not the
 * Factory exists.
 */
import type { Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { sha256Text, toBase64Url } from "../tuf/bytes.ts";
import {
  assertBoundTo,
  assertScope,
  assertStillValid,
  assertUsable,
  type Principal,
} from "./authority.ts";
import { readHead } from "./store.ts";
import type { TokenRecord } from "./ports.ts";
import { OWNER_SCOPES, type Scope } from "../state/scopes.ts";
import { randomId, type Needs } from "./service.ts";

export type { Principal } from "./authority.ts";

/** The prefix of every token: scanners for leaked secrets find it, and so does our HTTP side. */
export const TOKEN_PREFIX = "rw_";

/**
 * @param token as it came in the request, or null where there was none
 * @throws RootwardError `unauthenticated`, or `forbidden` where the scope is missing
 */
export async function authorize(
  service: Needs<"now" | "tokens">,
  token: string | null,
  scope: Scope,
): Promise<Principal> {
  const record = await authenticate(service, token);
  assertScope(record, scope);
  return principalOf(record, scope);
}

async function authenticate(
  service: Needs<"now" | "tokens">,
  token: string | null,
): Promise<TokenRecord> {
  const record = token === null ? null : await service.tokens.find(sha256Text(token));
  assertUsable(record, service.now());
  return record;
}

function principalOf(token: TokenRecord, scope: Scope): Principal {
  return { token, actor: `token:${token.id}`, scope };
}

/** Authorises for one Factory and reads its head. */
export async function authorizeFactory(
  service: Needs<"heads" | "now" | "tokens">,
  token: string | null,
  scope: Scope,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  return ofFactory(service, await authorize(service, token, scope), factory);
}

/** Authorises for the state of one Factory, which its owner and every provisioner may read. */
export async function authorizeState(
  service: Needs<"heads" | "now" | "tokens">,
  token: string | null,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  const record = await authenticate(service, token);
  const provisions = record.bound === null && record.scopes.includes("factory:create");
  const scope = provisions ? "factory:create" : "root:read";
  assertScope(record, scope);
  return ofFactory(service, principalOf(record, scope), factory);
}

async function ofFactory(
  service: Needs<"heads">,
  principal: Principal,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  const { bound } = principal.token;
  assertBoundTo(principal.token, factory);
  const head = await readHead(service, factory);
  const authorised = { ...principal, instance: bound?.instance ?? head.instance };
  assertStillValid(authorised, head);
  return { ...authorised, head };
}

/** A fresh token and the record that is stored of it. */
export function newToken(
  service: Needs<"randomBytes">,
  spec: Omit<TokenRecord, "hash" | "id">,
): { readonly token: string; readonly record: TokenRecord } {
  const token = `${TOKEN_PREFIX}${toBase64Url(service.randomBytes(32))}`;
  return { token, record: { ...spec, hash: sha256Text(token), id: randomId(service) } };
}

/**
 * A fresh token of the owner, for the one answer that has it (state/tokens.ts says when it ends).
 *
 * @param answer the number of the confirmation's answer; null for a bootstrap's
 */
export function newOwnerToken(
  service: Needs<"randomBytes">,
  { factory, instance, owner }: Pick<Head, "factory" | "instance" | "owner">,
  answer: number | null,
): { readonly token: string; readonly record: TokenRecord } {
  return newToken(service, {
    user: owner.id,
    scopes: OWNER_SCOPES,
    bound: { factory, instance },
    expiresAt: null,
    ...(answer === null ? { issued: "bootstrap" } : { issued: "confirmation", answer }),
  });
}
