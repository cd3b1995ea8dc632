/**
 * Routes that may hand over the first root key of a Factory without a download link: fioctl asks for it
 * by itself, or as it starts a root update with `first-time`. They are the only ones outside the
 * delivery that open an archive, so on AWS one function has both and no other may decrypt a share.
 */
import type { Hono } from "hono";
import { readFirstKey } from "../api/fioctl.ts";
import * as api from "../api/root-updates.ts";
import { takeInitialKey } from "../service/delivery/initial-key.ts";
import { startUpdate, type StartNeeds } from "../service/root-update/start.ts";
import { isJsonObject, jsonObject, type JsonObject } from "../tuf/json.ts";
import { readJson } from "./request.ts";
import { serve } from "./serve.ts";

export function initialKeyRoutes(app: Hono, service: StartNeeds): void {
  serve(app, service, readFirstKey, async (ask) => {
    const { head, principal } = ask.allowed;
    const { sec, pub } = await takeInitialKey(service, head.factory, principal);
    return ask.answer(200, withPublicHalf(sec, pub));
  });

  serve(app, service, api.startUpdate, async (ask) => {
    const { head, principal } = ask.allowed;
    const { value } = await readJson(ask);
    const { factory } = head;
    const firstTime = value["first-time"];
    const request = { factory, principal, message: value.message, firstTime };
    const { txid, initialKey: key } = await startUpdate(service, request);
    return ask.answer(201, {
      txid,
      ...(key && { "first_root.sec": key.sec, "first_root.pub": key.pub }),
    });
  });
}

/**
 * fioctl before 0.30, the only one that asks here, reads an Ed25519 key only where the public half
 * follows the seed.
 */
function withPublicHalf(sec: JsonObject, pub: JsonObject): JsonObject {
  const seed = textOf(sec, "private");
  const half = textOf(pub, "public");
  if (sec["keytype"] !== "ED25519" || seed === null || half === null) return sec;
  return jsonObject({ ...sec, keyval: jsonObject({ private: seed + half }) });
}

function textOf({ keyval }: JsonObject, half: string): string | null {
  const text = isJsonObject(keyval) ? keyval[half] : null;
  return typeof text === "string" ? text : null;
}
