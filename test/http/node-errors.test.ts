/**
 * Every error is JSON with a code and a message, whoever finds it: fioctl shows nothing of any other, and
 * of Node's own, which have no body, nothing at all.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SERVER_LIMITS } from "../../lib/http/limits.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { RawClient, rawRequest, requestLine, type RawAnswer } from "../support/raw-http.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer(undefined, 0, {
    ...SERVER_LIMITS,
    headersTime: 400,
    bodies: { time: 300, rate: 1_000_000 },
    lingerTime: 200,
    connections: 40,
    refusedConnections: 4,
  });
});
afterAll(() => server.remove());

function expectError(answer: RawAnswer | null, status: number, code: string): void {
  expect(answer).not.toBeNull();
  const { headers = {}, text = "" } = answer ?? {};
  const body = JSON.parse(text) as { message: unknown; errors?: unknown };
  expect([answer?.status, body]).toMatchObject([status, { code }]);
  expect(body.message).toMatch(/^[\x20-\x7e]{10,}$/);
  expect([body.errors ?? []].flat().every((error) => typeof error === "string")).toBe(true);
  expect(headers).toMatchObject({
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
}

interface Row {
  readonly name: string;
  readonly bytes: string;
  readonly status: number;
  readonly code: string;
}

const HOST = "Host: localhost";
const JSON_TYPE = `${HOST}\r\nContent-Type: application/json`;

const ENDING: readonly Row[] = [
  { name: "no HTTP", bytes: "hello\r\n\r\n", status: 400, code: "malformed" },
  {
    name: "TLS on a port without it",
    bytes: "\u0016\u0003\u0001\u0002\r\n\r\n",
    status: 400,
    code: "malformed",
  },
  {
    name: "an unknown version",
    bytes: "GET / HTTP/9.9\r\n\r\n",
    status: 400,
    code: "malformed",
  },
  {
    name: "a header that is none",
    bytes: requestLine("GET", "/healthz", `${HOST}\r\nbad header`),
    status: 400,
    code: "malformed",
  },
  {
    name: "two lengths",
    bytes: requestLine(
      "POST",
      "/download/claim",
      `${HOST}\r\nContent-Length: 1\r\nContent-Length: 2`,
    ),
    status: 400,
    code: "malformed",
  },
  {
    name: "length and chunks",
    bytes: requestLine(
      "POST",
      "/download/claim",
      `${HOST}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked`,
    ),
    status: 400,
    code: "malformed",
  },
  {
    name: "headers that are too large",
    bytes: requestLine("GET", "/healthz", `${HOST}\r\nX: ${"x".repeat(20_000)}`),
    status: 431,
    code: "headers-too-large",
  },
  {
    name: "chunk extensions that are too large",
    bytes:
      requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nTransfer-Encoding: chunked`) +
      `1;${"x".repeat(20_000)}\r\n`,
    status: 413,
    code: "too-large",
  },
  {
    name: "a chunk that is none",
    bytes: `${requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nTransfer-Encoding: chunked`)}zz\r\n`,
    status: 400,
    code: "malformed",
  },
  { name: "half of the headers", bytes: "GET / HTTP/1.1\r\nHost:", status: 408, code: "timeout" },
  { name: "nothing", bytes: "", status: 408, code: "timeout" },
  {
    name: "half of a body",
    bytes: `${requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nContent-Length: 9`)}{`,
    status: 408,
    code: "timeout",
  },
  {
    name: "a body that is announced and too large",
    bytes: requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nContent-Length: 99999`),
    status: 413,
    code: "too-large",
  },
  {
    name: "a body that nobody reads",
    bytes: `${requestLine("POST", "/nothing", `${JSON_TYPE}\r\nContent-Length: 99999`)}{`,
    status: 404,
    code: "not-found",
  },
  {
    name: "an expectation",
    bytes: requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nExpect: a-cake`),
    status: 417,
    code: "expectation-failed",
  },
  { name: "CONNECT", bytes: requestLine("CONNECT", "a:443"), status: 400, code: "malformed" },
  {
    name: "no host",
    bytes: requestLine("GET", "/healthz", "Accept: */*"),
    status: 400,
    code: "malformed",
  },
];

test.each(ENDING)("$name is $status $code, and ends the connection", async (row) => {
  const client = new RawClient(server.url);
  client.send(row.bytes);
  const answer = await client.next();
  expectError(answer, row.status, row.code);
  expect(answer?.headers["connection"]).toBe("close");
  expect(await client.closed()).toBe(true);
});

