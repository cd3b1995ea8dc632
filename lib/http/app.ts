/** The whole API as one hono app: every route group, as the embedded form serves it. */
import type { Hono } from "hono";
import type { Readiness } from "../service/readiness.ts";
import type { Service } from "../service/service.ts";
import { appOf } from "./base.ts";
import { bootstrapRoutes } from "./bootstrap.ts";
import { deviceRoutes } from "./devices.ts";
import { archiveRoute, downloadRoutes, type ArchiveOpener, type Page } from "./download.ts";
import { factoryRoutes } from "./factories.ts";
import { fioctlRoutes } from "./fioctl.ts";
import { healthRoute, readyRoute } from "./health.ts";
import { initialKeyRoutes } from "./initial-key.ts";
import { rootUpdateRoutes } from "./root-updates.ts";
import { rootRoutes } from "./roots.ts";
import { targetRoutes } from "./targets.ts";
import { tokenRoutes } from "./tokens.ts";

export interface AppParts {
  readonly service: Service;
  readonly page: Page;
  /** Only in the embedded form. */
  readonly archives?: ArchiveOpener;
  readonly readiness?: Readiness;
}

export function createApp({ service, page, archives, readiness }: AppParts): Hono {
  return appOf(service, [
    healthRoute,
    ...(readiness === undefined ? [] : [readyRoute(readiness)]),
    bootstrapRoutes,
    factoryRoutes,
    tokenRoutes,
    fioctlRoutes,
    initialKeyRoutes,
    rootRoutes,
    rootUpdateRoutes,
    targetRoutes,
    deviceRoutes,
    downloadRoutes(page),
    ...(archives === undefined ? [] : [archiveRoute(archives)]),
  ]);
}
