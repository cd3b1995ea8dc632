/**
 * A request without a client certificate reaches nothing that devices read, though the gateway let it
 * pass: asked of the function itself, with a table that says how often it was read.
 */
import { afterAll, afterEach, beforeAll, expect, vi, test } from "vitest";
import type { GatewayEvent, GatewayResult } from "../../lib/lambda/gateway.ts";
import { environmentOf } from "../../lib/settings.ts";
import { listen, type Loopback } from "../support/loopback.ts";

const FILE = "/repo/acme/main/root.json";
// AWS's developer guide, Working with AWS Lambda proxy integrations for HTTP APIs.
const CERTIFICATE = { clientCertPem: "CERT_CONTENT", subjectDN: "www.example.com" };
type Authentication = GatewayEvent["requestContext"]["authentication"];

function eventOf(rawPath: string, authentication?: Authentication): GatewayEvent {
  return {
    rawPath,
    rawQueryString: "",
    headers: {},
    isBase64Encoded: false,
    requestContext: {
      domainName: "devices.example.com",
      http: { method: "GET" },
      ...(authentication !== undefined && { authentication }),
    },
  };
}

let table: Loopback;
let reads = 0;
let ask: (event: GatewayEvent) => Promise<GatewayResult>;
const said = vi.spyOn(console, "error").mockReturnValue(undefined);

beforeAll(async () => {
  table = await listen((_request, response) => {
    reads += 1;
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end("{}");
  });
  const settings = { table: "main", documentBucket: "documents" };
  Object.assign(process.env, {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
    ...environmentOf("metadata", { ...settings, clientCertificates: "required" }),
  });
  // Not before: a module reads its environment once.
  const { handler } = await import("../../lambdas/metadata.ts");
  ask = (event) => handler(event, { getRemainingTimeInMillis: () => 1000 });
});
afterEach(() => {
  reads = 0;
  said.mockClear();
});
afterAll(async () => {
  said.mockRestore();
  await table.stop();
});

test.each<[string, Authentication]>([
  ["nothing", undefined],
  ["null, as without mutual TLS", null],
  ["no certificate", {}],
  ["a certificate that is null", { clientCert: null }],
  ["one without content", { clientCert: {} }],
  ["one that is empty", { clientCert: { clientCertPem: "" } }],
])("%s is 403, reads nothing, and the log says so", async (_, authentication) => {
  const { statusCode, headers, body } = await ask(eventOf(FILE, authentication));
  expect([statusCode, reads]).toEqual([403, 0]);
  expect(headers).toMatchObject({ "cache-control": "no-store" });
  expect(JSON.parse(body)).toEqual({ code: "forbidden", message: expect.any(String) });
  expect(JSON.stringify(said.mock.calls)).toContain("without a certificate");
});

test.each([
  "//repo/acme/main/root.json",
  "/repo/acme/main/root.json/",
  "/healthz/../repo/acme/main/root.json",
  "/healthz/",
  "//healthz",
  "/healthz?x",
  "/healthz#/repo/acme/main/root.json",
  "/Healthz",
  "/ota/factories/",
  "/",
  "",
])("%j without one is 403", async (path) => {
  expect((await ask(eventOf(path))).statusCode).toBe(403);
  expect(reads).toBe(0);
});

test("with one the table is asked", async () => {
  const { statusCode } = await ask(eventOf(FILE, { clientCert: CERTIFICATE }));
  expect(statusCode).toBe(404);
  expect(reads).toBeGreaterThan(0);
  expect(said).not.toHaveBeenCalled();
});

test("the public API may ask for health without one", async () => {
  const { statusCode, body } = await ask(eventOf("/healthz"));
  expect([statusCode, JSON.parse(body)]).toEqual([200, { status: "ok" }]);
  expect(reads).toBe(0);
});

test("where devices need none, nobody is asked for one", async () => {
  const { certificateGuard } = await import("../../lib/lambda/client-certificate.ts");
  expect(certificateGuard("")(eventOf(FILE))).toBeNull();
});
