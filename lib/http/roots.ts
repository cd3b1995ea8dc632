/** Routes of owners' tools (fioctl, our CLI): reading roots, and submitting a whole signed root. */
import type { Context, Hono } from "hono";
import { RootwardError } from "../error.ts";
import { readRoleFile } from "../service/read.ts";
import type { Service } from "../service/service.ts";
import { submitRoot } from "../service/submit-root.ts";
import { rootLimits } from "../tuf/dialect.ts";
import { bytesAnswer } from "./bytes-answer.ts";
import { queryOf } from "./query.ts";
import { authorizeOwner, channelQuery, readBody } from "./request.ts";
import { routes } from "./routes.ts";

const BASE = "/ota/repo/:factory/api/v1/user_repo";

export function rootRoutes(app: Hono, service: Service): void {
  const readRoot = async (c: Context, version: number | null): Promise<Response> => {
    const { head } = await authorizeOwner(service, c, "root:read");
    const channel = channelQuery(c, head.dialect);
    const bytes = await readRoleFile(service, head, channel, "root", version);
    return bytesAnswer(c, bytes, { "Content-Type": "application/json" });
  };

  routes(app, `${BASE}/root.json`, { GET: (c) => readRoot(c, null) });
  routes(app, `${BASE}/:file{[1-9][0-9]{0,9}\\.root\\.json}`, {
    GET: (c) => readRoot(c, Number.parseInt(c.req.param("file") ?? "", 10)),
  });

  routes(app, `${BASE}/root`, {
    POST: async (c) => {
      const { head, ...principal } = await authorizeOwner(service, c, "root:update");
      const channel = channelQuery(c, head.dialect);
      const dryRun = queryOf(c, "dry-run");
      if (dryRun !== undefined && dryRun !== "1") {
        throw new RootwardError("malformed", "query dry-run: expected 1 or nothing");
      }
      const body = await readBody(c, rootLimits(head.dialect).maxBytes);
      const result = await submitRoot(service, {
        factory: head.factory,
        channel,
        body,
        principal,
        dryRun: dryRun === "1",
      });
      return c.json(result);
    },
  });
}
