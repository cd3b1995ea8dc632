/**
 * Events of an HTTP API (payload format 2.0) as Requests, and Responses as what it takes back.
 *
 * hono has an adapter for this. It was passed over for two rules of ours: paths are exact, and the
 * gateway decodes them, so that a `?` or `..` in one would be parsed again; and an error is never
 * anything else than `{"code", "message"}`, a request that cannot be built included.
 */
import { isUtf8 } from "node:buffer";
import { exactUrl } from "../http/exact-path.ts";

export interface GatewayEvent {
  /** Decoded, without the query; in a stage other than `$default` it would begin with its name. */
  readonly rawPath: string;
  /** As it was sent. */
  readonly rawQueryString: string;
  /** Lower-case; several of one name are joined by commas. Cookies are elsewhere, and we have none. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
  readonly requestContext: {
    readonly domainName: string;
    readonly http: { readonly method: string };
    /** Of the connection, where the domain name asks for one (mutual TLS); nothing or null elsewhere. */
    readonly authentication?: {
      /** Its PEM, its names, its number and its time. */
      readonly clientCert?: Readonly<Record<string, unknown>> | null;
    } | null;
  };
}

export interface GatewayResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/**
 * Up to this length a body that is text goes as such: JSON takes six bytes at most for one of it, which
 * is within what Lambda lets an answer be.
 */
const SHORT = 1_000_000;

/** What an app makes of an event. */
export function answering(app: {
  fetch(request: Request): Response | Promise<Response>;
}): (event: GatewayEvent) => Promise<GatewayResult> {
  return async (event) => {
    const request = requestOf(event);
    if (request === null) return errorResult(400, "malformed", "no such request can be answered");
    return resultOf(await app.fetch(request));
  };
}

/** An error without an app, in the form of every error here. */
export function errorResult(statusCode: number, code: string, message: string): GatewayResult {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return { statusCode, headers, body: JSON.stringify({ code, message }), isBase64Encoded: false };
}

/** @returns null for a method or header that the Fetch standard knows no request with */
function requestOf(event: GatewayEvent): Request | null {
  const { method } = event.requestContext.http;
  const path = event.rawPath.startsWith("/") ? event.rawPath : "/not-exact";
  const hasBody = event.body !== undefined && !["GET", "HEAD"].includes(method);
  try {
    const url = exactUrl(path, new URL(`https://${event.requestContext.domainName}${path}`));
    url.search = event.rawQueryString;
    const headers = Object.entries(event.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const body = hasBody
      ? { body: Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8") }
      : {};
    return new Request(url, { method, headers, ...body });
  } catch {
    return null;
  }
}

async function resultOf(response: Response): Promise<GatewayResult> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const isBase64Encoded = !isUtf8(bytes) || isShorterInBase64(bytes);
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: bytes.toString(isBase64Encoded ? "base64" : "utf8"),
    isBase64Encoded,
  };
}

/**
 * A result is JSON, in which text is escaped: a document full of quotes takes up to twice its length, and
 * base64 a third more. What came from the signer in base64 must fit here as well (signer-handler.ts).
 */
function isShorterInBase64(bytes: Buffer): boolean {
  if (bytes.length <= SHORT) return false;
  const escaped = Buffer.byteLength(JSON.stringify(bytes.toString("utf8")));
  return escaped > Math.ceil(bytes.length / 3) * 4 + '""'.length;
}
