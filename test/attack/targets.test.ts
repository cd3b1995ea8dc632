/**
 * Publishing over HTTP with bodies that a publisher would not send: each is refused with a code,
 * nothing of it is published, and no answer grows with it. And many publishers at once.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeEvent } from "../../lib/state/event.ts";
import { MAX_TARGETS_BYTES } from "../../lib/tuf/target-entries.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, takeOver, type Answer } from "../support/owner.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const good = { length: 1, hashes: { sha256: SHA256 } };

let server: TestServer;
const tokens = new Map<string, string>();
beforeAll(async () => {
  server = await startServer();
  for (const [factory, dialect] of [
    ["acme", "ats"],
    ["many", "tuf"],
    ["full", "tuf"],
  ] as const) {
    const { link } = await createFactory(server, factory, { dialect });
    const { ownerToken } = await takeOver(server.url, link);
    tokens.set(factory, ownerToken);
  }
});
afterAll(() => server.remove());

function url(factory: string, query = ""): string {
  return `${server.url}/ota/factories/${factory}/targets/${query}`;
}

async function put(factory: string, body: unknown, query = ""): Promise<Answer> {
  const token = tokens.get(factory) ?? "";
  return call(url(factory, query), { method: "PUT", token, body });
}

async function get(factory: string): Promise<Answer["body"]> {
  return (await call(url(factory), { token: tokens.get(factory) ?? "" })).body;
}

const raw = (text: string): Uint8Array => new TextEncoder().encode(text);
/** An entry with this as its length, and one with this as a part of custom. */
const withLength = (text: string): Uint8Array =>
  raw(`{"targets":{"a":{"length":${text},"hashes":{"sha256":"${SHA256}"}}}}`);
const withCustom = (text: string): Uint8Array =>
  raw(`{"targets":{"a":{"length":1,"hashes":{"sha256":"${SHA256}"},"custom":${text}}}}`);
/** So many entries, none of them good. */
const members = (count: number): Uint8Array => {
  const names = Array.from({ length: count }, (_unused, i) => `"../${i.toString(36)}":1`);
  return raw(`{"targets":{${names.join()}}}`);
};
const named = (name: string): object => ({ targets: { [name]: good, ok: good } });
const padded = (bytes: number): Uint8Array => {
  const [before, after] = ['{"targets":{"a":"', '"}}'];
  return raw(before + "x".repeat(bytes - before.length - after.length) + after);
};

