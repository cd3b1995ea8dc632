/**
 * Further routes that fioctl asks (docs/fioctl.md): who one is, the online targets
 * key, and the lists of production targets and waves, of which there are none yet.
 */
import type { Hono } from "hono";
import {
  listProdTargets,
  listWaveTargets,
  readSelf,
  readSelfUnslashed,
  readTargetsKey,
} from "../api/fioctl.ts";
import { RootwardError } from "../error.ts";
import { currentRoot } from "../service/store.ts";
import type { Needs, Reads } from "../service/service.ts";
import { firstChannel } from "../tuf/dialect.ts";
import { serve } from "./serve.ts";

export function fioctlRoutes(app: Hono, service: Needs<Reads | "now" | "tokens">): void {
  for (const operation of [readSelf, readSelfUnslashed]) {
    serve(app, service, operation, (ask) => {
      const { token } = ask.allowed.principal;
      return ask.answer(200, { "polis-id": token.user, "effective-scopes": token.scopes });
    });
  }

  serve(app, service, readTargetsKey, async (ask) => {
    const { head } = ask.allowed;
    // The object as the root lists it: fioctl compares its text with the root's.
    const { keys } = await currentRoot(service, head, firstChannel(head.dialect));
    const key = keys.get(head.onlineKeys.targets);
    if (key === undefined) throw new RootwardError("internal", "no online targets key is listed");
    return ask.answer(200, key.object);
  });

  serve(app, service, listProdTargets, (ask) => {
    if ((ask.query("tag") ?? "") === "") return ask.answer(200, {});
    throw new RootwardError("not-found", "there are no prod-targets of that tag");
  });

  serve(app, service, listWaveTargets, (ask) => {
    if ((ask.query("name") ?? "") === "") return ask.answer(200, {});
    throw new RootwardError("not-found", "there are no wave-targets of that name");
  });
}
