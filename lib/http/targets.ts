/** Routes of publishers: the targets of the first channel, as they are, and a change of them. */
import type { Context, Hono } from "hono";
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { publishTargets, readTargets } from "../service/publish-targets.ts";
import type { Service } from "../service/service.ts";
import { isJsonArray, isJsonObject, jsonObject, type JsonValue } from "../tuf/json.ts";
import { ENTRIES_LIMITS } from "../tuf/target-entries.ts";
import { jsonAnswer } from "./bytes-answer.ts";
import { queryOf } from "./query.ts";
import { authorizeOwner, readJson } from "./request.ts";
import { routes } from "./routes.ts";

// By hand below: a schema would have an issue for each of some hundred thousand values.
const json = v.custom<JsonValue>(() => true);
const publishBody = v.strictObject({ targets: v.optional(json), remove: v.optional(json) });

export function targetRoutes(app: Hono, service: Service): void {
  routes(app, "/ota/factories/:factory/targets/", {
    GET: async (c) => {
      const { head } = await authorizeOwner(service, c, "root:read");
      assertNotProd(c);
      return jsonAnswer(c, await readTargets(service, head));
    },
    PUT: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "targets:update");
      assertNotProd(c);
      const { value } = await readJson(c, publishBody, ENTRIES_LIMITS);
      const { targets: entries = jsonObject({}), remove = [] } = value;
      if (!isJsonObject(entries)) {
        throw new RootwardError("malformed", "targets: expected an object, entries by name");
      }
      if (!isJsonArray(remove) || !remove.every((name) => typeof name === "string")) {
        throw new RootwardError("malformed", "remove: expected a list of names");
      }
      const { factory } = head;
      return c.json(await publishTargets(service, { factory, principal, entries, remove }));
    },
  });
}

/** What is meant for prod must not reach ci: its targets are signed offline, and not here. */
function assertNotProd(c: Context): void {
  if (queryOf(c, "production") === undefined) return;
  throw new RootwardError(
    "not-found",
    "query production: targets of prod are signed offline, and not published here",
  );
}
