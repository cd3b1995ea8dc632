/**
 * A route from its description in lib/api. The request is authorised before the handler runs, so that no
 * route can forget it.
 */
import type { Context, Hono } from "hono";
import type { Access, Operation } from "../api/operation.ts";
import { honoPath } from "../api/path.ts";
import { RootwardError } from "../error.ts";
import { authorize, authorizeState, type Principal } from "../service/authorize.ts";
import type { Needs } from "../service/service.ts";
import { Ask, factoryParam, type Allowed } from "./ask.ts";
import { authorizeOwner, requestToken } from "./request.ts";
import { routes } from "./routes.ts";

/** Operations that need a token; for others see servePublic. */
type TokenOperation = Operation & { readonly access: Exclude<Access, "public"> };

export function serve<const O extends TokenOperation>(
  app: Hono,
  service: Needs<"heads" | "now" | "tokens">,
  operation: O,
  handle: (ask: Ask<O>) => Promise<Response> | Response,
): void {
  const { method, path, access, head } = operation;
  const run = async (c: Context): Promise<Response> => {
    // hono answers HEAD by GET.
    if (head === false && c.req.method === "HEAD") {
      c.header("Allow", method);
      throw new RootwardError("method-not-allowed", `HEAD is not allowed here: expected ${method}`);
    }
    const allowed = (await allow(service, c, access)) as Allowed<O["access"]>;
    return handle(new Ask(c, operation, allowed));
  };
  routes(app, honoPath(path), { [method]: run });
}

async function allow(
  service: Needs<"heads" | "now" | "tokens">,
  c: Context,
  access: TokenOperation["access"],
): Promise<Allowed<Access>> {
  switch (access) {
    case "provisioner":
      return { principal: await provisioner(service, c) };
    case "state": {
      const { head, ...principal } = await authorizeState(
        service,
        requestToken(c),
        factoryParam(c),
      );
      return { principal, head };
    }
    case "root:read":
    case "root:update":
    case "targets:update": {
      const { head, ...principal } = await authorizeOwner(service, c, access);
      return { principal, head };
    }
  }
}

/** A token that makes Factories; one that is bound to a Factory makes none. */
async function provisioner(service: Needs<"now" | "tokens">, c: Context): Promise<Principal> {
  const principal = await authorize(service, requestToken(c), "factory:create");
  if (principal.token.bound === null) return principal;
  throw new RootwardError("forbidden", "a token of one Factory creates no others");
}
