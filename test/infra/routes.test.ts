/**
 * Every route of the API reaches a function that serves it, and no function serves a path that the
 * gateway would bring to another: the embedded form and this one are the same API.
 */
import { describe, expect, test } from "vitest";
import type { Hono } from "hono";
import { appOf } from "../../lib/http/base.ts";
import { bootstrapRoutes } from "../../lib/http/bootstrap.ts";
import { createApp } from "../../lib/http/app.ts";
import { deviceRoutes } from "../../lib/http/devices.ts";
import { downloadRoutes } from "../../lib/http/download.ts";
import { factoryRoutes } from "../../lib/http/factories.ts";
import { fioctlRoutes } from "../../lib/http/fioctl.ts";
import { healthRoute } from "../../lib/http/health.ts";
import { initialKeyRoutes } from "../../lib/http/initial-key.ts";
import { rootUpdateRoutes } from "../../lib/http/root-updates.ts";
import { rootRoutes } from "../../lib/http/roots.ts";
import { targetRoutes } from "../../lib/http/targets.ts";
import { tokenRoutes } from "../../lib/http/tokens.ts";
import type { Service } from "../../lib/service/service.ts";
import { ROUTES, type Route } from "../../lib/infra/routes.ts";
import { SHIPPED, synthesise } from "./synth.ts";
import { routeOf } from "../support/gateway.ts";

const service = {} as Service;
const page = { html: "", script: "", style: "" };

/** As in lambdas/; test/infra/chain.test.ts asks the functions themselves. */
const APPS: Readonly<Record<Route["to"], Hono>> = {
  bootstrap: appOf(service, [bootstrapRoutes]),
  deliver: appOf(service, [downloadRoutes(page), initialKeyRoutes]),
  roots: appOf(service, [
    factoryRoutes,
    tokenRoutes,
    fioctlRoutes,
    rootRoutes,
    rootUpdateRoutes,
    targetRoutes,
  ]),
  metadata: appOf(service, [healthRoute, deviceRoutes]),
};

/** `METHOD /path`, with a value for each name in it. */
function served(app: Hono): ReadonlySet<string> {
  const named = app.routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
  return new Set(
    named.map(({ method, path }) => {
      const filled = path
        .replace(":file{[1-9][0-9]{0,9}\\.root\\.json}", "2.root.json")
        .replace(":factory", "acme")
        .replace(":channel", "main")
        .replace(":file", "timestamp.json")
        .replace(":id", "0123");
      return `${method} ${filled}`;
    }),
  );
}

const all = [...served(createApp({ service, page }))];

test("there are routes, and each has one path", () => {
  expect(all.length).toBeGreaterThan(25);
  expect(all.filter((route) => /[:{*]/.test(route))).toEqual([]);
});

describe("reaches the function that serves it", () => {
  test.each(all)("%s", (route) => {
    const [method = "", path = ""] = route.split(" ");
    const name = routeOf(method, path);
    expect(served(APPS[name])).toContain(route);
  });
});

test.each(Object.keys(APPS) as Route["to"][])("%s serves nothing that another is asked", (name) => {
  for (const route of served(APPS[name])) {
    const [method = "", path = ""] = route.split(" ");
    expect([route, routeOf(method, path)]).toEqual([route, name]);
  }
});

test("none of the gateway's routes ends in a slash, which it refuses", () => {
  expect(ROUTES.filter(({ path }) => path.endsWith("/"))).toEqual([]);
});

test("the template has these routes, and no authorizer", () => {
  const { stateless } = synthesise(SHIPPED);
  const made = stateless.of("AWS::ApiGatewayV2::Route").map(({ Properties }) => Properties);
  const keys = ROUTES.flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`));
  expect(new Set(made.map(({ RouteKey }) => RouteKey))).toEqual(new Set([...keys, "$default"]));
  for (const { AuthorizationType } of made) expect(AuthorizationType).toBe("NONE");
});
