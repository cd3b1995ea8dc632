/** What holds requests and answers to the description sees what does not fit. */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fetchDescribed } from "../support/described.ts";

interface Reply {
  readonly status: number;
  readonly body: object | string;
  readonly headers?: Readonly<Record<string, string>>;
}

let reply: Reply = { status: 200, body: {} };
let server: Server;
let url = "";

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    const { status, body, headers = {} } = reply;
    response.writeHead(status, { "Content-Type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await once(server, "close");
});

const ok = { status: "ok" };
const token = { user: "ci", scopes: ["root:read"] };
const made = {
  id: "0".repeat(32),
  user: "ci",
  scopes: ["root:read"],
  expiresAt: null,
  mintedBy: null,
  token: `rw_${"x".repeat(43)}`,
};
const LOG = "/ota/factories/acme/log/";
const TOKENS = "/ota/factories/acme/tokens/";
const page = { head: { seq: 1, sha256: "0".repeat(64) }, events: ["{}"], next: null };
const error = (code: string): object => ({ code, message: "no" });

const DESCRIBED: readonly (readonly [string, string, string, object | undefined, Reply])[] = [
  ["health", "GET", "/healthz", undefined, { status: 200, body: ok }],
  ["a page of the log", "GET", `${LOG}?from=12`, undefined, { status: 200, body: page }],
  ["a new token", "POST", TOKENS, token, { status: 201, body: made }],
  ["a refusal", "POST", TOKENS, {}, { status: 400, body: error("malformed") }],
  ["no path", "GET", "/nothing", undefined, { status: 404, body: error("not-found") }],
  ["no method", "PUT", LOG, undefined, { status: 405, body: error("method-not-allowed") }],
  [
    "what waits",
    "POST",
    TOKENS,
    token,
    { status: 423, body: error("busy"), headers: { "Retry-After": "5" } },
  ],
];

test.each(DESCRIBED)("%s is described", async (_, method, path, body, answer) => {
  reply = answer;
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  expect((await fetchDescribed(url + path, { method, ...sent })).status).toBe(answer.status);
});

const NOT_DESCRIBED: readonly (readonly [string, string, string, object | undefined, Reply])[] = [
  ["another status", "GET", "/healthz", undefined, { status: 202, body: ok }],
  ["another value", "GET", "/healthz", undefined, { status: 200, body: { status: "up" } }],
  ["a member more", "GET", "/healthz", undefined, { status: 200, body: { ...ok, at: 1 } }],
  [
    "a member more, deep inside",
    "GET",
    LOG,
    undefined,
    { status: 200, body: { ...page, head: { ...page.head, at: 1 } } },
  ],
  ["a member less", "POST", TOKENS, token, { status: 201, body: { ...made, mintedBy: undefined } }],
  [
    "a value without its form",
    "POST",
    TOKENS,
    token,
    { status: 201, body: { ...made, token: "x" } },
  ],
  [
    "a type of its own",
    "GET",
    "/healthz",
    undefined,
    { status: 200, body: ok, headers: { "Content-Type": "text/plain" } },
  ],
  ["a code of others", "GET", LOG, undefined, { status: 409, body: error("roots-behind") }],
  ["a code with another status", "GET", LOG, undefined, { status: 400, body: error("not-found") }],
  ["no code", "GET", LOG, undefined, { status: 404, body: { message: "no" } }],
  ["no JSON", "GET", LOG, undefined, { status: 404, body: "<p>no</p>" }],
  [
    "a fact more",
    "GET",
    LOG,
    undefined,
    { status: 404, body: { ...error("not-found"), secret: 1 } },
  ],
  ["no Retry-After", "POST", TOKENS, token, { status: 423, body: error("busy") }],
  ["an answer where no operation is", "GET", "/nothing", undefined, { status: 200, body: {} }],
  [
    "an unknown query that is granted",
    "GET",
    `${LOG}?to=1`,
    undefined,
    { status: 200, body: page },
  ],
  [
    "a value of a query that is granted",
    "GET",
    `${LOG}?from=0`,
    undefined,
    { status: 200, body: page },
  ],
  [
    "a body that is granted",
    "POST",
    TOKENS,
    { ...token, admin: true },
    { status: 201, body: made },
  ],
];

test.each(NOT_DESCRIBED)("%s is seen", async (_, method, path, body, answer) => {
  reply = answer;
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  await expect(fetchDescribed(url + path, { method, ...sent })).rejects.toThrow("is not described");
});
