/**
 * Every route of the API reaches a function that serves it, and no function serves a path that the
 * gateway would bring to another: the embedded form and this one are the same API.
 */
import { expect, test } from "vitest";
import type { Hono } from "hono";
import { OPERATIONS } from "../../lib/api/api.ts";
import { readArchive } from "../../lib/api/delivery.ts";
import { readReadiness } from "../../lib/api/health.ts";
import type { Operation } from "../../lib/api/operation.ts";
import { honoPath, PARTS, pathOf } from "../../lib/api/path.ts";
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
import { Readiness } from "../../lib/service/readiness.ts";
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

/** `METHOD /template`, as hono spells it. */
function served(app: Hono): ReadonlySet<string> {
  const named = app.routes.filter(({ method, path }) => method !== "ALL" && path !== "/*");
  return new Set(named.map(({ method, path }) => `${method} ${path}`));
}

const spelled = ({ method, path }: Operation): string => `${method} ${honoPath(path)}`;

const SAMPLES: Readonly<Record<keyof typeof PARTS, string>> = {
  factory: "acme",
  channel: "main",
  version: "2",
  file: "timestamp.json",
  token: "0".repeat(32),
  delivery: "0".repeat(64),
};
const concrete = ({ path }: Operation): string => pathOf<string>(path, SAMPLES);

/** On AWS nothing judges the whole service (lib/http/health.ts), and sealed archives are S3's. */
const EMBEDDED_ONLY: readonly string[] = [readReadiness.id, readArchive.id];
const atGateway = OPERATIONS.filter(({ id }) => !EMBEDDED_ONLY.includes(id));

test("what is served is what the description has", () => {
  const app = createApp({
    service,
    page,
    archives: { open: async () => null },
    readiness: new Readiness([]),
  });
  expect([...served(app)].sort()).toEqual(OPERATIONS.map(spelled).sort());
  expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
});

test("samples have the forms of what they stand for", () => {
  for (const [name, { form }] of Object.entries(PARTS)) {
    expect(SAMPLES[name as keyof typeof PARTS]).toMatch(form);
  }
});

test.each(atGateway)("$method $path reaches the function that serves it", (operation) => {
  const name = routeOf(operation.method, concrete(operation));
  expect(served(APPS[name])).toContain(spelled(operation));
});

test.each(Object.keys(APPS) as Route["to"][])("%s serves nothing that another is asked", (name) => {
  const own = served(APPS[name]);
  for (const operation of atGateway.filter((one) => own.has(spelled(one)))) {
    expect([operation.id, routeOf(operation.method, concrete(operation))]).toEqual([
      operation.id,
      name,
    ]);
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
