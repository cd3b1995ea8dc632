/**
 * Which function answers which path. The gateway refuses routes that end in `/`, and takes the most
 * specific one that fits, so greedy routes catch what ends so, and hono knows the exact paths.
 *
 * Under /ota three functions share the paths as they are. `POST /ota/factories/` has no route that is its
 * own; it is what is left of POST when everything below a Factory has a route. A request that reaches the
 * wrong function finds no route group there, and a role without the rights.
 */
import { HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { downloadPage } from "../api/delivery.ts";
import { rebootstrapFactory } from "../api/factories.ts";
import { readFirstKey } from "../api/fioctl.ts";
import { readHealth } from "../api/health.ts";
import { DEVICES, FACTORY, gatewayBelow, OTA, REPOS } from "../api/path.ts";
import { startUpdate } from "../api/root-updates.ts";
import type { FunctionName } from "../settings.ts";
import type { Config } from "./config.ts";

type HttpFunction = Extract<FunctionName, "bootstrap" | "deliver" | "roots" | "metadata">;

export interface Route {
  readonly path: string;
  readonly methods: readonly HttpMethod[];
  readonly to: HttpFunction;
}

/** All that one API answers. */
export interface RouteTable {
  readonly routes: readonly Route[];
  /** Says of every other path, in the form of every error, that there is none. */
  readonly otherwise: Route["to"];
}

const { ANY, GET, POST } = HttpMethod;
const METADATA = gatewayBelow(DEVICES);

export const ROUTES: readonly Route[] = [
  { path: gatewayBelow(OTA), methods: [ANY], to: "roots" },
  // POST /ota/factories/
  { path: gatewayBelow(OTA), methods: [POST], to: "bootstrap" },
  { path: rebootstrapFactory.path, methods: [POST], to: "bootstrap" },
  // POST /ota/factories/{factory}/tokens/
  { path: gatewayBelow(FACTORY), methods: [POST], to: "roots" },
  { path: gatewayBelow(REPOS), methods: [POST], to: "roots" },
  // Both may hand over a first root key (lib/http/initial-key.ts).
  { path: startUpdate.path, methods: [POST], to: "deliver" },
  { path: readFirstKey.path, methods: [GET], to: "deliver" },
  { path: downloadPage.path, methods: [ANY], to: "deliver" },
  { path: gatewayBelow(downloadPage.path), methods: [ANY], to: "deliver" },
  { path: METADATA, methods: [ANY], to: "metadata" },
  { path: readHealth.path, methods: [ANY], to: "metadata" },
];

/** Routes of the optional device-only domain. */
export const DEVICE_ROUTES: RouteTable = {
  routes: ROUTES.filter(({ path }) => path === METADATA),
  otherwise: "metadata",
};

/**
 * Routes of the public domain. Where devices have one of their own, `metadata` is asked here for its health
 * alone, under a path without a part to fill in. Unmatched paths also go to a function, because the gateway
 * decodes paths before it matches, and ours does not.
 */
export function publicRoutes({ devices }: Pick<Config, "devices">): RouteTable {
  if (devices === null) return { routes: ROUTES, otherwise: "metadata" };
  return { routes: ROUTES.filter(({ path }) => path !== METADATA), otherwise: "roots" };
}
