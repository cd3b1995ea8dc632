/** Bad input gets a clear 4xx with a code, and nothing is half-done. */
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  await createFactory(server, "acme");
});
afterAll(() => server.remove());

const owner = { id: "owner", email: "owner@example.com" };
const good = { name: "fresh", dialect: "tuf", keyType: "ed25519", owner };
const raw = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Row {
  readonly name: string;
  readonly path: string;
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string;
}

const FACTORIES = "/ota/factories/";
const ROOT = "/ota/repo/acme/api/v1/user_repo/root";
const malformed = { path: FACTORIES, status: 400, code: "malformed" } as const;

const TABLE: readonly Row[] = [
  { name: "unknown path", path: "/nothing", status: 404, code: "not-found" },
  { name: "path without its slash", path: "/ota/factories/acme", status: 404, code: "not-found" },
  { name: "path with a slash too many", path: "/healthz/", status: 404, code: "not-found" },
  {
    name: "wrong method",
    path: "/healthz",
    method: "DELETE",
    status: 405,
    code: "method-not-allowed",
  },
  { name: "GET on claim", path: "/download/claim", status: 405, code: "method-not-allowed" },
  { name: "name that cannot be", path: "/ota/factories/..%2f/", status: 404, code: "not-found" },
  { name: "no JSON", ...malformed, body: raw("name=x") },
  { name: "half of JSON", ...malformed, body: raw('{"name":"x"') },
  { name: "duplicate members", ...malformed, body: raw('{"name":"a","name":"b"}') },
  { name: "an empty body", ...malformed, body: raw("") },
  { name: "nested too deep", ...malformed, body: raw("[".repeat(60_000)) },
  { name: "a list for an object", ...malformed, body: [] },
  { name: "no owner", ...malformed, body: { name: "fresh" } },
  { name: "an unknown member", ...malformed, body: { ...good, colour: "red" } },
  { name: "a bad name", ...malformed, body: { ...good, name: "UPPER" } },
  { name: "a name of one letter", ...malformed, body: { ...good, name: "a" } },
  { name: "a name of 64 letters", ...malformed, body: { ...good, name: "a".repeat(64) } },
  { name: "an unknown dialect", ...malformed, body: { ...good, dialect: "uptane" } },
  { name: "an unknown key type", ...malformed, body: { ...good, keyType: "dsa" } },
  {
    name: "a mail address with a line break",
    ...malformed,
    body: { ...good, owner: { id: "x", email: "a@example.com\nBcc: b@example.com" } },
  },
  { name: "a bad Idempotency-Key", ...malformed, body: good, headers: { "Idempotency-Key": "" } },
  {
    name: "a body over the limit",
    path: FACTORIES,
    body: raw(`{"name":"${"x".repeat(70_000)}"}`),
    status: 413,
    code: "too-large",
  },
  {
    name: "a root over the limit",
    path: ROOT,
    body: raw(`{"x":"${"x".repeat(1_100_000)}"}`),
    status: 413,
    code: "too-large",
  },
  {
    name: "a form",
    path: FACTORIES,
    body: good,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    status: 415,
    code: "unsupported-media-type",
  },
  {
    name: "a compressed body",
    path: ROOT,
    body: new Uint8Array(gzipSync("{}")),
    headers: { "Content-Encoding": "gzip" },
    status: 415,
    code: "unsupported-media-type",
  },
  {
    name: "a taken name",
    path: FACTORIES,
    body: { ...good, name: "acme" },
    status: 409,
    code: "factory-exists",
  },
  {
    name: "prod of a tuf Factory",
    path: `${ROOT}?production=1`,
    body: {},
    status: 404,
    code: "not-found",
  },
  { name: "a bad query", path: `${ROOT}?production=yes`, body: {}, status: 400, code: "malformed" },
  { name: "a bad dry-run", path: `${ROOT}?dry-run=yes`, body: {}, status: 400, code: "malformed" },
  { name: "a root that is none", path: ROOT, body: {}, status: 422, code: "root-refused" },
  {
    name: "a log from nowhere",
    path: "/ota/factories/acme/log/?from=0",
    status: 400,
    code: "malformed",
  },
  {
    name: "a Factory that is not",
    path: "/ota/factories/nothing/",
    status: 404,
    code: "not-found",
  },
  {
    name: "a root of the future",
    path: `${ROOT.slice(0, -4)}9.root.json`,
    status: 404,
    code: "not-found",
  },
  {
    name: "a claim with a bad id",
    path: "/download/claim",
    body: { id: "0".repeat(63), claimant: "c".repeat(20) },
    status: 400,
    code: "malformed",
  },
  {
    name: "a claim with a short claimant",
    path: "/download/claim",
    body: { id: "0".repeat(64), claimant: "c" },
    status: 400,
    code: "malformed",
  },
  {
    name: "a claim of nothing",
    path: "/download/claim",
    body: { id: "0".repeat(64), claimant: "c".repeat(20) },
    status: 404,
    code: "not-found",
  },
  {
    name: "an archive without a signature",
    path: `/download/archive/${"0".repeat(64)}`,
    status: 403,
    code: "forbidden",
  },
];

