/** The routes of owners and their tools: roots, root updates, targets, tokens, state and log. */
import { appOf } from "../lib/http/base.ts";
import { factoryRoutes } from "../lib/http/factories.ts";
import { fioctlRoutes } from "../lib/http/fioctl.ts";
import { noReadyRoute } from "../lib/http/health.ts";
import { rootUpdateRoutes } from "../lib/http/root-updates.ts";
import { rootRoutes } from "../lib/http/roots.ts";
import { targetRoutes } from "../lib/http/targets.ts";
import { tokenRoutes } from "../lib/http/tokens.ts";
import { boundaryOf } from "../lib/lambda/boundary.ts";
import { httpHandler } from "../lib/lambda/handler.ts";
import { notifierOf } from "../lib/lambda/notifier.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("roots", process.env);
const service = serviceOf({
  ...storeOf(settings),
  boundary: boundaryOf(settings),
  notifier: notifierOf(settings),
  publicUrl: settings.publicUrl,
  // An owner's only copy of a key is out of its reach: the schedule destroys it once no root lists it.
  effects: ["follow-roots", "destroy-key", "withdraw-link", "notify", "announce", "end-token"],
});
const groups = [
  noReadyRoute,
  factoryRoutes,
  tokenRoutes,
  fioctlRoutes,
  rootRoutes,
  rootUpdateRoutes,
];

export const handler = httpHandler(appOf(service, [...groups, targetRoutes]));
