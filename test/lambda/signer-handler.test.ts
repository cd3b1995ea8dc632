/** What the signer may answer, the gateway can deliver: the largest document, at its worst. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { answering } from "../../lib/lambda/gateway.ts";
import {
  MAX_ANSWER_BYTES,
  MAX_SIGNED_BYTES,
  signerHandler,
} from "../../lib/lambda/signer-handler.ts";
import type { SigningBoundary } from "../../lib/service/ports.ts";
import { remoteBoundary } from "../../lib/signing/remote.ts";
import { FACTORY } from "../support/memory-owner.ts";

/** A document in which everything is escaped. */
const quotes = (length: number): Buffer => Buffer.alloc(length, '"');

/** A boundary behind the function, of which a document of `length` bytes is the answer. */
function signing(length: number) {
  const answers: number[] = [];
  const boundary = { sign: async () => quotes(length) } as unknown as SigningBoundary;
  const handler = signerHandler({ id: "x", boundary });
  const remote = remoteBoundary(async (request) => {
    const reply = await handler(request, { getRemainingTimeInMillis: () => 1000 });
    answers.push(Buffer.byteLength(JSON.stringify(reply)));
    return reply;
  });
  const meta = { version: 1, length: 1, sha256: "00".repeat(32) };
  const request = {
    factory: FACTORY,
    instance: "0".repeat(32),
    dialect: "tuf",
    channel: "main",
    content: { role: "timestamp", meta },
    version: 1,
    expires: 0,
  } as Parameters<SigningBoundary["sign"]>[0];
  return { answers, sign: () => remote.sign(request) };
}

/** What the function that devices read from makes of a document: its size, and what came through. */
async function delivered(document: Buffer) {
  const headers = {
    ETag: `"${"0".repeat(64)}"`,
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Type": "application/json",
    "X-Content-Type-Options": "nosniff",
  };
  const answer = answering({ fetch: () => new Response(new Uint8Array(document), { headers }) });
  const result = await answer({
    rawPath: "/repo/acme/main/1.targets.json",
    rawQueryString: "",
    headers: {},
    isBase64Encoded: false,
    requestContext: { domainName: "api.example.com", http: { method: "GET" } },
  });
  const bytes = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8");
  return { size: Buffer.byteLength(JSON.stringify(result)), bytes };
}

describe("the largest document", () => {
  test("is signed and delivered, within what Lambda lets an answer be", async () => {
    const { answers, sign } = signing(MAX_SIGNED_BYTES);
    const document = Buffer.from(await sign());
    expect(document).toHaveLength(MAX_SIGNED_BYTES);
    expect(answers[0]).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
    const { size, bytes } = await delivered(document);
    expect(size).toBeLessThanOrEqual(MAX_ANSWER_BYTES);
    expect(bytes.equals(document)).toBe(true);
  });

  test("is as long as operators and publishers are told", () => {
    for (const file of ["docs/deploy.md", "docs/targets.md"]) {
      expect(readFileSync(file, "utf8")).toContain(MAX_SIGNED_BYTES.toLocaleString("en"));
    }
  });

  test("and one byte more is refused as too large, and says what would fit", async () => {
    await expect(signing(MAX_SIGNED_BYTES + 1).sign()).rejects.toMatchObject({
      code: "too-large",
      message: expect.stringMatching(
        /^signed document: expected at most 4717899 bytes, got 4717900:/,
      ),
    });
  });
});
