/**
 * Events of an HTTP API (payload format 2.0) as Requests, and Responses as its results.
 *
 * hono has an adapter for this. It was passed over for two rules of ours: paths are exact, and an error is
 * never anything else than JSON with a code and a message, a request that cannot be built included.
 *
 * The gateway has decoded the path once before it hands it on, and routed by that; how it was written is
 * not in the event. So what is refused here is what would be decoded or parsed a second time: a `%`, a
 * `?`, a `..`, whatever no path of ours has (exact-path.ts).
 */
import { isUtf8 } from "node:buffer";
import { isRootwardError, RootwardError, type ErrorCode } from "../error.ts";
import { plainError, type ErrorAnswer } from "../http/error-answer.ts";
import { isExactPath } from "../http/exact-path.ts";

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
    /**
     * The client certificate of the connection, where the domain name asks for one (mutual TLS); nothing or
     * null elsewhere.
     */
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

/** A path that nothing answers. */
const NOT_EXACT = "/not-exact";

/** The handler of events by an app. */
export function answering(app: {
  fetch(request: Request): Response | Promise<Response>;
}): (event: GatewayEvent) => Promise<GatewayResult> {
  return async (event) => {
    try {
      return await resultOf(await app.fetch(requestOf(event)));
    } catch (error) {
      if (isRootwardError(error)) return errorResult(error.code, error.message);
      throw error;
    }
  };
}

/** An error without an app, in the form of every error here. */
export function errorResult(code: ErrorCode, message: string): GatewayResult {
  const { status, headers, body }: ErrorAnswer = plainError(code, message);
  return {
    statusCode: status,
    headers: Object.fromEntries(new Headers(headers)),
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

/** @throws RootwardError `malformed` for a method or header that the Fetch standard knows no request with */
function requestOf(event: GatewayEvent): Request {
  const { method } = event.requestContext.http;
  const path = isExactPath(event.rawPath) ? event.rawPath : NOT_EXACT;
  const hasBody = event.body !== undefined && !["GET", "HEAD"].includes(method);
  try {
    const url = new URL(`https://${event.requestContext.domainName}${path}`);
    url.search = event.rawQueryString;
    const headers = Object.entries(event.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]],
    );
    const body = hasBody
      ? { body: Buffer.from(event.body, event.isBase64Encoded ? "base64" : "utf8") }
      : {};
    return new Request(url, { method, headers, ...body });
  } catch {
    throw new RootwardError("malformed", "no such request can be answered");
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
 * base64 a third more. A document that came from the signer in base64 must fit here as well
 * (signer-handler.ts).
 */
function isShorterInBase64(bytes: Buffer): boolean {
  if (bytes.length <= SHORT) return false;
  const escaped = Buffer.byteLength(JSON.stringify(bytes.toString("utf8")));
  return escaped > Math.ceil(bytes.length / 3) * 4 + '""'.length;
}
