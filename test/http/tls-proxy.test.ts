/**
 * The nginx of docs/nginx.conf and the Caddy of docs/Caddyfile in front of the service: their own errors
 * are JSON, the service's pass as they are, paths stay exact, a slow client is the proxy's, and
 * nothing is sent twice.
 */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, deliver } from "../support/owner.ts";
import { RawClient, rawRequest, requestLine } from "../support/raw-http.ts";
import { CADDY, NGINX, type RunningProxy, type TlsProxy } from "../support/tls-proxy.ts";

/** What is here, and what CI demands. */
function runs({ file, here }: TlsProxy, wanted: string | undefined): boolean {
  // Said where the tests are left out, so that nobody takes them for run.
  if (!here && wanted === undefined) {
    process.stderr.write(`skipped: ${file}, since its program is not here\n`);
  }
  return here || wanted !== undefined;
}

const [nginxRuns, caddyRuns] = [
  runs(NGINX, process.env["REQUIRE_NGINX"]),
  runs(CADDY, process.env["REQUIRE_CADDY"]),
];

interface Expected {
  /** The answer to headers that are too large: nginx's own, or the service's. */
  readonly headers: readonly [status: number, code: string];
  /** What the file says about a service that does not answer. */
  readonly patience: string;
}

function behaves(proxyOf: TlsProxy, { headers: [headersStatus, headersCode], patience }: Expected) {
  let server: TestServer;
  let proxy: RunningProxy;
  beforeAll(async () => {
    server = await startServer();
    proxy = await proxyOf.start(server.url);
    const { link } = await createFactory({ ...server, url: proxy.url }, "acme");
    await deliver(server.url, link);
  });
  afterAll(async () => {
    await server.remove();
    await proxy.stop();
  });

  test("passes requests, bodies and the service's errors as they are", async () => {
    const at = async (url: string) => {
      const answer = await fetch(`${url}/repo/acme/main/root.json`);
      return [answer.status, answer.headers.get("etag"), await answer.text()];
    };
    expect(await at(proxy.url)).toEqual(await at(server.url));
    const token = server.adminToken;
    expect(await call(`${proxy.url}/ota/factories/nothing/`, { token })).toMatchObject({
      status: 404,
      body: { code: "not-found" },
    });
    const bad = await call(`${proxy.url}/ota/factories/`, { token, body: { name: 1 } });
    expect(bad).toMatchObject({ status: 400, body: { code: "malformed" } });
    expect(bad.body["errors"]).toContainEqual(expect.stringContaining("name"));
  });

  test.each([
    "/%6fta/factories/acme/",
    "/repo/../ota/factories/acme/",
    "/repo/%2e%2e/healthz",
    "/repo//acme/main/root.json",
    "/repo/acme/main/%72oot.json",
    "//healthz",
  ])("%s reaches no route", async (target) => {
    const answer = await rawRequest(proxy.url, requestLine("GET", target));
    expect(answer).toMatchObject({ status: 404 });
    expect(JSON.parse(answer?.text ?? "")).toMatchObject({ code: "not-found" });
  });

  test("errors are JSON: a body and headers that are too large", async () => {
    const large = requestLine(
      "POST",
      "/download/claim",
      "Host: x\r\nContent-Type: application/json\r\nContent-Length: 9999999",
    );
    await expectError(proxy, large, 413, "too-large");
    const headers = `Host: x\r\n${`X: ${"x".repeat(7000)}\r\n`.repeat(6)}A: b`;
    await expectError(proxy, requestLine("GET", "/healthz", headers), headersStatus, headersCode);
  });

  test("its own errors are JSON: no service, and one that does not answer", async () => {
    const alone = await proxyOf.start("http://127.0.0.1:9");
    const upstream = await listen(() => null);
    const short = await proxyOf.start(upstream.url, { [patience]: patience.replace("130s", "1s") });
    try {
      await expectError(alone, requestLine("GET", "/healthz"), 502, "unavailable");
      await expectError(short, requestLine("GET", "/healthz"), 504, "unavailable");
    } finally {
      await alone.stop();
      await short.stop();
      await upstream.stop();
    }
  });

  test("a body that is not whole does not reach the service", async () => {
    const seen: string[] = [];
    const upstream = await listen((url) => {
      seen.push(url);
      return true;
    });
    const own = await proxyOf.start(upstream.url);
    const post = (target: string, framing: string): string =>
      requestLine("POST", target, `Host: x\r\nContent-Type: application/json\r\n${framing}`);
    const half = new RawClient(own.url);
    half.send(post("/half", "Content-Length: 6"), "{");
    const chunked = new RawClient(own.url);
    chunked.send(post("/chunked", "Transfer-Encoding: chunked"), "2\r\n{}\r\n");
    try {
      await expectStatus(own, requestLine("GET", "/later"), 200);
      chunked.end();
      await expectStatus(own, requestLine("GET", "/last"), 200);
      expect(seen).toEqual(["/later", "/last"]);
      half.send('"":1}');
      expect(await half.next()).toMatchObject({ status: 200 });
      expect(seen).toEqual(["/later", "/last", "/half"]);
    } finally {
      half.end();
      await own.stop();
      await upstream.stop();
    }
  });

  test("no request is sent twice, on a connection that was used before either", async () => {
    const seen: string[] = [];
    const upstream = await listen((url) => {
      seen.push(url);
      return url === "/well";
    });
    const own = await proxyOf.start(upstream.url);
    try {
      const key = "Host: x\r\nIdempotency-Key: k\r\nContent-Length: 0";
      for (const request of [
        requestLine("GET", "/cut"),
        requestLine("POST", "/cut", key),
        requestLine("DELETE", "/cut"),
      ]) {
        seen.length = 0;
        await expectStatus(own, requestLine("GET", "/well"), 200);
        await expectError(own, request, 502, "unavailable");
        expect(seen).toEqual(["/well", "/cut"]);
      }
    } finally {
      await own.stop();
      await upstream.stop();
    }
  });
}

