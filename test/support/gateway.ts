/**
 * How an HTTP API picks a route (API Gateway's developer guide, Routing API requests): the most specific
 * path, a greedy one last; of two for the same path the one that names the method.
 */
import { HttpMethod } from "aws-cdk-lib/aws-apigatewayv2";
import { publicRoutes, type Route, type RouteTable } from "../../lib/infra/routes.ts";

export function routeOf(
  method: string,
  path: string,
  { routes, otherwise }: RouteTable = publicRoutes({ devices: null }),
): Route["to"] {
  const fitting = routes.filter((route) => matches(route, method, path));
  return fitting.toSorted((a, b) => rank(b) - rank(a))[0]?.to ?? otherwise;
}

function matches({ path: pattern, methods }: Route, method: string, path: string): boolean {
  if (!methods.some((one) => ["ANY", method].includes(one))) return false;
  const source = pattern
    .replaceAll(".", String.raw`\.`)
    .replaceAll(/\{\w+\+\}/g, ".+")
    .replaceAll(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`).test(path);
}

/** Literal segments count most, then names, then the method. */
function rank({ path, methods }: Route): number {
  const literal = path.split("/").filter((segment) => !segment.startsWith("{")).length;
  const names = path.split("/").filter((segment) => /^\{\w+\}$/.test(segment)).length;
  return literal * 100 + names * 10 + (methods.includes(HttpMethod.ANY) ? 0 : 1);
}