const STAYING: readonly Row[] = [
  {
    name: "a host that is none",
    bytes: requestLine("GET", "/nothing", "Host: a b"),
    status: 400,
    code: "malformed",
  },
  {
    name: "OPTIONS",
    bytes: requestLine("OPTIONS", "/healthz"),
    status: 405,
    code: "method-not-allowed",
  },
  {
    name: "TRACE",
    bytes: requestLine("TRACE", "/healthz"),
    status: 405,
    code: "method-not-allowed",
  },
  { name: "PROPFIND", bytes: requestLine("PROPFIND", "/nothing"), status: 404, code: "not-found" },
  {
    name: "an upgrade",
    bytes: requestLine("GET", "/nothing", `${HOST}\r\nConnection: Upgrade\r\nUpgrade: h2c`),
    status: 404,
    code: "not-found",
  },
];

test.each(STAYING)("$name is $status $code", async ({ bytes, status, code }) => {
  expectError(await rawRequest(server.url, bytes), status, code);
});

test("an error for HEAD has the same headers and no body", async () => {
  const client = new RawClient(server.url);
  client.send(requestLine("HEAD", "/nothing", `${HOST}\r\nConnection: close`));
  await client.closed();
  const [head = "", body] = client.received.toString("latin1").split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1.1 404 /);
  expect(head.toLowerCase()).toContain("content-type: application/json");
  expect(body).toBe("");
});

test("an error of the parser does not overtake the answer before it", async () => {
  const client = new RawClient(server.url);
  client.send(requestLine("GET", "/healthz"), "nonsense\r\n\r\n");
  expect(await client.next()).toMatchObject({ status: 200 });
  expectError(await client.next(), 400, "malformed");
  expect(await client.closed()).toBe(true);
});

test("a sender of a body that is too large gets to the answer", async () => {
  const client = new RawClient(server.url);
  const part = "x".repeat(65_536);
  client.send(
    requestLine("POST", "/download/claim", `${JSON_TYPE}\r\nContent-Length: ${32 * 65_536}`),
    ...Array.from({ length: 32 }, () => part),
  );
  expectError(await client.next(), 413, "too-large");
  client.end();
});

test("100-continue is answered, and then the request", async () => {
  const client = new RawClient(server.url);
  client.send(
    requestLine(
      "POST",
      "/download/claim",
      `${JSON_TYPE}\r\nContent-Length: 2\r\nExpect: 100-continue`,
    ),
  );
  expect(await client.next()).toMatchObject({ status: 100 });
  client.send("{}");
  expectError(await client.next(), 400, "malformed");
  client.end();
});

describe("too many connections", () => {
  test("the first ones too many are told, and more are closed; then all is well", async () => {
    const all = Array.from({ length: 50 }, () => new RawClient(server.url));
    // Each sends half of a request, so that none is idle.
    for (const client of all) client.send("GET /healthz HTTP/1.1\r\n");
    await Promise.all(all.slice(-6).map((client) => client.closed(200)));
    for (const client of all) client.send("Host: localhost\r\n\r\n");
    const answers = await Promise.all(all.map((client) => client.next(1000)));
    const statuses = answers.map((answer) => answer?.status ?? 0).toSorted((a, b) => a - b);
    const wanted = [...zeros(6), ...Array.from({ length: 40 }, () => 200), 503, 503, 503, 503];
    expect(statuses).toEqual(wanted);
    const refused = answers.find((answer) => answer?.status === 503) ?? null;
    expectError(refused, 503, "unavailable");
    expect(refused?.headers).toMatchObject({ connection: "close", "retry-after": "5" });
    for (const client of all) client.end();
    await Promise.all(all.map((client) => client.closed()));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });

  test("idle ones make room", async () => {
    const idle = Array.from({ length: 40 }, () => new RawClient(server.url));
    for (const client of idle) client.send(requestLine("GET", "/healthz"));
    await Promise.all(idle.map((client) => client.next()));
    const another = new RawClient(server.url);
    another.send(requestLine("GET", "/healthz"));
    expect(await another.next()).toMatchObject({ status: 200 });
    await Promise.all(idle.map((client) => client.closed()));
    for (const client of [...idle, another]) client.end();
  });
});

function zeros(count: number): readonly number[] {
  return Array.from({ length: count }, () => 0);
}

test("HTTP/1.0 needs no host, as health checks send it", async () => {
  const answer = await rawRequest(server.url, "GET /healthz HTTP/1.0\r\n\r\n");
  expect(answer).toMatchObject({ status: 200 });
});
