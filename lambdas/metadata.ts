/** The metadata that devices read, and the health check. It can write nothing. */
import { appOf } from "../lib/http/base.ts";
import { deviceRoutes } from "../lib/http/devices.ts";
import { healthRoute, noReadyRoute } from "../lib/http/health.ts";
import { certificateGuard } from "../lib/lambda/client-certificate.ts";
import { httpHandler } from "../lib/lambda/handler.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("metadata", process.env);
const service = serviceOf({ ...storeOf(settings), effects: [] });
const app = appOf(service, [healthRoute, noReadyRoute, deviceRoutes]);

// Where devices need certificates this function looks for them itself, whatever the gateway did.
export const handler = httpHandler(app, certificateGuard(settings.clientCertificates));
