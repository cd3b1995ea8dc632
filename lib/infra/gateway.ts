/**
 * The form of every HTTP API here: one stage without a name, throttled, and with a log of requests that
 * holds no token, no body and no address. Numbers are of the API as a whole: those of each route would cost
 * more a month than all else of a small installation, and nobody looks at them. In every API, each function
 * decides for itself which requests it answers.
 */
import { RemovalPolicy, type Stack } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  HttpApi,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";
import type { Route, RouteTable } from "./routes.ts";
import type { ServiceFunction } from "./service-function.ts";

/** No tokens, no bodies, and no addresses of clients. */
const ACCESS_LOG = JSON.stringify({
  time: "$context.requestTime",
  requestId: "$context.requestId",
  method: "$context.httpMethod",
  path: "$context.path",
  route: "$context.routeKey",
  status: "$context.status",
  milliseconds: "$context.responseLatency",
  error: "$context.integrationErrorMessage",
});

export interface GatewayProps {
  readonly config: Config;
  /** The prefix of the ids of its resources. */
  readonly prefix: "" | "Devices";
  readonly apiName: string;
  readonly description: string;
  /** Whether it answers at a domain name only, and not at the name that AWS gives it. */
  readonly domainOnly: boolean;
}

export class Gateway {
  readonly api: HttpApi;
  readonly stage: HttpStage;
  readonly #stack: Stack;
  readonly #prefix: string;

  constructor(stack: Stack, { config, prefix, apiName, description, domainOnly }: GatewayProps) {
    this.#stack = stack;
    this.#prefix = prefix;
    this.api = new HttpApi(stack, `${prefix}Api`, {
      apiName,
      description,
      createDefaultStage: false,
      ...(domainOnly && { disableExecuteApiEndpoint: true }),
    });
    const log = new LogGroup(stack, `${prefix}AccessLog`, {
      retention: config.logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { rate: rateLimit, burst: burstLimit } = config.throttle;
    this.stage = new HttpStage(stack, `${prefix}Stage`, {
      httpApi: this.api,
      // Any other name would begin every path.
      stageName: "$default",
      autoDeploy: true,
      throttle: { rateLimit, burstLimit },
      accessLogSettings: {
        destination: new LogGroupLogDestination(log),
        format: AccessLogFormat.custom(ACCESS_LOG),
      },
    });
  }

  /** @param noAuthorizer why the gateway asks for no authorization itself */
  route(
    { routes, otherwise }: RouteTable,
    functions: Readonly<Record<Route["to"], ServiceFunction>>,
    noAuthorizer: string,
  ): void {
    const integrations = new Map(
      Object.entries(functions).map(([name, to]) => [name, new HttpLambdaIntegration(name, to)]),
    );
    const integrationOf = (name: Route["to"]): HttpLambdaIntegration => {
      const integration = integrations.get(name);
      if (integration !== undefined) return integration;
      throw new Error(`no function ${name}`);
    };
    const made: HttpRoute[] = routes.flatMap(({ path, methods, to }) =>
      this.api.addRoutes({ path, methods: [...methods], integration: integrationOf(to) }),
    );
    const rest = {
      httpApi: this.api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: integrationOf(otherwise),
    };
    made.push(new HttpRoute(this.#stack, `${this.#prefix}Else`, rest));
    for (const route of made) acknowledge(route, { "AwsSolutions-APIG4": noAuthorizer });
  }
}
