/**
 * The operator's token of all scopes: the first one that there is. Only its hash is here, from the
 * configuration; another hash in the next release ends it. No table holds it, so nobody who can write
 * to the table makes one.
 */
import type { Tokens } from "../service/ports.ts";
import { ADMIN_SCOPES } from "../service/scopes.ts";
import type { Sha256 } from "../tuf/bytes.ts";

/** @param hash SHA-256 in hex, or empty */
export function withAdminToken(tokens: Tokens, hash: string): Tokens {
  return {
    put: (token) => tokens.put(token),
    list: (factory) => tokens.list(factory),
    delete: (one) => tokens.delete(one),
    find: async (one: Sha256) => {
      if (one !== hash) return tokens.find(one);
      const id = `admin-${hash.slice(0, 8)}`;
      return { hash: one, id, user: "admin", scopes: ADMIN_SCOPES, bound: null, expiresAt: null };
    },
  };
}
