/**
 * `/healthz` says that the process answers, and nothing of what is behind it: a load balancer or systemd
 * restarts by it. `/readyz` says whether the service can do its work (service/readiness.ts).
 */
import type { Hono } from "hono";
import { readHealth, readReadiness } from "../api/health.ts";
import { RootwardError } from "../error.ts";
import type { Readiness } from "../service/readiness.ts";
import type { RouteGroup } from "./routes.ts";
import { servePublic } from "./ask.ts";

export function healthRoute(app: Hono): void {
  servePublic(app, readHealth, (ask) => ask.answer(200, { status: "ok" }));
}

export function readyRoute(readiness: Readiness): RouteGroup {
  return (app) => {
    servePublic(app, readReadiness, async (ask) => {
      const report = await readiness.report();
      return ask.answer(report.status === "ready" ? 200 : 503, report);
    });
  };
}

/** On AWS: a function that everybody reaches has no right to write or sign, so it could not judge. */
export function noReadyRoute(app: Hono): void {
  servePublic(app, readReadiness, () => {
    throw new RootwardError(
      "not-found",
      "there is no /readyz on AWS: alarms watch the tables, the signer and the schedule there",
    );
  });
}
