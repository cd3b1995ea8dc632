/** Which function a request goes to, by the stacks' own table of routes. */
import { publicRoutes, type Route, type RouteTable } from "../../lib/infra/routes.ts";
import { bestRoute } from "./deployed/routing.ts";

export function routeOf(
  method: string,
  path: string,
  { routes, otherwise }: RouteTable = publicRoutes({ devices: null }),
): Route["to"] {
  const each = routes.flatMap(({ methods, ...route }) =>
    methods.map((one) => ({ ...route, method: one as string })),
  );
  return bestRoute(each, method, path)?.to ?? otherwise;
}
