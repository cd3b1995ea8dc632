/** The HTTP API as a server: requests as events of payload format 2.0, and what a function answers to them. */
import { buffer } from "node:stream/consumers";
import type { GatewayEvent, GatewayResult } from "../../../lib/lambda/gateway.ts";
import { listen, type Loopback } from "../loopback.ts";
import { ACCOUNT, REGION } from "./cloud.ts";
import { restoreHost } from "./reroute.ts";

export interface Init {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What the gateway passes as text; any other body is in base64. */
const TEXT = /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|javascript))(?:;|$)/;

/**
 * As the gateway makes it: it decodes the path once, and CloudFront, which is before it, leaves out the
 * viewer's host.
 */
export function eventOf(method: string, path: string, init: Init): GatewayEvent {
  const { token, body, headers } = init;
  const [encoded = "", ...query] = path.split("?");
  const rawPath = decoded(encoded);
  const domainName = `api.execute-api.${REGION}.amazonaws.com`;
  const sent = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const all = {
    host: domainName,
    ...(token !== undefined && { "osf-token": token }),
    ...(sent !== undefined && { "content-type": "application/json" }),
    ...headers,
  };
  const isBase64Encoded = sent !== undefined && !TEXT.test(all["content-type"] ?? "");
  const event = {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString: query.join("?"),
    headers: all,
    requestContext: {
      accountId: ACCOUNT,
      apiId: "api",
      domainName,
      domainPrefix: "api",
      http: {
        method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: "192.0.2.1",
        userAgent: "",
      },
      requestId: "request",
      stage: "$default",
    },
    ...(sent !== undefined && {
      body: isBase64Encoded ? Buffer.from(sent, "utf8").toString("base64") : sent,
    }),
    isBase64Encoded,
  };
  return event;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

export function listenAsGateway(
  answer: (event: GatewayEvent) => Promise<GatewayResult>,
): Promise<Loopback> {
  return listen((request, response) => {
    void (async () => {
      restoreHost(request);
      const sent = (await buffer(request)).toString("utf8");
      const headers = Object.fromEntries(
        Object.entries(request.headers)
          .filter(([name]) => name !== "host")
          .map(([name, value]) => [name, String(value)]),
      );
      const init = { headers, ...(sent !== "" && { body: sent }) };
      const { method = "GET", url = "/" } = request;
      const {
        statusCode,
        headers: answered,
        body,
        isBase64Encoded,
      } = await answer(eventOf(method, url, init));
      response.writeHead(statusCode, answered);
      response.end(Buffer.from(body, isBase64Encoded ? "base64" : "utf8"));
    })().catch(() => response.destroy());
  });
}
