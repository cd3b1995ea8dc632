/**
 * Who may do what. Tokens are stored as their SHA-256, so a stolen database holds none; each is
 * bound to one Factory, in one bootstrap of it, or to all. A token for another Factory and no token
 * at all look the same whether or not the Factory exists.
 */
import { RootwardError } from "../error.ts";
import type { Actor } from "../factory/event.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName, InstanceId } from "../factory/names.ts";
import type { Transition } from "../factory/transition.ts";
import { sha256Text, toBase64Url } from "../tuf/bytes.ts";
import { readHead, update } from "./commit.ts";
import type { TokenRecord } from "./ports.ts";
import { OWNER_SCOPES, type Scope } from "./scopes.ts";
import { randomId, type Service } from "./service.ts";

/** What every token starts with: a scanner for leaked secrets finds it, and so does our HTTP side. */
export const TOKEN_PREFIX = "rw_";

export interface Principal {
  readonly token: TokenRecord;
  readonly actor: Actor;
  /** The bootstrap of the Factory that it was authorised for, where it was for one. */
  readonly instance?: InstanceId;
}

/**
 * @param token as it came in the request, or null where there was none
 * @throws RootwardError `unauthenticated`, or `forbidden` where the scope is missing
 */
export async function authorize(
  service: Service,
  token: string | null,
  scope: Scope,
): Promise<Principal> {
  const principal = await authenticate(service, token);
  assertScope(principal, scope);
  return principal;
}

async function authenticate(service: Service, token: string | null): Promise<Principal> {
  const record = token === null ? null : await service.tokens.find(sha256Text(token));
  const valid =
    record !== null &&
    !record.scopes.includes("delivery") &&
    (record.expiresAt === null || service.now() < record.expiresAt);
  if (!valid) {
    throw new RootwardError(
      "unauthenticated",
      "a valid token is needed: send it as OSF-TOKEN or as Authorization: Bearer",
    );
  }
  return { token: record, actor: `token:${record.id}` };
}

function assertScope({ token: { scopes } }: Principal, scope: Scope): void {
  if (scopes.includes(scope) || scopes.includes("admin")) return;
  throw new RootwardError("forbidden", `this token lacks the scope ${scope}`);
}

/** Authorises for one Factory and reads its head. */
export async function authorizeFactory(
  service: Service,
  token: string | null,
  scope: Scope,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  return ofFactory(service, await authorize(service, token, scope), factory);
}

/** Authorises for the state of one Factory, which whoever makes Factories reads as well as its owner. */
export async function authorizeState(
  service: Service,
  token: string | null,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  const principal = await authenticate(service, token);
  const { bound, scopes } = principal.token;
  const provisions = bound === null && scopes.includes("factory:create");
  if (!provisions) assertScope(principal, "root:read");
  return ofFactory(service, principal, factory);
}

async function ofFactory(
  service: Service,
  principal: Principal,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  const { bound } = principal.token;
  if (bound !== null && bound.factory !== factory) {
    throw new RootwardError("forbidden", `this token is not for Factory ${factory}`);
  }
  const head = await readHead(service.heads, factory);
  const authorised = { ...principal, instance: bound?.instance ?? head.instance };
  assertStillValid(authorised, head);
  return { ...authorised, head };
}

/** @throws RootwardError `unauthenticated` for who was authorised for an earlier bootstrap */
export function assertStillValid(principal: Principal, { factory, instance }: Head): void {
  const authorised = principal.instance ?? principal.token.bound?.instance ?? instance;
  if (authorised === instance) return;
  throw new RootwardError(
    "unauthenticated",
    `this token ended when Factory ${factory} was bootstrapped again`,
  );
}

/** `update` on behalf of a token: another bootstrap may end what it was authorised for. */
export async function updateAs<D extends { readonly transition: Transition | null }>(
  service: Service,
  factory: FactoryName,
  principal: Principal,
  decide: (head: Head) => D | Promise<D>,
): Promise<D> {
  return update(service, factory, (head) => {
    assertStillValid(principal, head);
    return decide(head);
  });
}

/** A fresh token and the record that is stored of it. */
export function newToken(
  service: Pick<Service, "randomBytes">,
  spec: Omit<TokenRecord, "hash" | "id">,
): { readonly token: string; readonly record: TokenRecord } {
  const token = `${TOKEN_PREFIX}${toBase64Url(service.randomBytes(32))}`;
  return { token, record: { ...spec, hash: sha256Text(token), id: randomId(service) } };
}

/** Makes the owner's token and stores its hash. It is in the answer and nowhere else. */
export async function mintOwnerToken(
  service: Service,
  { factory, instance, owner }: Pick<Head, "factory" | "instance" | "owner">,
): Promise<string> {
  const { token, record } = newToken(service, {
    user: owner.id,
    scopes: OWNER_SCOPES,
    bound: { factory, instance },
    expiresAt: null,
  });
  await service.tokens.put(record);
  return token;
}
