/**
 * Who may do what. Tokens are stored as their SHA-256, so a stolen database holds none; each is
 * bound to one Factory, in one bootstrap of it, or to all. A token for another Factory and no token
 * at all look the same whether or not the Factory exists.
 */
import { RootwardError } from "../error.ts";
import type { Actor } from "../factory/event.ts";
import type { Head } from "../factory/head.ts";
import type { FactoryName, InstanceId } from "../factory/names.ts";
import { sha256Text, toBase64Url } from "../tuf/bytes.ts";
import { readHead } from "./commit.ts";
import type { TokenRecord } from "./ports.ts";
import type { Scope } from "./scopes.ts";
import { randomId, type Service } from "./service.ts";

export interface Principal {
  readonly token: TokenRecord;
  readonly actor: Actor;
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
  if (!record.scopes.includes(scope) && !record.scopes.includes("admin")) {
    throw new RootwardError("forbidden", `this token lacks the scope ${scope}`);
  }
  return { token: record, actor: `token:${record.id}` };
}

/** Authorises for one Factory and reads its head. */
export async function authorizeFactory(
  service: Service,
  token: string | null,
  scope: Scope,
  factory: FactoryName,
): Promise<Principal & { readonly head: Head }> {
  const principal = await authorize(service, token, scope);
  const { bound } = principal.token;
  if (bound !== null && bound.factory !== factory) {
    throw new RootwardError("forbidden", `this token is not for Factory ${factory}`);
  }
  const head = await readHead(service.heads, factory);
  if (bound !== null && bound.instance !== head.instance) {
    throw new RootwardError(
      "unauthenticated",
      `this token ended when Factory ${factory} was bootstrapped again`,
    );
  }
  return { ...principal, head };
}

/** Makes a token and stores its hash. The token is in the answer and nowhere else. */
export async function mintToken(
  service: Service,
  spec: {
    readonly factory: FactoryName;
    readonly instance: InstanceId;
    readonly user: string;
    readonly scopes: readonly Scope[];
  },
): Promise<string> {
  const token = `rw_${toBase64Url(service.randomBytes(32))}`;
  const { factory, instance, user, scopes } = spec;
  await service.tokens.put({
    hash: sha256Text(token),
    id: randomId(service),
    user,
    scopes,
    bound: { factory, instance },
    expiresAt: null,
  });
  return token;
}
