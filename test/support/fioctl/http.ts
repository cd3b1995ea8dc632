/**
 * Requests as the client sends them: its headers and no others (no Accept, nothing compressed), a
 * Content-Type only with a body, one try. Exactly 200, 201, 202 and 204 are success; anything else is
 * told in its words.
 */
import { request as httpRequest, STATUS_CODES, type IncomingMessage } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { GoError, HttpError } from "./go-error.ts";

export interface ClientOptions {
  readonly url: string;
  readonly factory: string;
  /** An API token; without one, an OAuth access token. */
  readonly token?: string;
  readonly accessToken?: string;
  /** `fioctl-<build>` unless given. */
  readonly userAgent?: string;
  /** Milliseconds since 1970; the system's clock unless given. */
  readonly now?: () => number;
}

const SUCCESS = [200, 201, 202, 204];
const PRINT_LIMIT = 512;

/** @throws HttpError for a status that is no success, GoError where no answer came */
export async function send(
  client: ClientOptions,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: string,
): Promise<string> {
  const url = client.url.replace(/\/+$/, "") + path;
  const response = await exchange(url, method, headersOf(client, body), body).catch(
    (error: unknown) => {
      const why = Error.isError(error) ? error.message : "EOF";
      const verb = method[0] + method.slice(1).toLowerCase();
      throw new GoError(`${verb} "${url}": ${why}`);
    },
  );
  const { status, answer } = response;
  if (SUCCESS.includes(status)) return answer;
  const line = `${status} ${STATUS_CODES[status] ?? ""}`;
  throw new HttpError(`HTTP error during ${method} '${url}': ${line}${reasons(answer)}`, status);
}

function headersOf(client: ClientOptions, body: string | undefined): Record<string, string> {
  const { token, accessToken, userAgent = "fioctl-v0.46" } = client;
  return {
    "User-Agent": userAgent,
    ...(token !== undefined && { "OSF-TOKEN": token }),
    // Encoded once more, although it is text already.
    ...(accessToken !== undefined && {
      Authorization: `Bearer ${Buffer.from(accessToken).toString("base64")}`,
    }),
    ...(body !== undefined && { "Content-Type": "application/json" }),
  };
}

async function exchange(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: string | undefined,
): Promise<{ readonly status: number; readonly answer: string }> {
  const length = method === "GET" ? {} : { "Content-Length": Buffer.byteLength(body ?? "") };
  // A connection of its own: the client is a process that ends.
  const outgoing = httpRequest(url, { method, headers: { ...headers, ...length }, agent: false });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  return { status: incoming.statusCode ?? 0, answer: await text(incoming) };
}

/** What of an error's body is printed. */
function reasons(body: string): string {
  const parsed = parseObject(body);
  if (parsed === null) return "";
  const { msg, message, errors } = parsed;
  const heading = [msg, message].find(
    (part): part is string => typeof part === "string" && part !== "",
  );
  const lines = errorLines(errors);
  // An entry that is no string makes the whole body unreadable.
  if (lines === null) return "";
  if (heading !== undefined) {
    return [`\n= ${heading}`, ...lines.map((line) => `\n * ${line}`)].join("");
  }
  return Buffer.byteLength(body) < PRINT_LIMIT
    ? `\n= ${body}`
    : "\n= Error body too long, try to use the --verbose option";
}

function parseObject(body: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(body);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function errorLines(errors: unknown): readonly string[] | null {
  if (errors === undefined || errors === null) return [];
  if (typeof errors !== "object") return null;
  const lines = Array.isArray(errors)
    ? (errors as readonly unknown[]).map((line) => [line, line] as const)
    : Object.entries(errors).map(([name, line]) => [line, `${name}: ${String(line)}`] as const);
  return lines.every(([line]) => typeof line === "string")
    ? lines.map(([, line]) => String(line))
    : null;
}
