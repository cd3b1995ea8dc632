/**
 * A loopback proxy between the command line and a real service: forwards, unless its rule holds a
 * request, answers something else, or drops the connection. What a hostile network or a hostile
 * service can do, and nothing that a client could not meet.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fetchDescribed } from "./described.ts";

interface ProxiedRequest {
  /** 1 for the first. */
  readonly number: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

/** @returns what the client gets; null drops the connection without an answer */
export type Rule = (
  request: ProxiedRequest,
  forward: () => Promise<Reply>,
) => Promise<Reply | null> | Reply | null;

export interface Proxy {
  readonly url: string;
  /** `METHOD path`, in order of arrival. */
  readonly requests: readonly string[];
  /** How many signed roots arrived: signatures travel in no other request. */
  signed(): number;
  close(): Promise<void>;
}

export async function startProxy(
  target: string,
  rule: Rule = (_, forward) => forward(),
): Promise<Proxy> {
  const requests: string[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "", url: path = "" } = request;
    requests.push(`${method} ${path}`);
    const number = requests.length;
    const body = await read(request);
    const forward = async (): Promise<Reply> => pass(target, request, body);
    const reply = await rule({ number, method, path, body }, forward);
    if (reply === null) {
      response.destroy();
      return;
    }
    response.writeHead(reply.status, reply.headers ?? { "Content-Type": "application/json" });
    response.end(reply.body);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    signed: () => requests.filter((line) => /^(?:PUT|POST .*\/root(?:\?|$))/.test(line)).length,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function read(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

async function pass(
  target: string,
  request: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
): Promise<Reply> {
  const { method = "GET", url = "/" } = request;
  const headers = new Headers();
  for (const name of ["content-type", "osf-token", "authorization", "idempotency-key"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  const response = await fetchDescribed(`${target}${url}`, {
    method,
    headers,
    ...(body.length > 0 && { body }),
  });
  return {
    status: response.status,
    headers: { "Content-Type": response.headers.get("content-type") ?? "text/plain" },
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** The body of a reply as JSON, with members changed. */
export function changed(
  reply: Reply,
  change: (body: Record<string, unknown>) => Record<string, unknown>,
): Reply {
  const text = typeof reply.body === "string" ? reply.body : Buffer.from(reply.body).toString();
  const body = JSON.parse(text) as Record<string, unknown>;
  return { ...reply, body: JSON.stringify(change(body)) };
}
