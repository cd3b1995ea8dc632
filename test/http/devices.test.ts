/** What devices get: nothing before the Factory is live, then every version that was ever current. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { createFactory, deliver } from "../support/owner.ts";

let server: TestServer;
const links = new Map<Dialect, string>();
beforeAll(async () => {
  server = await startServer();
  for (const dialect of ["tuf", "ats"] as const) {
    links.set(dialect, (await createFactory(server, `fleet-${dialect}`, { dialect })).link);
  }
});
afterAll(() => server.remove());

const get = async (path: string): Promise<Response> => fetch(`${server.url}/repo/${path}`);

describe.each([
  { dialect: "tuf", channel: "main" },
  { dialect: "ats", channel: "ci" },
] as const)("$dialect $channel", ({ dialect, channel }) => {
  const base = `fleet-${dialect}/${channel}`;

  test("before the confirmation everything is 404, as of a Factory that does not exist", async () => {
    // Of the same length: the answer repeats the name that was asked for.
    const other = `other-${dialect}`;
    const answerOf = async (factory: string, rest: string, init: RequestInit): Promise<string> => {
      const answer = await fetch(`${server.url}/repo/${factory}/${rest}`, init);
      const headers = [...answer.headers].filter(([name]) => name !== "date");
      const text = await answer.text();
      return JSON.stringify([answer.status, headers, text]).replaceAll(factory, "F");
    };
    for (const file of ["root.json", "1.root.json", "9.root.json", "timestamp.json", "none.json"]) {
      for (const init of [{}, { method: "HEAD" }, { headers: { "If-None-Match": "*" } }]) {
        const answer = await answerOf(`fleet-${dialect}`, `${channel}/${file}`, init);
        expect(answer).toContain("[404,");
        expect(await answerOf(other, `${channel}/${file}`, init)).toBe(answer);
      }
    }
    await deliver(server.url, links.get(dialect) ?? "");
  });

  test("then all roles are served, by both names", async () => {
    for (const role of ["root", "snapshot", "targets"]) {
      const newest = await get(`${base}/${role}.json`);
      expect(newest.status).toBe(200);
      const text = await newest.text();
      const { version } = (JSON.parse(text) as { signed: { version: number } }).signed;
      const numbered = await get(`${base}/${version}.${role}.json`);
      expect(await numbered.text()).toBe(text);
      // Another bootstrap may still replace it all, with the owner's word that there is no device.
      const kept = numbered.headers.get("cache-control")?.includes("immutable");
      expect(kept).toBe(false);
    }
    expect((await get(`${base}/timestamp.json`)).status).toBe(200);
  });

  test("unversioned files are kept briefly at an edge in tuf, and not at all in ats", async () => {
    const header = (await get(`${base}/timestamp.json`)).headers.get("cache-control");
    expect(header).toBe(dialect === "tuf" ? "public, max-age=0, s-maxage=5" : "no-store");
  });

  test("what a device has already is 304, with the same headers and no body", async () => {
    for (const file of ["timestamp.json", "root.json", "1.root.json"]) {
      const first = await get(`${base}/${file}`);
      const etag = first.headers.get("etag") ?? "";
      expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
      const ask = async (tags: string): Promise<Response> =>
        fetch(`${server.url}/repo/${base}/${file}`, { headers: { "If-None-Match": tags } });
      for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
        const again = await ask(tags);
        expect([again.status, await again.text()]).toEqual([304, ""]);
        for (const name of ["etag", "cache-control"]) {
          expect(again.headers.get(name)).toBe(first.headers.get(name));
        }
      }
      for (const tags of ['"other"', etag.slice(1, -1), ""]) {
        expect((await ask(tags)).status).toBe(200);
      }
    }
    const missing = await fetch(`${server.url}/repo/${base}/9.root.json`, {
      headers: { "If-None-Match": "*" },
    });
    expect(missing.status).toBe(404);
  });

  test("a next root is 404 and never cached", async () => {
    const answer = await get(`${base}/2.root.json`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test("what no device asks for is 404", async () => {
    for (const file of [
      "0.root.json",
      "01.root.json",
      "1.timestamp.json",
      "root",
      "..%2froot.json",
    ]) {
      expect((await get(`${base}/${file}`)).status).toBe(404);
    }
    expect((await get(`fleet-${dialect}/other/root.json`)).status).toBe(404);
  });
});

test("prod of an ats Factory has its root, and the rest once its owner has signed targets", async () => {
  expect((await get("fleet-ats/prod/root.json")).status).toBe(200);
  expect((await get("fleet-ats/prod/timestamp.json")).status).toBe(404);
});
