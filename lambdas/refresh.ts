/**
 * The schedule: every minute it looks at the Factories that are due. Asked by an operator, it compares all
 * Factories with the signer.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientOptions } from "../lib/adapters/aws/clients.ts";
import { DynamoClockRecords } from "../lib/adapters/aws/clock-record.ts";
import { SteadyClock } from "../lib/adapters/steady-clock.ts";
import { EFFECT_KINDS } from "../lib/state/effect.ts";
import { boundaryOf } from "../lib/lambda/boundary.ts";
import { compareInTime, isComparison } from "../lib/lambda/compare-in-time.ts";
import { deliveryOf } from "../lib/lambda/delivery.ts";
import { plainHandler } from "../lib/lambda/handler.ts";
import { notifierOf } from "../lib/lambda/notifier.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { report } from "../lib/lambda/telemetry.ts";
import { scheduleInTime } from "../lib/lambda/schedule-in-time.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("refresh", process.env);
const store = new DynamoClockRecords(new DynamoDBClient(clientOptions()), settings.table);
const clock = new SteadyClock({ now: Date.now, uptime: () => null, store, report }, null);
const service = serviceOf({
  now: () => clock.now(),
  clock,
  ...storeOf(settings),
  ...deliveryOf(settings),
  boundary: boundaryOf(settings),
  notifier: notifierOf(settings),
  publicUrl: settings.publicUrl,
  effects: EFFECT_KINDS,
});

export const handler = plainHandler<unknown, unknown>((event, invocation) =>
  isComparison(event)
    ? compareInTime(service, event, invocation)
    : scheduleInTime(service, invocation),
);
