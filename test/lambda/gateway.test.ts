/** Events of the HTTP API as requests, and answers as results: exact, whole, and never a stack. */
import { describe, expect, test } from "vitest";
import { answering, type GatewayEvent } from "../../lib/lambda/gateway.ts";

const event = (change: Partial<GatewayEvent> & { readonly method?: string } = {}): GatewayEvent => {
  const { method = "GET", ...rest } = change;
  return {
    rawPath: "/ota/factories/",
    rawQueryString: "",
    headers: { host: "api.example.com" },
    isBase64Encoded: false,
    requestContext: { domainName: "api.example.com", http: { method } },
    ...rest,
  };
};

/** What an app is asked. */
async function asked(change: Parameters<typeof event>[0]) {
  let seen: Request | undefined;
  const result = await answering({
    fetch: (request) => {
      seen = request;
      return new Response("{}");
    },
  })(event(change));
  return { seen, result };
}

describe("a path", () => {
  test.each(["/ota/factories/", "/download", "/repo/acme/main/1.root.json", "/healthz"])(
    "%s is what it was",
    async (rawPath) => {
      const { seen } = await asked({ rawPath, rawQueryString: "production=1&x=%2e" });
      const url = new URL(seen?.url ?? "");
      expect([url.pathname, url.search]).toEqual([rawPath, "?production=1&x=%2e"]);
    },
  );

  // The gateway has decoded what it hands on, once; hono would decode what is left a second time.
  test.each([
    "/x/../healthz",
    "/x/./healthz",
    "/repo/..",
    "/repo/acme?production=1",
    "/repo/a#b",
    "/repo/a b",
    "/repo/é",
    "x",
    "",
    "*",
    "http://api.example.com/healthz",
    "//repo//",
    "//evil.example/x",
    "/repo\\acme",
    "/healthz;x",
    "/%6fta/factories/acme/",
    "/d%6fwnload/cl%61im",
    "/repo/acme/main/%72oot.json",
    "/repo/acme/main%2froot.json",
    "/%2568ealthz",
    "/healthz%",
  ])("%s is none of ours", async (rawPath) => {
    const { seen } = await asked({ rawPath });
    expect(new URL(seen?.url ?? "").pathname).toBe("/not-exact");
  });
});

describe("a body", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

  test("text and base64 are the bytes that were sent", async () => {
    const text = await asked({ method: "POST", body: '{"é":1}' });
    expect(await text.seen?.text()).toBe('{"é":1}');
    const body = Buffer.from(bytes).toString("base64");
    const binary = await asked({ method: "PUT", body, isBase64Encoded: true });
    expect(new Uint8Array((await binary.seen?.arrayBuffer()) ?? [])).toEqual(bytes);
  });

  test("of a GET is not looked at", async () => {
    const { seen } = await asked({ body: "x" });
    expect(seen?.body ?? null).toBeNull();
  });

  test("an answer that is no text goes as base64", async () => {
    const answer = answering({ fetch: () => new Response(new Uint8Array(bytes)) });
    const { body, isBase64Encoded } = await answer(event());
    expect(isBase64Encoded).toBe(true);
    expect(new Uint8Array(Buffer.from(body, "base64"))).toEqual(bytes);
  });

  test.each([
    ["a short one of quotes", '"'.repeat(1_000_000), false],
    ["a long one of quotes", '"'.repeat(1_000_001), true],
    ["a long one of control characters", "\u{1}".repeat(1_000_001), true],
    ["a long one of letters", "a".repeat(1_000_001), false],
    ["a long one of quotes, one in four", '"aaa'.repeat(300_000), false],
    ["a long one of quotes, one in two", '"a'.repeat(600_000), true],
  ])("text goes as base64 where that is shorter: %s", async (_, text, inBase64) => {
    const result = await answering({ fetch: () => new Response(text) })(event());
    expect(result.isBase64Encoded).toBe(inBase64);
    expect(Buffer.from(result.body, inBase64 ? "base64" : "utf8").toString() === text).toBe(true);
    // What Lambda lets it be.
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(6_291_556);
  });

  test("text goes as it is, byte order mark and all", async () => {
    const answer = answering({ fetch: () => new Response("\u{feff}{}") });
    expect(await answer(event())).toMatchObject({ body: "\u{feff}{}", isBase64Encoded: false });
  });
});

test("status and headers go through; HEAD and 204 have no body", async () => {
  const answer = answering({
    fetch: () => new Response(null, { status: 204, headers: { ETag: '"x"', Allow: "GET, HEAD" } }),
  });
  expect(await answer(event({ method: "HEAD" }))).toEqual({
    statusCode: 204,
    headers: { etag: '"x"', allow: "GET, HEAD" },
    body: "",
    isBase64Encoded: false,
  });
});

test.each([
  ["a header that is none", { headers: { "x-name": "line\nbreak" } }],
  ["a method that is none", { method: "GET IT" }],
])("%s is 400, in the form of every error", async (_, change) => {
  const { seen, result } = await asked(change);
  expect(seen).toBeUndefined();
  expect(result.statusCode).toBe(400);
  expect(JSON.parse(result.body)).toEqual({
    code: "malformed",
    message: "no such request can be answered",
  });
});
