/**
 * A read writes nothing and signs nothing, whatever state a Factory is in: every GET of the API, by
 * the ports that it calls and by what the stores and the boundary's records saw. A read that tried to
 * refresh once took a fleet down (aktualizr#1646). The one exception is `first_root.sec`, which is in
 * the log before anybody gets it.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import type { Hono } from "hono";
import { readArchive } from "../../lib/api/delivery.ts";
import { honoPath } from "../../lib/api/path.ts";
import { readRootVersion } from "../../lib/api/roots.ts";
import type { Head } from "../../lib/state/head.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import { createApp } from "../../lib/http/app.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { ALL_CHANNELS, DIALECTS, ROLES } from "../../lib/tuf/dialect.ts";
import { countedService } from "../support/counted-service.ts";
import { startServer } from "../support/embedded.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, ownerOf } from "../support/memory-root-update.ts";
import { TestWorld } from "../support/memory-service.ts";
import { STATES } from "../support/memory-states.ts";
import { claim, createFactory, deliver, newClaimant } from "../support/owner.ts";

/** What a device's request may call. */
const DEVICE = ["heads.read", "documents.get", "documents.published"];
/** An owner's is authorised, and a review judges what is staged. */
const OWNER = [...DEVICE, "tokens.find", "tokens.list", "now", "verify"];

function headOf(world: TestWorld): Head {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("the Factory is gone");
  return head;
}

/** What devices ask for, and what they never should. */
function devicePaths(world: TestWorld): readonly string[] {
  const { roles } = headOf(world);
  const published = [...world.state.published.keys()].map((place) => place.split(" "));
  const files = ALL_CHANNELS.flatMap((channel) => {
    const older = published.flatMap(([, , where, role, version]) =>
      where === channel ? [`${version}.${role}.json`] : [],
    );
    const named = ROLES.flatMap((role) => {
      const newest = roles[channel]?.[role]?.version ?? 1;
      const versions = [newest, newest + 1, 9_999_999_999];
      return [`${role}.json`, ...versions.map((version) => `${version}.${role}.json`)];
    });
    const wrong = ["0.root.json", "01.root.json", "root", "ROOT.json", "..%2froot.json", ""];
    return [...older, ...named, ...wrong].map((file) => `acme/${channel}/${file}`);
  });
  const nowhere = ["acme/other", "nobody/main", "NO/main", "%2e%2e/ci", "acme/log"];
  return [...files, ...nowhere.map((where) => `${where}/root.json`)].map((path) => `/repo/${path}`);
}

/** What owners' tools ask for, by the route that answers. */
function ownerPaths(): ReadonlyMap<string, readonly string[]> {
  const factory = "/ota/factories/:factory";
  const repo = "/ota/repo/:factory/api/v1/user_repo";
  const both = (path: string): readonly string[] => [path, `${path}?production=1`];
  const versions = [1, 2, 3, 9_999_999_999].flatMap((n) => both(`${repo}/${n}.root.json`));
  const paths = new Map<string, readonly string[]>([
    [`${factory}/`, [`${factory}/`]],
    [`${factory}/log/`, ["", "?from=2", "?from=999", "?from=0"].map((q) => `${factory}/log/${q}`)],
    [`${factory}/tokens/`, [`${factory}/tokens/`]],
    [`${factory}/targets/`, [`${factory}/targets/`]],
    [`${factory}/users/self/`, [`${factory}/users/self/`]],
    [`${factory}/users/self`, [`${factory}/users/self`]],
    [`${factory}/ci-targets.pub`, [`${factory}/ci-targets.pub`]],
    [`${factory}/prod-targets/`, ["", "?tag=x"].map((q) => `${factory}/prod-targets/${q}`)],
    [`${factory}/wave-targets/`, ["", "?name=x"].map((q) => `${factory}/wave-targets/${q}`)],
    [`${repo}/root.json`, both(`${repo}/root.json`)],
    [honoPath(readRootVersion.path), versions],
    [`${repo}/root/updates`, [`${repo}/root/updates`]],
  ]);
  return new Map(
    [...paths].map(([route, list]) => [
      route,
      ["acme", "nobody"].flatMap((name) => list.map((path) => path.replace(":factory", name))),
    ]),
  );
}

