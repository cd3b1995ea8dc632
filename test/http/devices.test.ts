/** What devices get: nothing before the Factory is live, then every version that was ever current. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
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

  test("before the confirmation everything is 404", async () => {
    for (const file of ["root.json", "1.root.json", "timestamp.json", "targets.json"]) {
      expect((await get(`${base}/${file}`)).status).toBe(404);
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
      expect(numbered.headers.get("cache-control")).toContain("immutable");
    }
    expect((await get(`${base}/timestamp.json`)).status).toBe(200);
  });

  test("unversioned files are kept briefly at an edge in tuf, and not at all in ats", async () => {
    const header = (await get(`${base}/timestamp.json`)).headers.get("cache-control");
    expect(header).toBe(dialect === "tuf" ? "public, max-age=0, s-maxage=5" : "no-store");
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
