/**
 * The tokens that are bound to no Factory: the operator's, of all scopes, and the provisioner's, which
 * makes Factories. Only their hashes are here, from the configuration; another hash in the next release
 * ends such a token. No table holds them, and what a table holds is never taken for one: an attacker who
 * can write to it makes tokens of a Factory at most.
 */
import type { TokenRecord, Tokens } from "../service/ports.ts";
import { ADMIN_SCOPES, FACTORY_SCOPES, PROVISIONER_SCOPES, type Scope } from "../state/scopes.ts";
import type { Sha256 } from "../tuf/bytes.ts";

/** SHA-256 in hex, or empty where there is none. */
export interface OperatorHashes {
  readonly adminToken: string;
  readonly provisionerToken: string;
}

/** The scopes of minted tokens, and of a link's id (service/bootstrap/new-instance.ts). */
const STORED_SCOPES: readonly Scope[] = [...FACTORY_SCOPES, "delivery"];

/** @returns `stored`, with those two in front of it */
export function withOperatorTokens(
  stored: Tokens,
  { adminToken, provisionerToken }: OperatorHashes,
): Tokens {
  return {
    put: (token) => stored.put(token),
    list: (factory) => stored.list(factory),
    delete: (one) => stored.delete(one),
    removeExpired: (before) => stored.removeExpired(before),
    find: async (one) => {
      if (one === adminToken) return unbound(one, "admin", ADMIN_SCOPES);
      if (one === provisionerToken) return unbound(one, "provisioner", PROVISIONER_SCOPES);
      const found = await stored.find(one);
      return found !== null && isOfOneFactory(found) ? found : null;
    },
  };
}

function unbound(hash: Sha256, user: string, scopes: readonly Scope[]): TokenRecord {
  return { hash, id: `${user}-${hash.slice(0, 8)}`, user, scopes, bound: null, expiresAt: null };
}

/** Another program than our functions may have written it, so nothing of its form is certain. */
function isOfOneFactory({ bound, scopes }: TokenRecord): boolean {
  return (
    typeof bound?.factory === "string" &&
    typeof bound.instance === "string" &&
    typeof scopes !== "string" &&
    scopes.every((scope) => STORED_SCOPES.includes(scope))
  );
}