/** Routes that know no Factory, and the ones with a test of their own. */
const OTHER_ROUTES = [
  "/healthz",
  "/download",
  "/download/page.js",
  "/download/page.css",
  honoPath(readArchive.path),
  "/repo/:factory/:channel/:file",
  "/ota/factories/:factory/first_root.sec",
];

interface Reader {
  /** The ports that were called. */
  readonly calls: readonly string[];
  /** Writes that reached a store or the boundary's records. */
  readonly writes: readonly string[];
  readonly routes: Hono["routes"];
  get(path: string, headers?: Readonly<Record<string, string>>, method?: string): Promise<Response>;
  /** Waits for what an answer may have left behind it. */
  settled(): Promise<void>;
}

function readerOf(world: TestWorld): Reader {
  const calls: string[] = [];
  const { service, faults } = world.start();
  const page = { html: "<p>", script: ";", style: "p{}" };
  const archives = { open: () => Promise.resolve(null) };
  const app = createApp({ service: countedService(service, calls), page, archives });
  return {
    calls,
    writes: faults.writes,
    routes: app.routes,
    get: async (path, headers = {}, method = "GET") =>
      app.fetch(new Request(`http://fleet${path}`, { method, headers })),
    settled: async () => {
      for (let turn = 0; turn < 50; turn += 1) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    },
  };
}

function expectOnlyReads({ calls, writes }: Reader, allowed: readonly string[]): void {
  const others = calls.filter((call) => !allowed.includes(call));
  expect([...new Set(others)]).toEqual([]);
  expect(writes).toEqual([]);
}

/** The owner's token, and others that are good for less. */
const TOKENS = ["owner's", "reader's", "ended", "stranger's"];

async function makeTokens(world: TestWorld): Promise<void> {
  const { service } = world.start();
  const { token } = await ownerOf(service);
  const bound = { factory: "other" as FactoryName, instance: headOf(world).instance };
  const limits = [{}, { scopes: ["root:read"] }, { expiresAt: 0 }, { bound }] as const;
  for (const [at, limit] of limits.entries()) {
    await service.tokens.put({ ...token, ...limit, hash: sha256Text(TOKENS[at] ?? "") });
  }
}

/** What devices' requests call, all together: of roles, a version that was superseded is looked up. */
function expectedCalls({ state }: TestWorld, live: boolean): readonly string[] {
  if (!live) return ["heads.read"];
  const isOlder = [...state.published.keys()].some((place) => {
    const [, , channel, role] = place.split(" ");
    // Nobody asks for a version of a timestamp.
    return channel !== "log" && role !== "timestamp";
  });
  return DEVICE.filter((call) => isOlder || call !== "documents.published");
}

describe.each(DIALECTS)("%s:", (dialect) => {
  test.each(STATES)("devices of a Factory that is $name", async ({ live, make }) => {
    const world = await make(dialect);
    const reader = readerOf(world);
    const statuses = new Set<number>();
    for (const path of devicePaths(world)) {
      const first = await reader.get(path);
      const etag = first.headers.get("etag") ?? '"none"';
      const answers = [
        first,
        await reader.get(path, {}, "HEAD"),
        await reader.get(path, { "If-None-Match": etag }),
        await reader.get(path, { "If-None-Match": '"another"' }),
        await reader.get(path, { "If-None-Match": "*" }, "HEAD"),
      ];
      for (const { status } of answers) statuses.add(status);
    }
    await reader.settled();
    expectOnlyReads(reader, DEVICE);
    // They were served, so the calls were counted.
    expect(statuses).toEqual(new Set(live ? [200, 304, 404] : [404]));
    expect(new Set(reader.calls)).toEqual(new Set(expectedCalls(world, live)));
  });

  test.each(STATES)("owners of a Factory that is $name", async ({ make }) => {
    const world = await make(dialect);
    await makeTokens(world);
    const reader = readerOf(world);
    const statuses = new Set<number>();
    for (const path of [...ownerPaths().values()].flat()) {
      for (const token of [null, "nobody's", ...TOKENS]) {
        for (const method of ["GET", "HEAD"]) {
          const headers = token === null ? {} : { "OSF-TOKEN": token };
          statuses.add((await reader.get(path, headers, method)).status);
        }
      }
    }
    await reader.settled();
    expectOnlyReads(reader, OWNER);
    expect(statuses).toEqual(new Set([200, 400, 401, 403, 404]));
  });
});

