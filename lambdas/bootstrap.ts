/** Making a Factory, and making its first root again: the only function that ever has a root key. */
import { makeSigningKey } from "../lib/crypto/signing-key.ts";
import { appOf } from "../lib/http/base.ts";
import { bootstrapRoutes } from "../lib/http/bootstrap.ts";
import { boundaryOf } from "../lib/lambda/boundary.ts";
import { deliveryOf } from "../lib/lambda/delivery.ts";
import { httpHandler } from "../lib/lambda/handler.ts";
import { notifierOf } from "../lib/lambda/notifier.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { wrapperOf } from "../lib/lambda/wrapper.ts";
import { readSettings } from "../lib/settings.ts";

const settings = readSettings("bootstrap", process.env);
const service = serviceOf({
  ...storeOf(settings),
  ...deliveryOf(settings),
  wrapper: wrapperOf(settings),
  boundary: boundaryOf(settings),
  notifier: notifierOf(settings),
  makeRootKey: makeSigningKey,
  // The reader of certificates is large, and few requests name one.
  async readRecipient(pem, now) {
    const { recipientOf } = await import("../lib/crypto/envelope.ts");
    return recipientOf(pem, now);
  },
  publicUrl: settings.publicUrl,
  effects: ["destroy-share", "destroy-archive", "withdraw-link", "notify", "announce"],
});

export const handler = httpHandler(appOf(service, [bootstrapRoutes]));