test.each(TABLE)(
  "$name is $status $code",
  async ({ path, method, body, headers, status, code }) => {
    const answer = await call(`${server.url}${path}`, {
      token: server.adminToken,
      ...(method !== undefined && { method }),
      ...(body !== undefined && { body }),
      ...(headers !== undefined && { headers }),
    });
    expect(answer).toMatchObject({ status, body: { code } });
    expect(String(answer.body["message"])).toMatch(/^[\x20-\x7e]{10,}$/);
    expect(server.log).toEqual([]);
  },
);

test("nothing of all that created a Factory", async () => {
  const answer = await call(`${server.url}/ota/factories/fresh/`, { token: server.adminToken });
  expect(answer.status).toBe(404);
});

test("413 ends the connection, on which the rest of the body would still come", async () => {
  const response = await fetch(`${server.url}${ROOT}`, {
    method: "POST",
    headers: { "OSF-TOKEN": server.adminToken, "Content-Type": "application/json" },
    body: "x".repeat(1_100_000),
  });
  expect([response.status, response.headers.get("connection")]).toEqual([413, "close"]);
});

test("405 names what is allowed", async () => {
  const response = await fetch(`${server.url}/download/claim`, { method: "PUT" });
  expect(response.headers.get("allow")).toBe("POST");
});

test("an Idempotency-Key makes a repetition harmless, and stands for one body", async () => {
  const headers = { "Idempotency-Key": "key-1" };
  const body = { ...good, name: "once" };
  const send = async (sent: object) =>
    call(`${server.url}${FACTORIES}`, { token: server.adminToken, body: sent, headers });
  const first = await send(body);
  expect(first).toMatchObject({ status: 201, body: { factory: "once" } });
  expect(first.body).toHaveProperty("ownerToken");
  const again = await send(body);
  expect(again).toMatchObject({ status: 200, body: { factory: "once", root: { version: 1 } } });
  expect(again.body).not.toHaveProperty("ownerToken");
  expect(JSON.stringify(again.body)).not.toContain("#");
  expect(await send({ ...body, name: "twice" })).toMatchObject({
    status: 422,
    body: { code: "idempotency-key-reused" },
  });
});

test.each([
  ["no-host", 400],
  ["@example.com", 400],
  ["a@b@example.com", 400],
  ["x@a..b", 400],
  ["x@-a.example", 400],
  ["x@exämple.com", 400],
  ["..x@example.com", 400],
  ["x.@example.com", 400],
  ["-oProxy=x@example.com", 400],
  ["<x@example.com>", 400],
  ["x@example.com,y@example.com", 400],
  ['"x y"@example.com', 400],
  ["o'neil+fleet@sub.example.com", 201],
  ["root@localhost", 201],
])("an owner at %s: %i", async (email, status) => {
  const name = `mail-${sha256Text(email).slice(0, 8)}`;
  const body = { ...good, name, owner: { id: "owner", email } };
  const made = await call(server.url + FACTORIES, { token: server.adminToken, body });
  expect(made.status).toBe(status);
});
