/** The link, and the id that follows from it: exact, and silent about the secret where it is wrong. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { deliveryId, makeLink, parseLink } from "../../lib/delivery/link.ts";

const secret = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
const T = Buffer.from(secret).toString("base64url");

describe("reads", () => {
  const rows = [
    [
      "the link as it is mailed",
      `https://keys.example.com/download#${T}`,
      "https://keys.example.com",
    ],
    ["a service on this machine", `http://127.0.0.1:8787/download#${T}`, "http://127.0.0.1:8787"],
    ["a service below a path", `https://a.example/x/y/download#${T}`, "https://a.example/x/y"],
    ["space around it, as pasted", ` https://a.example/download#${T}\r\n`, "https://a.example"],
  ] as const;

  test.each(rows)("%s", (_, link, publicUrl) => {
    expect(parseLink(link)).toEqual({ publicUrl, secret });
  });
});

describe("refuses", () => {
  const rows = [
    ["nothing", ""],
    ["words", "hello"],
    ["no scheme", `a.example/download#${T}`],
    ["another scheme", `ftp://a.example/download#${T}`],
    ["a scheme in capitals", `HTTPS://a.example/download#${T}`],
    ["no host", `https:///download#${T}`],
    ["another path", `https://a.example/upload#${T}`],
    ["a final slash", `https://a.example/download/#${T}`],
    ["a query", `https://a.example/download?x=1#${T}`],
    ["a query before the path", `https://a.example/?x=/download#${T}`],
    ["no fragment", "https://a.example/download"],
    ["an empty fragment", "https://a.example/download#"],
    ["one character less", `https://a.example/download#${T.slice(0, -1)}`],
    ["one character more", `https://a.example/download#${T}A`],
    ["padding", `https://a.example/download#${T}=`],
    ["base64 that is not base64url", `https://a.example/download#${"+".repeat(43)}`],
    ["bits that no encoder sets", `https://a.example/download#${T.slice(0, -1)}B`],
    ["31 bytes", `https://a.example/download#${Buffer.alloc(31).toString("base64url")}`],
    ["33 bytes", `https://a.example/download#${Buffer.alloc(33).toString("base64url")}`],
    ["a space within", `https://a.example/ download#${T}`],
    ["two links", `https://a.example/download#${T} https://a.example/download#${T}`],
    ["a second fragment", `https://a.example/download#x#${T}`],
  ] as const;

  test.each(rows)("%s", (_, link) => {
    const error = expect.objectContaining({
      code: "link-invalid",
      message: "not a download link: expected https://HOST/download#SECRET, whole and on one line",
    });
    expect(() => parseLink(link)).toThrow(error);
  });
});

test("reads what it wrote, for every secret", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const link = makeLink("https://a.example", bytes);
      expect(link).toMatch(/^https:\/\/a\.example\/download#[A-Za-z0-9_-]{43}$/);
      expect(Buffer.from(parseLink(link).secret).equals(bytes)).toBe(true);
    }),
  );
});

test("the id is the hash of the words and T, in lower-case hex", () => {
  const expected = createHash("sha256").update("rootward delivery id").update(secret).digest("hex");
  expect(deliveryId(secret)).toBe(expected);
});
