/**
 * The common part of every app of the API, whichever route groups it serves: Request -> Response. It
 * authorises each request itself (no gateway authorizer, whose cache would let a token for one Factory pass
 * for another), keeps paths exact, and redirects nothing. Errors are those of error-answer.ts.
 */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { RootwardError } from "../error.ts";
import { randomId, type Needs } from "../service/service.ts";
import { errorAnswer, type ErrorLog } from "./error-answer.ts";
import { refuseOtherMethods, type RouteGroup } from "./routes.ts";

/** @param groups of a service that has what each of them needs */
export function appOf<S extends Needs<"randomBytes" | "report">>(
  service: S,
  groups: readonly RouteGroup<NoInfer<S>>[],
): Hono {
  const app = new Hono();
  const log = errorLog(service);
  app.use(async (c, next) => {
    // Before the route, which may say otherwise: afterwards it would copy the answer.
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Cache-Control", "no-store");
    await next();
  });
  for (const group of groups) group(app, service);
  refuseOtherMethods(app);
  app.notFound(() => {
    throw new RootwardError("not-found", "no such path: paths are exact, mind the final slash");
  });
  app.onError((error, c) => {
    const { status, headers, body } = errorAnswer(error, log);
    return c.json(body, status as ContentfulStatusCode, headers);
  });
  return app;
}

export function errorLog(service: Needs<"randomBytes" | "report">): ErrorLog {
  return { report: service.report, requestId: () => randomId(service) };
}
