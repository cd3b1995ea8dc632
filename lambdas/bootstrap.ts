/** Making a Factory, and making its first root again: the only function that ever has a root key. */
import { recipientOf } from "../lib/crypto/envelope.ts";
import { makeSigningKey } from "../lib/crypto/signing-key.ts";
import { appOf } from "../lib/http/base.ts";
import { bootstrapRoutes } from "../lib/http/bootstrap.ts";
import { deliveryOf, wrapperOf } from "../lib/lambda/delivery.ts";
import { httpHandler } from "../lib/lambda/handler.ts";
import { mailOf } from "../lib/lambda/mail.ts";
import { serviceOf } from "../lib/lambda/service.ts";
import { invoking } from "../lib/lambda/signer-call.ts";
import { storeOf } from "../lib/lambda/store.ts";
import { readSettings } from "../lib/settings.ts";
import { remoteBoundary } from "../lib/signing/remote.ts";

const settings = readSettings("bootstrap", process.env);
const service = serviceOf({
  ...storeOf(settings),
  ...deliveryOf(settings),
  wrapper: wrapperOf(settings.shareKey),
  boundary: remoteBoundary(invoking(settings.signerFunction)),
  notifier: mailOf(settings),
  makeRootKey: makeSigningKey,
  readRecipient: recipientOf,
  publicUrl: settings.publicUrl,
  effects: ["destroy-share", "destroy-archive", "withdraw-link", "notify"],
});

export const handler = httpHandler(appOf(service, [bootstrapRoutes]));
