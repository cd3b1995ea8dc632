/** The state of a Factory, for its owner and for whoever makes Factories; and its audit log, for the owner. */
import type { Hono } from "hono";
import { RootwardError } from "../error.ts";
import { authorizeState } from "../service/authorize.ts";
import { describeFactory, readLog } from "../service/read.ts";
import type { Service } from "../service/service.ts";
import { jsonAnswer } from "./bytes-answer.ts";
import { queryOf } from "./query.ts";
import { authorizeOwner, factoryParam, requestToken } from "./request.ts";
import { routes } from "./routes.ts";

export function factoryRoutes(app: Hono, service: Service): void {
  routes(app, "/ota/factories/:factory/", {
    GET: async (c) => {
      const { head } = await authorizeState(service, requestToken(c), factoryParam(c));
      return c.json(describeFactory(head));
    },
  });

  routes(app, "/ota/factories/:factory/log/", {
    GET: async (c) => {
      const { head } = await authorizeOwner(service, c, "root:read");
      const from = queryOf(c, "from") ?? "1";
      if (!/^[1-9]\d{0,14}$/.test(from)) {
        throw new RootwardError("malformed", "query from: expected a number of at least 1");
      }
      return jsonAnswer(c, await readLog(service, head, Number(from)));
    },
  });
}
