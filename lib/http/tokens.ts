/** Routes of a Factory's tokens: make one, list them, revoke one. */
import type { Hono } from "hono";
import { createToken, listTokens, revokeToken } from "../api/tokens.ts";
import { RootwardError } from "../error.ts";
import type { Needs, Changes } from "../service/service.ts";
import * as tokens from "../service/tokens.ts";
import { parseExpires } from "../tuf/expires.ts";
import { readJson } from "./request.ts";
import { serve } from "./serve.ts";

export function tokenRoutes(app: Hono, service: Needs<Changes>): void {
  serve(app, service, listTokens, async (ask) => {
    return ask.answer(200, { tokens: await tokens.listTokens(service, ask.allowed.head) });
  });

  serve(app, service, createToken, async (ask) => {
    const { head, principal } = ask.allowed;
    const { value } = await readJson(ask);
    const expiresAt = expiry(value.expiresAt);
    const spec = { user: value.user, scopes: value.scopes, expiresAt };
    return ask.answer(201, await tokens.createToken(service, head.factory, principal, spec));
  });

  serve(app, service, revokeToken, async (ask) => {
    const { head, principal } = ask.allowed;
    await tokens.revokeToken(service, head.factory, principal, ask.part("token"));
    return ask.c.body(null, 204);
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