const ROWS: readonly (readonly [string, unknown, status: number, code: string])[] = [
  ["a name that climbs", named("../x"), 422, "targets-refused"],
  ["a name from the root", named("/x"), 422, "targets-refused"],
  ["a name that climbs inside", named("a/../../x"), 422, "targets-refused"],
  ["a name of another system", named("..\\x"), 422, "targets-refused"],
  ["a name with a line break", named("a\nb"), 422, "targets-refused"],
  ["no name", named(""), 422, "targets-refused"],
  ["a name of 10 KB", named("n".repeat(10_000)), 422, "targets-refused"],
  ["empty hashes", { targets: { a: { ...good, hashes: {} } } }, 422, "targets-refused"],
  ["an entry that is null", { targets: { a: null } }, 422, "targets-refused"],
  ["< in custom of ats", withCustom('{"a":"<script>"}'), 422, "targets-refused"],
  ["an escaped < in custom", withCustom('{"a":"\\u003c"}'), 422, "targets-refused"],
  ["a line separator in custom", withCustom('{"a":"\\u2028"}'), 422, "targets-refused"],
  ["two entries of one name", raw(`{"targets":{"a":{},"a":{}}}`), 400, "malformed"],
  ["two lengths", raw(`{"targets":{"a":{"length":1,"length":2}}}`), 400, "malformed"],
  ["targets twice", raw(`{"targets":{},"targets":{}}`), 400, "malformed"],
  ["two members of one name in custom", withCustom('{"a":1,"a":1}'), 400, "malformed"],
  ["a length with a fraction", withLength("1.5"), 400, "malformed"],
  ["a length of 1.0", withLength("1.0"), 400, "malformed"],
  ["a length with an exponent", withLength("1e3"), 400, "malformed"],
  ["a length below zero", withLength("-1"), 400, "malformed"],
  ["a length of 2^53", withLength("9007199254740992"), 400, "malformed"],
  ["a length beyond all numbers", withLength("1e999"), 400, "malformed"],
  ["a fraction in custom", withCustom('{"a":[{"b":0.1}]}'), 400, "malformed"],
  ["deep custom", withCustom(`${'{"a":'.repeat(40)}1${"}".repeat(40)}`), 400, "malformed"],
  ["brackets without end", raw("[".repeat(3_000_000)), 400, "malformed"],
  ["bytes that are no UTF-8", new Uint8Array([0x22, 0xff, 0x22]), 400, "malformed"],
  ["nothing", raw(""), 400, "malformed"],
  ["null", raw("null"), 400, "malformed"],
  ["a list", [], 400, "malformed"],
  ["neither targets nor remove", {}, 400, "malformed"],
  ["both empty", { targets: {}, remove: [] }, 400, "malformed"],
  ["another member", { targets: { a: good }, version: 7 }, 400, "malformed"],
  ["targets in a list", { targets: [good] }, 400, "malformed"],
  ["a name to remove that is no text", { remove: ["a", 1] }, 400, "malformed"],
  ["names to remove in an object", { remove: { a: true } }, 400, "malformed"],
  ["a name in both", { targets: { a: good }, remove: ["a"] }, 400, "malformed"],
  ["a byte more than is read", padded(4_000_001), 413, "too-large"],
  ["5 MB and a byte", padded(5_000_001), 413, "too-large"],
  ["too many names", raw(`{"remove":[${'"",'.repeat(300_000)}""]}`), 413, "too-large"],
  ["too many members", members(75_001), 413, "too-large"],
  ["299,000 members", members(299_000), 413, "too-large"],
  ["too many values", withCustom(`{"a":[${"1,".repeat(300_000)}1]}`), 413, "too-large"],
];

describe("a body with", () => {
  test.each(ROWS)(
    "%s is refused, and nothing of it is published",
    async (_, body, status, code) => {
      const before = await get("acme");
      const answer = await put("acme", body);
      expect(answer).toMatchObject({ status, body: { code } });
      expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
      expect(await get("acme")).toEqual(before);
      expect(server.log).toEqual([]);
    },
  );

  test("what would be too deep for a document is refused before it is signed", async () => {
    const { body } = await put("acme", withCustom(`${'{"a":'.repeat(28)}{}${"}".repeat(28)}`));
    expect(body["message"]).toContain("nested deeper than 31");
  });

  test("tens of thousands of mistakes is told of a hundred of them", async () => {
    const answer = await put("acme", members(75_000));
    expect(answer).toMatchObject({ status: 422, body: { code: "targets-refused" } });
    expect(answer.body["message"]).toBe("targets for acme refused: more than 100 findings");
    const { errors, issues } = answer.body as { errors: string[]; issues: unknown[] };
    expect([errors.length, issues.length]).toEqual([101, 100]);
    expect(errors.at(-1)).toBe("and more: the rest was not checked");
    expect(issues[0]).toEqual({ code: "target-name", message: errors[0] });
  });

  test("hundreds of thousands of names that are no text is one mistake", async () => {
    const answer = await put("acme", raw(`{"remove":[${"1,".repeat(200_000)}1]}`));
    expect(answer).toMatchObject({ status: 400 });
    expect(JSON.stringify(answer.body).length).toBeLessThan(1000);
  });
});

test.each([["text/plain"], ["application/x-www-form-urlencoded"], [""]])(
  "Content-Type %j is 415",
  async (type) => {
    const answer = await call(url("acme"), {
      method: "PUT",
      token: tokens.get("acme") ?? "",
      body: { targets: { a: good } },
      headers: { "Content-Type": type },
    });
    expect(answer).toMatchObject({ status: 415, body: { code: "unsupported-media-type" } });
  },
);

test("what is meant for prod does not reach ci", async () => {
  const answer = await put("acme", { targets: { a: good } }, "?production=1");
  const read = await call(url("acme", "?production=1"), { token: tokens.get("acme") ?? "" });
  for (const refused of [answer, read]) {
    expect(refused).toMatchObject({ status: 404, body: { code: "not-found" } });
  }
  expect((await get("acme"))["targets"]).toEqual({});
});

