/** Registers the methods of one exact path; every other method there is 405 with `Allow`. */
import type { Context, Hono } from "hono";
import { RootwardError } from "../error.ts";

export type Handler = (c: Context) => Promise<Response> | Response;

export function routes(
  app: Hono,
  path: string,
  handlers: Readonly<Partial<Record<"GET" | "POST" | "PUT" | "DELETE", Handler>>>,
): void {
  for (const [method, handler] of Object.entries(handlers)) app.on(method, path, handler);
  const allowed = Object.keys(handlers);
  if (allowed.includes("GET")) allowed.push("HEAD");
  app.all(path, (c) => {
    c.header("Allow", allowed.join(", "));
    throw new RootwardError(
      "method-not-allowed",
      `${c.req.method} is not allowed here: expected ${allowed.join(" or ")}`,
    );
  });
}