describe("first_root.sec", () => {
  const path = "/ota/factories/acme/first_root.sec";

  test("is in the log before the owner gets it", async () => {
    const world = new TestWorld();
    await apiFactory(world, "ats");
    await makeTokens(world);
    const reader = readerOf(world);
    expect((await reader.get(path, { "OSF-TOKEN": "owner's" })).status).toBe(200);
    expect(reader.calls).toContain("heads.swap");
  });

  test("is not read by HEAD, which hands nothing over", async () => {
    const world = new TestWorld();
    await apiFactory(world, "ats");
    await makeTokens(world);
    const reader = readerOf(world);
    const answer = await reader.get(path, { "OSF-TOKEN": "owner's" }, "HEAD");
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
    expectOnlyReads(reader, []);
  });

  test("writes nothing for anybody else, and where it is gone", async () => {
    for (const { make } of STATES) {
      const world = await make("ats");
      await makeTokens(world);
      const escrowed = headOf(world).delivery.state === "escrowed";
      const reader = readerOf(world);
      for (const token of escrowed ? TOKENS.slice(1) : TOKENS) {
        expect((await reader.get(path, { "OSF-TOKEN": token })).ok).toBe(false);
      }
      await reader.settled();
      const opening = ["shares.get", "archives.get", "wrapper.unwrap", "randomBytes", "turns.take"];
      expectOnlyReads(reader, [...OWNER, ...opening]);
    }
  });
});

test("the routes that know no Factory call nothing", async () => {
  const reader = readerOf(new TestWorld());
  for (const path of ["/healthz", "/download", "/download/page.js", "/download/page.css"]) {
    expect((await reader.get(path)).status).toBe(200);
  }
  expect((await reader.get("/download/archive/x")).status).toBe(403);
  expectOnlyReads(reader, ["now"]);
});

test("the file of the embedded form does not change, not even for the holder of a link", async () => {
  const server = await startServer();
  try {
    const { link, ownerToken } = await createFactory(server, "acme");
    const granted = await claim(server.url, link, newClaimant());
    const archive = String(granted.body["archiveUrl"]);
    await deliver(server.url, (await createFactory(server, "other")).link);
    const file = new DatabaseSync(join(server.data, "rootward.db"), { readOnly: true });
    const commits = () => file.prepare("PRAGMA data_version").get();
    const before = commits();
    const owned = [...ownerPaths().values()].flat().map((path) => `${server.url}${path}`);
    const devices = ["root", "1.root", "2.root", "timestamp", "snapshot", "targets"].map(
      (name) => `${server.url}/repo/other/main/${name}.json`,
    );
    for (const url of [...owned, ...devices, archive, archive]) {
      await fetch(url, { headers: { "OSF-TOKEN": ownerToken } });
    }
    expect(commits()).toEqual(before);
    file.close();
    expect(server.log).toEqual([]);
  } finally {
    await server.remove();
  }
});

test("no GET route is missing here", () => {
  const { routes } = readerOf(new TestWorld());
  const known = [...ownerPaths().keys(), ...OTHER_ROUTES];
  const gets = routes.filter(({ method }) => method === "GET").map(({ path }) => path);
  expect(gets.toSorted()).toEqual(known.toSorted());
});
