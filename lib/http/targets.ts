/** Routes of publishers: the targets of the first channel, as they are, and a change of them. */
import type { Context, Hono } from "hono";
import * as api from "../api/targets.ts";
import { RootwardError } from "../error.ts";
import { publishTargets, readTargets } from "../service/publish-targets.ts";
import type { Needs, Changes, Signs } from "../service/service.ts";
import { isJsonArray, isJsonObject, jsonObject } from "../tuf/json.ts";
import { ENTRIES_LIMITS } from "../tuf/target-entries.ts";
import { queryOf } from "./query.ts";
import { readJson } from "./request.ts";
import { longAnswer } from "./bytes-answer.ts";
import { serve } from "./serve.ts";

export function targetRoutes(app: Hono, service: Needs<Changes | Signs>): void {
  serve(app, service, api.listTargets, async (ask) => {
    assertNotProd(ask.c);
    return longAnswer(ask, await readTargets(service, ask.allowed.head));
  });

  serve(app, service, api.publishTargets, async (ask) => {
    const { head, principal } = ask.allowed;
    assertNotProd(ask.c);
    const { value } = await readJson(ask, ENTRIES_LIMITS);
    const { targets: entries = jsonObject({}), remove = [] } = value;
    if (!isJsonObject(entries)) {
      throw new RootwardError("malformed", "targets: expected an object, entries by name");
    }
    if (!isJsonArray(remove) || !remove.every((name) => typeof name === "string")) {
      throw new RootwardError("malformed", "remove: expected a list of names");
    }
    const { factory } = head;
    return ask.answer(200, await publishTargets(service, { factory, principal, entries, remove }));
  });
}

/** Targets for prod must not reach ci: they are signed offline, and not here. */
function assertNotProd(c: Context): void {
  if (queryOf(c, "production") === undefined) return;
  throw new RootwardError(
    "not-found",
    "query production: targets of prod are signed offline, and not published here",
  );
}
