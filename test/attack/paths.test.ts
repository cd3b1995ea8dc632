/**
 * A proxy that lets only some paths out: no second spelling of a path reaches a route behind it, in
 * either form. What is asked here without a token has answers that show which route it reached.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApp } from "../../lib/http/app.ts";
import { answering } from "../../lib/lambda/gateway.ts";
import { eventOf } from "../support/deployed/gateway.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { TestWorld } from "../support/memory-service.ts";
import { createFactory, deliver } from "../support/owner.ts";
import { rawRequest, requestLine, type RawAnswer } from "../support/raw-http.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  const { link } = await createFactory(server, "acme");
  await deliver(server.url, link);
});
afterAll(() => server.remove());

/** Spellings that some reader of URLs takes for a path of ours. */
const SPELLINGS = [
  ["GET", "/%6fta/factories/acme/"],
  ["GET", "/ota/factories/%61cme/"],
  ["GET", "/ota%2ffactories%2facme%2f"],
  ["POST", "/d%6fwnload/cl%61im"],
  ["GET", "/%68ealthz"],
  ["GET", "/healthz%00"],
  ["GET", "/repo/acme/main/%72oot.json"],
  ["GET", "/repo/acme/main/%2572oot.json"],
  ["GET", "/repo/%61cme/main/root.json"],
  ["GET", "/repo/../ota/factories/acme/"],
  ["GET", "/repo/%2e%2e/ota/factories/acme/"],
  ["GET", "/repo/./acme/main/root.json"],
  ["GET", "/repo//acme/main/root.json"],
  ["GET", "//healthz"],
  ["GET", "/repo\\acme\\main\\root.json"],
  ["GET", "/repo/..\\ota/factories/acme/"],
  ["GET", "/healthz;x=1"],
  ["GET", "/repo;/acme/main/root.json"],
  ["GET", "/healthz#x"],
] as const;

/** Targets that are no paths (RFC 9112 3.2.2 to 3.2.4). */
const OTHER_FORMS = [
  ["GET", "http://x/repo/../ota/factories/acme/"],
  ["GET", "http://x/healthz"],
  ["GET", "HTTP://x/healthz"],
  ["GET", "https://x/healthz"],
  ["GET", "ftp://x/healthz"],
  ["OPTIONS", "*"],
  ["GET", "*"],
  ["GET", "healthz"],
  ["GET", "localhost:80"],
  ["GET", "?x"],
  ["CONNECT", "localhost:80"],
] as const;

const send = async (method: string, target: string): Promise<RawAnswer | null> =>
  rawRequest(server.url, requestLine(method, target, "Host: localhost\r\nContent-Length: 0"));

const codeOf = (answer: RawAnswer | null): unknown =>
  (JSON.parse(answer?.text ?? "{}") as { code?: unknown }).code;

describe("on a socket", () => {
  test.each(SPELLINGS)("%s %s reaches no route", async (method, target) => {
    const answer = await send(method, target);
    // Node's parser refuses some of them first.
    expect([400, 404]).toContain(answer?.status);
    expect(["malformed", "not-found"]).toContain(codeOf(answer));
    expect(answer?.text).not.toContain("signed");
  });

  test.each(OTHER_FORMS)("%s %s is refused", async (method, target) => {
    const answer = await send(method, target);
    expect([answer?.status, codeOf(answer)]).toEqual([400, "malformed"]);
  });

  test("the plain spelling does reach them", async () => {
    expect((await send("GET", "/healthz"))?.status).toBe(200);
    expect((await send("GET", "/repo/acme/main/root.json"))?.status).toBe(200);
    expect((await send("GET", "/ota/factories/acme/"))?.status).toBe(401);
    expect((await send("POST", "/download/claim"))?.status).toBe(415);
  });

  test("a target that is too long is 414", async () => {
    const answer = await send("GET", `/healthz?${"x".repeat(3000)}`);
    expect([answer?.status, codeOf(answer)]).toEqual([414, "uri-too-long"]);
  });
});

describe("through the gateway, which has decoded once", () => {
  const app = answering(createApp({ service: new TestWorld().start().service, page: noPage() }));
  const ask = async (method: string, path: string) => app(eventOf(method, path, {}));

  // What is encoded twice is encoded once when it is handed on.
  test.each([
    "/%2568ealthz",
    "/%256fta/factories/acme/",
    "/d%256fwnload",
    "/download%252fpage.js",
    "/x%2f..%2fhealthz",
    "/%2fhealthz",
    "/healthz%3bx",
    "/healthz%3f",
  ])("%s reaches no route", async (path) => {
    expect(await ask("GET", path)).toMatchObject({ statusCode: 404 });
  });

  test("the plain spelling does", async () => {
    expect(await ask("GET", "/healthz")).toMatchObject({ statusCode: 200 });
    expect(await ask("GET", "/download")).toMatchObject({ statusCode: 200 });
  });
});

describe("queries", () => {
  const read = async (query: string): Promise<number> => {
    const url = `${server.url}/ota/repo/acme/api/v1/user_repo/root.json${query}`;
    return (await fetch(url, { headers: { "OSF-TOKEN": server.adminToken } })).status;
  };

  test.each([
    ["", 200],
    // A Factory with one channel has no prod.
    ["?production=1", 404],
    ["?%70roduction=1", 400],
    ["?production=%31", 400],
    ["?production=1&production=1", 400],
    ["?other=1&production=", 400],
    ["?other=%31", 200],
  ])("root.json%s is %i", async (query, status) => {
    expect(await read(query)).toBe(status);
  });
});

function noPage() {
  return { html: "page", script: "", style: "" };
}
