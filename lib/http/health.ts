/**
 * `/healthz` says that the process answers, and nothing of what is behind it: a load balancer or systemd
 * restarts by it. `/readyz` says whether the service can do its work (service/readiness.ts).
 */
import type { Hono } from "hono";
import { RootwardError } from "../error.ts";
import type { Readiness } from "../service/readiness.ts";
import { routes, type RouteGroup } from "./routes.ts";

export function healthRoute(app: Hono): void {
  routes(app, "/healthz", { GET: (c) => c.json({ status: "ok" }) });
}

export function readyRoute(readiness: Readiness): RouteGroup {
  return (app) => {
    routes(app, "/readyz", {
      GET: async (c) => {
        const report = await readiness.report();
        return c.json(report, report.status === "ready" ? 200 : 503);
      },
    });
  };
}

/** On AWS: a function that everybody reaches has no right to write or sign, so it could not judge. */
export function noReadyRoute(app: Hono): void {
  routes(app, "/readyz", {
    GET: () => {
      throw new RootwardError(
        "not-found",
        "there is no /readyz on AWS: alarms watch the tables, the signer and the schedule there",
      );
    },
  });
}
