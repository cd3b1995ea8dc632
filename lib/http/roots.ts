/** Routes of owners' tools (fioctl, our CLI): reading roots, and submitting a whole signed root. */
import type { Hono } from "hono";
import * as api from "../api/roots.ts";
import type { Head } from "../state/head.ts";
import { readRoleFile } from "../service/read.ts";
import type { Needs, Changes, Signs } from "../service/service.ts";
import { submitRoot } from "../service/roots/submit-root.ts";
import { rootLimits } from "../tuf/dialect.ts";
import type { Ask } from "./ask.ts";
import { bytesAnswer } from "./bytes-answer.ts";
import { channelOf, readBody } from "./request.ts";
import { serve } from "./serve.ts";

export function rootRoutes(app: Hono, service: Needs<Changes | Signs | "verify">): void {
  const root = async (
    ask: Ask<typeof api.readRoot> | Ask<typeof api.readRootVersion>,
    head: Head,
    version: number | null,
  ): Promise<Response> => {
    const channel = channelOf(head.dialect, ask.query("production"));
    const bytes = await readRoleFile(service, head, channel, "root", version);
    return bytesAnswer(ask.c, bytes, { "Content-Type": "application/json" });
  };

  serve(app, service, api.readRoot, (ask) => root(ask, ask.allowed.head, null));
  serve(app, service, api.readRootVersion, (ask) =>
    root(ask, ask.allowed.head, Number(ask.part("version"))),
  );

  serve(app, service, api.submitRoot, async (ask) => {
    const { head, principal } = ask.allowed;
    const channel = channelOf(head.dialect, ask.query("production"));
    const dryRun = ask.query("dry-run") === "1";
    const body = await readBody(ask.c, rootLimits(head.dialect).maxBytes);
    const { factory } = head;
    return ask.answer(
      200,
      await submitRoot(service, { factory, channel, body, principal, dryRun }),
    );
  });
}
