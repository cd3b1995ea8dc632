/** Handing over a first root key: by the link, or to the owner's token where there is none. */
import { appOf } from "../lib/http/base.ts";
import { downloadRoutes } from "../lib/http/download.ts";
import { initialKeyRoutes } from "../lib/http/initial-key.ts";
import { deliveryOf } from "../lib/lambda/delivery.ts";
import { httpHandler } from "../lib/lambda/handler.ts";
import { notifierOf } from "../lib/lambda/notifier.ts";
import { bundledPage } from "../lib/lambda/page.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { wrapperOf } from "../lib/lambda/wrapper.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("deliver", process.env);
const service = serviceOf({
  ...storeOf(settings),
  ...deliveryOf(settings),
  wrapper: wrapperOf(settings),
  notifier: notifierOf(settings),
  // It hands over root keys, and signs nothing.
  boundary: null,
  publicUrl: settings.publicUrl,
  // To the end of that second: a backup has all of it.
  linksFrom: settings.linksFrom === "" ? 0 : Date.parse(settings.linksFrom) + 1000,
  effects: ["destroy-share", "destroy-archive", "withdraw-link", "notify", "announce"],
});
const page = downloadRoutes(bundledPage(), settings.archiveOrigin);

export const handler = httpHandler(appOf(service, [page, initialKeyRoutes]));
