/** The judge judged: what our client after fioctl reads, writes, signs and says, by itself. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createHash, createPublicKey, verify } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { diffLines } from "../support/fioctl/diff-lines.ts";
import { decodeRoot, encodeRoot, signedBytes, TARGETS_MAP } from "../support/fioctl/documents.ts";
import { canonical, decode, encode } from "../support/fioctl/go-shapes.ts";
import { send, type ClientOptions } from "../support/fioctl/http.ts";
import { compact, indent } from "../support/fioctl/json-reader.ts";
import { makeKeyPair, parsePrivate, signText } from "../support/fioctl/key-pair.ts";

const ROOT = `{ "signatures": [{"sig": "AAAA", "method": "ED25519", "keyid": "k"}], "extra": 1,
  "signed": {"_type": "Root", "version": 2, "spec_version": "1.0",
    "expires": "2027-01-31T10:20:30.500+00:00",
    "keys": {"k": {"keytype": "RSA", "scheme": "x", "keyval": {"public": "a\\nb<c>"}}},
    "roles": {"targets": {"threshold": 1, "keyids": ["k"], "paths": []}, "root": null}}}`;

describe("a root, as Go's structs hold it", () => {
  const root = decodeRoot(ROOT);

  test("loses what they do not name, and is sent in their order", () => {
    expect(encodeRoot(root)).toBe(
      '{"signatures":[{"keyid":"k","method":"ed25519","sig":"AAAA"}],"signed":{"_type":"Root",' +
        '"expires":"2027-01-31T10:20:30.5Z","version":2,"consistent_snapshot":false,' +
        '"keys":{"k":{"keytype":"RSA","keyval":{"public":"a\\nb\\u003cc\\u003e"}}},' +
        '"roles":{"root":null,"targets":{"keyids":["k"],"threshold":1}}}}',
    );
  });

  test("is signed sorted, with newlines escaped and nothing else", () => {
    expect(signedBytes(root)).toBe(
      '{"_type":"Root","consistent_snapshot":false,"expires":"2027-01-31T10:20:30.5Z",' +
        '"keys":{"k":{"keytype":"RSA","keyval":{"public":"a\\nb<c>"}}},' +
        '"roles":{"root":null,"targets":{"keyids":["k"],"threshold":1}},"version":2}',
    );
  });

  test("has zero values for what is missing", () => {
    expect(encodeRoot(decodeRoot("{}"))).toBe(
      '{"signatures":null,"signed":{"_type":"","expires":"0001-01-01T00:00:00Z","version":0,' +
        '"consistent_snapshot":false,"keys":null,"roles":null}}',
    );
  });

  test.each([
    ["", "unexpected end of JSON input"],
    ["<html>", "invalid character '<'"],
    ['{"signed": []}', "cannot unmarshal array"],
    ['{"signed": {"version": 2.0}}', "cannot unmarshal number"],
    ['{"signed": {"expires": "tomorrow"}}', "parsing time"],
    ['{"signatures": [{"sig": "*"}]}', "illegal base64"],
  ])("is refused: %s", (source, words) => {
    expect(() => decodeRoot(source)).toThrow(words);
  });
});

test("targets keep the order and the spelling of `custom`, and lose the rest", () => {
  const source = `{"main": {"signed": {"_type": "Targets", "version": 1, "expires":
    "2027-01-01T00:00:00Z", "x": 1, "targets": {"t": {"custom": { "b": 1.50, "a": "<" },
    "hashes": {"sha256": "abcd"}, "length": 3}}}, "signatures": []}}`;
  const targets = decode(TARGETS_MAP, source);
  expect(canonical(TARGETS_MAP, targets)).toBe(
    '{"main":{"signatures":[],"signed":{"_type":"Targets","expires":"2027-01-01T00:00:00Z",' +
      '"targets":{"t":{"custom":{"b":1.50,"a":"\\u003c"},"hashes":{"sha256":"abcd"},"length":3}},' +
      '"version":1}}}',
  );
  expect(encode(TARGETS_MAP, targets)).toContain('"t":{"length":3,"hashes"');
});

test("JSON is compacted and indented as Go does it", () => {
  expect(compact('{ "a" : [ "x y" , "&" ] }')).toBe('{"a":["x y","\\u0026"]}');
  expect(indent('{"a":[],"b":{},"c":[1,{"d":null}]}')).toBe(
    '{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    {\n      "d": null\n    }\n  ]\n}',
  );
});

test("a diff has the lines of both sides", () => {
  expect(diffLines(["a", "b", "c"], ["a", "x", "c", "d"])).toEqual([
    "  a",
    "- b",
    "+ x",
    "  c",
    "+ d",
  ]);
});

describe("an Ed25519 key", () => {
  test("has the id of its SubjectPublicKeyInfo, and signs plainly", () => {
    const { signer, listed, files } = makeKeyPair("ED25519");
    const publicKey = createPublicKey(signer.key);
    const spki = publicKey.export({ type: "spki", format: "der" });
    expect(signer.id).toBe(createHash("sha256").update(spki).digest("hex"));
    expect(files.pub).toBe(`{"keytype":"ED25519","keyval":{"public":"${listed.keyval.public}"}}`);
    expect(files.sec).toMatch(/^\{"keytype":"ED25519","keyval":\{"private":"[0-9a-f]{64}"\}\}$/);
    const { sig, method } = signText("text", signer);
    expect(method).toBe("ed25519");
    expect(verify(null, Buffer.from("text"), publicKey, Buffer.from(sig, "base64"))).toBe(true);
  });

  test("of an old release is read with its public half behind the seed", () => {
    const { signer, listed, files } = makeKeyPair("ED25519", { old: true });
    const [, text = ""] = /"private":"([0-9a-f]{128})"/.exec(files.sec) ?? [];
    expect(text.slice(64)).toBe(listed.keyval.public);
    expect(parsePrivate("ED25519", text).equals(signer.key)).toBe(true);
    expect(signer.id).toBe(createHash("sha256").update(files.pub).digest("hex"));
    expect(() => parsePrivate("ED25519", "abcd")).toThrow("Wrong Ed25519 private key size");
    expect(() => parsePrivate("RSA", text)).toThrow("Unable to parse RSA private key PEM data");
  });
});

describe("HTTP", () => {
  async function ask(
    reply: { readonly status: number; readonly body: string },
    options: Partial<ClientOptions> = { token: "t" },
    body?: string,
  ): Promise<{ readonly headers: IncomingHttpHeaders; readonly outcome: string }> {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      response.writeHead(reply.status);
      response.end(reply.body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = { url: `http://127.0.0.1:${port}/`, factory: "f", ...options };
    const outcome = await send(client, body === undefined ? "GET" : "POST", "/x", body).catch(
      (error: unknown) => (error as Error).message.replace(String(port), "PORT"),
    );
    server.close();
    await once(server, "close");
    return { headers: seen[0] ?? {}, outcome };
  }

  test("sends its own headers only", async () => {
    const ok = { status: 200, body: "{}" };
    const { headers } = await ask(ok);
    expect(Object.keys(headers).sort()).toEqual(["connection", "host", "osf-token", "user-agent"]);
    const posted = await ask(ok, { accessToken: "secret" }, "{}");
    expect(posted.headers).toMatchObject({
      authorization: `Bearer ${Buffer.from("secret").toString("base64")}`,
      "content-type": "application/json",
    });
    expect(posted.headers["osf-token"]).toBeUndefined();
  });

  const line = "HTTP error during GET 'http://127.0.0.1:PORT/x': 422 Unprocessable Entity";
  test.each([
    ['{"msg":"no","message":"other","errors":["a","b"]}', "\n= no\n * a\n * b"],
    ['{"message":"no","errors":{"field":"bad"}}', "\n= no\n * field: bad"],
    ['{"message":"no","errors":[1]}', ""],
    ['{"code":"x"}', '\n= {"code":"x"}'],
    [`{"code":"${"x".repeat(600)}"}`, "\n= Error body too long, try to use the --verbose option"],
    ["<html>", ""],
  ])("tells an error: %.40s", async (body, words) => {
    expect((await ask({ status: 422, body })).outcome).toBe(line + words);
  });

  test.each([203, 206, 301, 500])("takes %s for an error", async (status) => {
    expect((await ask({ status, body: "" })).outcome).toMatch(/^HTTP error during GET /);
  });
});
