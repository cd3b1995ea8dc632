/**
 * Which function the gateway of the template brings a request to (API Gateway's developer guide, Routing
 * API requests): the most specific path, a greedy one last; of two for the same path the one that names
 * the method. The gateway must also have been allowed to invoke it.
 */
import type { Cloud } from "./cloud.ts";

interface GatewayRoute {
  /** ANY for every method. */
  readonly method: string;
  readonly path: string;
}

/** @returns the route that fits best, or null */
export function bestRoute<R extends GatewayRoute>(
  routes: readonly R[],
  method: string,
  path: string,
): R | null {
  const fitting = routes.filter((route) => matches(route, method, path));
  return fitting.toSorted((a, b) => rank(b) - rank(a))[0] ?? null;
}

function matches(
  { path: pattern, method: own }: GatewayRoute,
  method: string,
  path: string,
): boolean {
  if (!["ANY", method].includes(own)) return false;
  const source = pattern
    .replaceAll(".", String.raw`\.`)
    .replaceAll(/\{\w+\+\}/g, ".+")
    .replaceAll(/\{\w+\}/g, "[^/]+");
  return new RegExp(`^${source}$`).test(path);
}

/** Literal segments count most, then names, then the method. */
function rank({ path, method }: GatewayRoute): number {
  const literal = path.split("/").filter((segment) => !segment.startsWith("{")).length;
  const names = path.split("/").filter((segment) => /^\{\w+\}$/.test(segment)).length;
  return literal * 100 + names * 10 + (method === "ANY" ? 0 : 1);
}

const PERMITTED = { Action: "lambda:InvokeFunction", Principal: "apigateway.amazonaws.com" };

/** @returns for a method and a path, the ARN of the function that answers */
export function routerOf(cloud: Cloud): (method: string, path: string) => string {
  const uris = new Map(
    cloud
      .of("AWS::ApiGatewayV2::Integration")
      .map(({ ref, properties }) => [`integrations/${ref}`, String(properties["IntegrationUri"])]),
  );
  const permitted = new Set(
    cloud
      .of("AWS::Lambda::Permission")
      .filter(
        ({ properties: { Action, Principal } }) =>
          Action === PERMITTED.Action && Principal === PERMITTED.Principal,
      )
      .map(({ properties }) => String(properties["FunctionName"])),
  );
  let otherwise = "";
  const routes: (GatewayRoute & { readonly to: string })[] = [];
  for (const { properties } of cloud.of("AWS::ApiGatewayV2::Route")) {
    const to = uris.get(String(properties["Target"])) ?? "";
    const [method = "", path] = String(properties["RouteKey"]).split(" ");
    if (path === undefined) otherwise = to;
    else routes.push({ method, path, to });
  }
  return (method, path) => {
    const to = bestRoute(routes, method, path)?.to ?? otherwise;
    if (permitted.has(to)) return to;
    throw new Error(`${method} ${path}: the gateway may not invoke ${to}`);
  };
}