(nginxRuns ? describe : describe.skip)("docs/nginx.conf", () => {
  behaves(NGINX, {
    headers: [400, "malformed"],
    patience: "proxy_read_timeout 130s",
  });

  test("its own errors are JSON: too many requests", async () => {
    const server = await startServer();
    const few = await NGINX.start(server.url, { "burst=200 nodelay": "burst=1 nodelay" });
    const client = new RawClient(few.url);
    client.send(requestLine("GET", "/healthz").repeat(5));
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await client.next());
    const refused = answers.find((answer) => answer?.status === 429);
    expect(JSON.parse(refused?.text ?? "{}")).toMatchObject({ code: "unavailable" });
    client.end();
    await few.stop();
    await server.remove();
  });
});

(caddyRuns ? describe : describe.skip)("docs/Caddyfile", () => {
  behaves(CADDY, {
    headers: [431, "headers-too-large"],
    patience: "response_header_timeout 130s",
  });

  test("redirects nobody, as it is in the docs", () => {
    const { stdout } = spawnSync("caddy", ["adapt", "--config", CADDY.file], { encoding: "utf8" });
    expect(stdout).toContain('"automatic_https":{"disable_redirects":true}');
  });
});

/** @param well whether a request is answered once it is whole; else its connection is cut, or with null hangs */
async function listen(well: (url: string) => boolean | null) {
  const server: Server = createServer((request, response) => {
    const answered = well(request.url ?? "");
    if (answered === true) request.resume().once("end", () => response.end("well"));
    else if (answered === false) request.socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function expectStatus(proxy: RunningProxy, request: string, status: number): Promise<void> {
  expect(await rawRequest(proxy.url, request)).toMatchObject({ status });
}

async function expectError(
  proxy: RunningProxy,
  request: string,
  status: number,
  code: string,
): Promise<void> {
  const answer = await rawRequest(proxy.url, request);
  expect(answer).toMatchObject({
    status,
    headers: {
      "content-type": expect.stringMatching(/^application\/json/),
      "cache-control": "no-store",
    },
  });
  const body = JSON.parse(answer?.text ?? "") as { message: unknown };
  expect(body).toMatchObject({ code });
  expect(body.message).toEqual(expect.any(String));
}
