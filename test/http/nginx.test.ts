/**
 * The nginx of docs/nginx.conf in front of the service: its own errors are JSON, too, the service's pass
 * as they are, paths stay exact, and a slow client is the proxy's.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import { hasNginx, startNginx, type Nginx } from "../support/nginx.ts";
import { call, createFactory, deliver } from "../support/owner.ts";
import { RawClient, rawRequest, requestLine } from "../support/raw-http.ts";

const wanted = process.env["REQUIRE_NGINX"] !== undefined;
// Said where the tests are left out, so that nobody takes them for run.
if (!hasNginx && !wanted)
  process.stderr.write("skipped: docs/nginx.conf, since nginx is not here\n");

(hasNginx || wanted ? describe : describe.skip)("docs/nginx.conf", () => {
  let server: TestServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await startServer();
    nginx = await startNginx(server.url);
    const { link } = await createFactory({ ...server, url: nginx.url }, "acme");
    await deliver(server.url, link);
  });
  afterAll(async () => {
    await nginx.stop();
    await server.remove();
  });

  test("passes requests, bodies and the service's errors as they are", async () => {
    const at = async (url: string) => {
      const answer = await fetch(`${url}/repo/acme/main/root.json`);
      return [answer.status, answer.headers.get("etag"), await answer.text()];
    };
    expect(await at(nginx.url)).toEqual(await at(server.url));
    const token = server.adminToken;
    expect(await call(`${nginx.url}/ota/factories/nothing/`, { token })).toMatchObject({
      status: 404,
      body: { code: "not-found" },
    });
    const bad = await call(`${nginx.url}/ota/factories/`, { token, body: { name: 1 } });
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
    const answer = await rawRequest(nginx.url, requestLine("GET", target));
    expect(answer).toMatchObject({ status: 404 });
    expect(JSON.parse(answer?.text ?? "")).toMatchObject({ code: "not-found" });
  });

  test("its own errors are JSON: a body and headers that are too large", async () => {
    const large = requestLine(
      "POST",
      "/download/claim",
      "Host: x\r\nContent-Type: application/json\r\nContent-Length: 9999999",
    );
    await expectError(nginx, large, 413, "too-large");
    const headers = `Host: x\r\n${`X: ${"x".repeat(7000)}\r\n`.repeat(6)}A: b`;
    await expectError(nginx, requestLine("GET", "/healthz", headers), 400, "malformed");
  });

  test("its own errors are JSON: too many requests, and no service", async () => {
    const few = await startNginx(server.url, { "burst=200 nodelay": "burst=1 nodelay" });
    const client = new RawClient(few.url);
    client.send(requestLine("GET", "/healthz").repeat(5));
    const answers = [];
    for (let i = 0; i < 5; i += 1) answers.push(await client.next());
    const refused = answers.find((answer) => answer?.status === 429);
    expect(JSON.parse(refused?.text ?? "{}")).toMatchObject({ code: "unavailable" });
    client.end();
    await few.stop();
    const alone = await startNginx("http://127.0.0.1:9");
    try {
      await expectError(alone, requestLine("GET", "/healthz"), 502, "unavailable");
    } finally {
      await alone.stop();
    }
  });
});

async function expectError(
  nginx: Nginx,
  request: string,
  status: number,
  code: string,
): Promise<void> {
  const answer = await rawRequest(nginx.url, request);
  expect(answer).toMatchObject({
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
  });
  const body = JSON.parse(answer?.text ?? "") as { message: unknown };
  expect(body).toMatchObject({ code });
  expect(body.message).toEqual(expect.any(String));
}
