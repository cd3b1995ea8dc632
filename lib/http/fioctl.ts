/**
 * Further routes that fioctl asks (docs/fioctl.md): who one is, the online targets
 * key, and the lists of production targets and waves, of which there are none yet.
 */
import type { Hono } from "hono";
import { RootwardError } from "../error.ts";
import { currentRoot } from "../service/current-root.ts";
import type { Service } from "../service/service.ts";
import { firstChannel } from "../tuf/dialect.ts";
import { queryOf } from "./query.ts";
import { authorizeOwner } from "./request.ts";
import { routes } from "./routes.ts";

const BASE = "/ota/factories/:factory";

export function fioctlRoutes(app: Hono, service: Service): void {
  // fioctl before 0.36 asks without the final slash.
  for (const path of [`${BASE}/users/self/`, `${BASE}/users/self`]) {
    routes(app, path, {
      GET: async (c) => {
        const { token } = await authorizeOwner(service, c, "root:read");
        return c.json({ "polis-id": token.user, "effective-scopes": token.scopes });
      },
    });
  }

  routes(app, `${BASE}/ci-targets.pub`, {
    GET: async (c) => {
      const { head } = await authorizeOwner(service, c, "root:read");
      // The object as the root lists it: fioctl compares its text with the root's.
      const { keys } = await currentRoot(service, head, firstChannel(head.dialect));
      const key = keys.get(head.onlineKeys.targets);
      if (key === undefined) throw new RootwardError("internal", "no online targets key is listed");
      return c.json(key.object);
    },
  });

  for (const [list, query] of [
    ["prod-targets", "tag"],
    ["wave-targets", "name"],
  ] as const) {
    routes(app, `${BASE}/${list}/`, {
      GET: async (c) => {
        await authorizeOwner(service, c, "root:read");
        const wanted = queryOf(c, query) ?? "";
        if (wanted === "") return c.json({});
        throw new RootwardError("not-found", `there are no ${list} of that ${query}`);
      },
    });
  }
}
