/**
 * The methods of exact paths. Two groups may share a path, so what answers every other method there
 * with 405 and `Allow` comes last, when all have said what they serve.
 */
import type { Context, Hono } from "hono";
import { RootwardError } from "../error.ts";

type Handler = (c: Context) => Promise<Response> | Response;

/**
 * The part of the API that one function of the AWS form serves; the embedded form serves all groups.
 */
export type RouteGroup<S = object> = (app: Hono, service: S) => void;

const served = new WeakMap<Hono, Map<string, string[]>>();

export function routes(
  app: Hono,
  path: string,
  handlers: Readonly<Partial<Record<"GET" | "POST" | "PUT" | "DELETE", Handler>>>,
): void {
  const paths = served.get(app) ?? new Map<string, string[]>();
  served.set(app, paths);
  for (const [method, handler] of Object.entries(handlers)) app.on(method, path, handler);
  paths.set(path, [...(paths.get(path) ?? []), ...Object.keys(handlers)]);
}

/** To be called after the last group. */
export function refuseOtherMethods(app: Hono): void {
  for (const [path, methods] of served.get(app) ?? []) {
    const allowed = methods.includes("GET") ? [...methods, "HEAD"] : methods;
    app.all(path, (c) => {
      c.header("Allow", allowed.join(", "));
      throw new RootwardError(
        "method-not-allowed",
        `${c.req.method} is not allowed here: expected ${allowed.join(" or ")}`,
      );
    });
  }
}
