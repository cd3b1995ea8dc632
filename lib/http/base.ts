/**
 * What every app of the API does, whichever route groups it serves: Request -> Response. It authorises
 * each request itself (no gateway authorizer, whose cache would let a token for one Factory pass for
 * another), keeps paths exact, and redirects nothing. Errors everywhere: `{"code", "message",
 * "errors"}`, which fioctl prints.
 */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isRootwardError, RootwardError } from "../error.ts";
import { randomId, type Service } from "../service/service.ts";
import { refuseOtherMethods, type RouteGroup } from "./routes.ts";
import { STATUS } from "./status.ts";

export function appOf(service: Service, groups: readonly RouteGroup[]): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("X-Content-Type-Options", "nosniff");
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "no-store");
  });
  for (const group of groups) group(app, service);
  refuseOtherMethods(app);
  app.notFound(() => {
    throw new RootwardError("not-found", "no such path: paths are exact, mind the final slash");
  });
  app.onError((error, c) => {
    const { status, body } = errorAnswer(service, error);
    c.header("Cache-Control", "no-store");
    // What is left of a body that is too large is not read, so the connection is of no more use.
    if (status === STATUS["too-large"]) c.header("Connection", "close");
    if (status === STATUS.unavailable) c.header("Retry-After", "5");
    return c.json(body, status as ContentfulStatusCode);
  });
  return app;
}

/** An error as an answer. One of ours is logged once, and its answer says no more than to try again. */
function errorAnswer(service: Service, error: unknown) {
  const status = isRootwardError(error) ? STATUS[error.code] : 500;
  if (!isRootwardError(error) || status >= 500) {
    const requestId = randomId(service);
    service.report(`request ${requestId}`, error);
    if (status === 500) {
      return { status, body: { code: "internal", message: "internal error", requestId } };
    }
    if (isRootwardError(error) && error.code === "storage-unavailable") {
      return { status, body: { code: error.code, message: error.message, requestId } };
    }
    const message = "the service's signer is away for the moment: try again";
    return { status, body: { code: "unavailable", message, requestId } };
  }
  const { code, message, details } = error;
  const { facts, ...findings } = details;
  return { status, body: { code, message, ...findings, ...facts } };
}
