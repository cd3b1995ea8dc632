/** Whether the API answers at all; it says nothing of what is behind it. */
import type { Hono } from "hono";
import { routes } from "./routes.ts";

export function healthRoute(app: Hono): void {
  routes(app, "/healthz", { GET: (c) => c.json({ status: "ok" }) });
}
