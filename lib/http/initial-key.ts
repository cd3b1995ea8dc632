/**
 * Routes that may hand over the first root key of a Factory without a download link: fioctl asks for it
 * by itself, or as it starts a root update with `first-time`. They are the only ones outside the
 * delivery that open an archive, so on AWS one function has both and no other may decrypt a share.
 */
import type { Hono } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { takeInitialKey } from "../service/initial-key.ts";
import { startUpdate } from "../service/root-update/start.ts";
import type { Service } from "../service/service.ts";
import { isJsonObject, jsonObject, type JsonObject } from "../tuf/json.ts";
import { UPDATES } from "./paths.ts";
import { authorizeOwner, readJson } from "./request.ts";
import { routes } from "./routes.ts";

const startBody = v.strictObject({
  message: v.string(),
  "first-time": v.optional(v.boolean(), false),
  /** fioctl says here that it does all steps by itself. */
  shortcut: v.optional(v.boolean(), false),
});

export function initialKeyRoutes(app: Hono, service: Service): void {
  routes(app, "/ota/factories/:factory/first_root.sec", {
    GET: async (c) => {
      // hono answers HEAD by GET: the log and a mail would say that a key was read.
      if (c.req.method === "HEAD") {
        c.header("Allow", "GET");
        throw new RootwardError("method-not-allowed", "HEAD is not allowed here: expected GET");
      }
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { sec, pub } = await takeInitialKey(service, head.factory, principal);
      return c.json(withPublicHalf(sec, pub));
    },
  });

  routes(app, UPDATES, {
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const { value } = await readJson(c, startBody);
      const { factory } = head;
      const firstTime = value["first-time"];
      const request = { factory, principal, message: value.message, firstTime };
      const started = await startUpdate(service, request);
      const { initialKey: key } = started;
      return c.json(
        {
          txid: started.txid,
          ...(key && { "first_root.sec": key.sec, "first_root.pub": key.pub }),
        },
        201,
      );
    },
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
