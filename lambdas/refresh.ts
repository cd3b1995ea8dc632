/** The schedule: every minute it tends to the Factories that are due. */
import { boundaryOf } from "../lib/lambda/boundary.ts";
import { deliveryOf } from "../lib/lambda/delivery.ts";
import { plainHandler } from "../lib/lambda/handler.ts";
import { notifierOf } from "../lib/lambda/notifier.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { tendInTime } from "../lib/lambda/tend-in-time.ts";
import { EFFECT_KINDS } from "../lib/factory/head.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("refresh", process.env);
const service = serviceOf({
  ...storeOf(settings),
  ...deliveryOf(settings),
  boundary: boundaryOf(settings),
  notifier: notifierOf(settings),
  publicUrl: settings.publicUrl,
  effects: EFFECT_KINDS,
});

export const handler = plainHandler((_event, invocation) => tendInTime(service, invocation));
