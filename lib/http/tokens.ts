/** Routes of a Factory's tokens: make one, list them, revoke one. */
import type { Hono } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { FACTORY_SCOPES } from "../service/scopes.ts";
import type { Service } from "../service/service.ts";
import { createToken, listTokens, revokeToken } from "../service/tokens.ts";
import { parseExpires } from "../tuf/expires.ts";
import { authorizeOwner, printable, readJson } from "./request.ts";
import { routes } from "./routes.ts";

const tokenBody = v.strictObject({
  user: printable,
  scopes: v.pipe(v.array(v.picklist(FACTORY_SCOPES)), v.minLength(1)),
  expiresAt: v.optional(v.string()),
});

export function tokenRoutes(app: Hono, service: Service): void {
  routes(app, "/ota/factories/:factory/tokens/", {
    GET: async (c) => {
      const { head } = await authorizeOwner(service, c, "root:update");
      return c.json({ tokens: await listTokens(service, head) });
    },
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { value } = await readJson(c, tokenBody);
      const expiresAt = expiry(value.expiresAt);
      const spec = { user: value.user, scopes: value.scopes, expiresAt };
      return c.json(await createToken(service, head.factory, principal, spec), 201);
    },
  });

  routes(app, "/ota/factories/:factory/tokens/:id", {
    DELETE: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      await revokeToken(service, head.factory, principal, c.req.param("id") ?? "");
      return c.body(null, 204);
    },
  });
}

function expiry(text: string | undefined): number | null {
  if (text === undefined) return null;
  const time = parseExpires(text, false);
  if (time === null) {
    throw new RootwardError("malformed", "expiresAt: expected YYYY-MM-DDTHH:MM:SSZ");
  }
  return time;
}
