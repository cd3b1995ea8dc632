/**
 * Brings requests for hosts of the internet to servers on loopback instead, in whatever process imports
 * this: the SDK, a presigned URL and the command line are used as they are in production, with the
 * hosts, paths and signatures that they have there. A host that is not named is an error.
 *
 * REROUTE in the environment is JSON: for the end of a host's name, a port.
 */
import http, {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestOptions,
} from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";

/** Fetch sets the host itself; a server here is told of the right one by this header. */
const REROUTED = "x-rerouted-host";

/** Gives a request its host back. */
export function restoreHost({ headers }: IncomingMessage): void {
  const host = headers[REROUTED];
  if (typeof host === "string") headers.host = host;
  delete headers[REROUTED];
}

type Ports = Readonly<Record<string, number>>;

export function portOf(ports: Ports, host: string): number {
  const found = Object.entries(ports).find(([end]) => host === end || host.endsWith(`.${end}`));
  if (found === undefined) throw new Error(`a request to ${host}, which nobody expected`);
  return found[1];
}

/** @param ports by the end of a host's name */
export function reroutedFetch(ports: Ports, original: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (url.hostname === "127.0.0.1") return original(input, init);
    const headers = new Headers(request.headers);
    headers.set(REROUTED, url.host);
    const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer());
    const { method, signal, redirect } = request;
    const target = `http://127.0.0.1:${portOf(ports, url.hostname)}${url.pathname}${url.search}`;
    return original(target, { method, headers, signal, redirect, ...(body && { body }) });
  };
}

const given = process.env["REROUTE"];
if (given !== undefined) {
  const ports = JSON.parse(given) as Ports;
  globalThis.fetch = reroutedFetch(ports, globalThis.fetch);
  const reroutedRequest = (options: RequestOptions, answered?: (answer: unknown) => void) => {
    const host = String(options.host ?? options.hostname);
    const { agent: _, ...same } = options;
    const headers = { ...(same.headers as OutgoingHttpHeaders), host };
    const port = portOf(ports, host);
    return http.request({ ...same, protocol: "http:", host: "127.0.0.1", port, headers }, answered);
  };
  https.request = reroutedRequest as typeof https.request;
  syncBuiltinESMExports();
}