test("other methods are 405", async () => {
  const token = tokens.get("acme") ?? "";
  for (const method of ["POST", "PATCH", "DELETE"]) {
    expect(await call(url("acme"), { method, token, body: {} })).toMatchObject({ status: 405 });
  }
});

test("a request that comes again changes nothing, whoever sends it", async () => {
  const body = { targets: { a: good, b: good }, remove: ["c"] };
  const first = await put("acme", body);
  expect(first).toMatchObject({ status: 200, body: { changed: true, added: ["a", "b"] } });
  const again = await put("acme", body);
  expect(again.body).toEqual({ ...first.body, changed: false, added: [], unchanged: ["a", "b"] });
  await put("acme", { remove: ["a", "b"] });
});

test("what would be too large for clients is refused with its size, and all stays", async () => {
  const entry = (bytes: number): object => ({ ...good, custom: { note: "x".repeat(bytes) } });
  expect(await put("full", { targets: { a: entry(3_000_000) } })).toMatchObject({ status: 200 });
  const before = await get("full");
  const answer = await put("full", { targets: { b: entry(2_000_000) } });
  expect(answer).toMatchObject({ status: 413, body: { code: "too-large" } });
  const words = new RegExp(`at most ${MAX_TARGETS_BYTES} bytes, got 50\\d{5}: remove`);
  expect(answer.body["message"]).toMatch(words);
  expect(await get("full")).toEqual(before);
  // What frees the room makes room in the same request.
  const swapped = await put("full", { targets: { b: entry(2_000_000) }, remove: ["a"] });
  expect(swapped).toMatchObject({ status: 200, body: { added: ["b"], removed: ["a"] } });
  const document = await fetch(`${server.url}/repo/full/main/targets.json`);
  expect(Object.keys(((await document.json()) as Signed).signed.targets)).toEqual(["b"]);
});

test("versions that were used up are 423, with how long to wait", async () => {
  const seconds = 2000;
  // As if so many versions more than seconds had been used.
  server.advance(-seconds * 1000);
  const answer = await put("acme", { targets: { a: good } });
  server.advance(seconds * 1000);
  expect(answer).toMatchObject({ status: 423, body: { code: "busy" } });
  expect(answer.body["message"]).toMatch(/try again in \d+ s, and publish several targets in one/);
});

interface Signed {
  readonly signed: { readonly targets: object };
}

test("50 publishers at once lose nothing, and each is told the truth", async () => {
  const names = Array.from({ length: 50 }, (_unused, i) => `target-${i}`);
  const log = async (from: number): Promise<{ head: { seq: number }; events: string[] }> => {
    const token = tokens.get("many") ?? "";
    const answer = await call(`${server.url}/ota/factories/many/log/?from=${from}`, { token });
    return answer.body as { head: { seq: number }; events: string[] };
  };
  const { seq } = (await log(1)).head;
  const answers = await Promise.all(
    names.map((name) => put("many", { targets: { [name]: good } })),
  );
  expect(Object.keys((await get("many"))["targets"] as object).toSorted()).toEqual(
    names.toSorted(),
  );
  for (const [i, { status, body }] of answers.entries()) {
    expect({ status, body }).toMatchObject({ status: 200, body: { added: [names[i]] } });
    const file = `${server.url}/repo/many/main/${String(body["version"])}.targets.json`;
    const response = await fetch(file);
    expect(response.headers.get("etag")).toBe(`"${String(body["sha256"])}"`);
    expect(((await response.json()) as Signed).signed.targets).toHaveProperty([names[i] ?? ""]);
  }
  const { events } = await log(seq + 1);
  const told = events.map((text) => decodeEvent(raw(text)));
  expect(new Set(told.map(({ type }) => type))).toEqual(new Set(["targets-published"]));
  const added = told.map(({ details }) => JSON.stringify(details["added"]));
  expect(added.toSorted()).toEqual(
    names.map((name) => JSON.stringify({ count: 1, names: [name] })).toSorted(),
  );
});
