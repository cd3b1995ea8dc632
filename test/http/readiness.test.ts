/** `/readyz` tells which part cannot do its work, in bounded time and without load; `/healthz` does not. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { embeddedChecks, type CheckedParts } from "../../lib/cli/serve/readiness-checks.ts";
import { appOf } from "../../lib/http/base.ts";
import { noReadyRoute } from "../../lib/http/health.ts";
import { Readiness, type Check } from "../../lib/service/readiness.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { TestWorld } from "../support/memory-service.ts";
import { call, createFactory } from "../support/owner.ts";
import { spawnServer, spawnSigner } from "../support/server-process.ts";

type Told = { readonly name: string; readonly ok: boolean; readonly message: string };

function told(body: Record<string, unknown>): readonly string[] {
  return (body["checks"] as Told[]).filter(({ ok }) => !ok).map(({ name }) => name);
}

describe("the embedded form", () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(() => server.remove());

  it("is ready, and says so of each part, to whoever asks, without a Factory's name", async () => {
    await createFactory(server, "acme");
    const { status, body } = await call(`${server.url}/readyz`);
    expect({ status, body }).toMatchObject({ status: 200, body: { status: "ready" } });
    const names = (body["checks"] as Told[]).map(({ name }) => name);
    expect(names).toEqual(["database", "disk", "signer", "outbox", "clock", "schedule"]);
    expect(JSON.stringify(body)).not.toMatch(/acme|\/tmp|owner/);
  });

  it("is not ready while another program locks the database, and answers all the same", async () => {
    const locker = new DatabaseSync(join(server.data, "rootward.db"));
    locker.exec("BEGIN IMMEDIATE");
    const { status, body } = await call(`${server.url}/readyz`);
    expect([status, told(body)]).toEqual([503, ["database"]]);
    expect(await call(`${server.url}/healthz`)).toMatchObject({ status: 200 });
    locker.exec("ROLLBACK");
    locker.close();
  });
});

it("service and signer as processes: ready, and not once the signer is gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rw-"));
  const socket = join(folder, "s");
  const signer = await spawnSigner(join(folder, "signer"), socket);
  const server = await spawnServer(folder, ["--signer", socket]);
  try {
    expect(await call(`${server.url}/readyz`)).toMatchObject({ status: 200 });
    await signer.kill();
    let last: readonly string[] = [];
    // An answer is kept for seconds.
    for (let tries = 0; tries < 100 && last.length === 0; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      last = told((await call(`${server.url}/readyz`)).body);
    }
    expect(last).toEqual(["signer"]);
    expect(await call(`${server.url}/healthz`)).toMatchObject({ status: 200 });
  } finally {
    await server.stop();
    await signer.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);

describe("a check", () => {
  let home: string;
  let parts: CheckedParts;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "rootward-test-"));
    mkdirSync(join(home, "archives"));
    mkdirSync(join(home, "outbox"));
    parts = {
      dataFolder: home,
      outboxFolder: join(home, "outbox"),
      databaseState: async () => ({ writable: true }),
      signer: { check: async () => undefined },
      clock: { doubt: () => null },
      sinceRun: () => 0,
      runWithin: 60_000,
      free: 1,
    };
  });
  afterEach(() => {
    rmSync(home, { recursive: true, force: true });
  });

  async function failing(changes: Partial<CheckedParts>): Promise<readonly string[]> {
    const { checks } = await new Readiness(embeddedChecks({ ...parts, ...changes })).report();
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  }

  it.each<[string, (home: string) => Partial<CheckedParts>]>([
    ["database", () => ({ databaseState: async () => ({ writable: false }) })],
    ["database", () => ({ databaseState: () => Promise.reject(new Error("no")) })],
    ["database", () => ({ databaseState: () => new Promise(() => undefined) })],
    ["disk", () => ({ free: Number.MAX_SAFE_INTEGER })],
    ["signer", () => ({ signer: { check: () => Promise.reject(new Error("no")) } })],
    ["signer", () => ({ signer: { check: () => new Promise(() => undefined) } })],
    [
      "outbox",
      (folder) => {
        // A folder of that name, so that it cannot be written whoever runs this test.
        mkdirSync(join(folder, "outbox", ".readyz.tmp"));
        return {};
      },
    ],
    ["clock", () => ({ clock: { doubt: () => "the clock jumped" } })],
    ["schedule", () => ({ sinceRun: () => 60_001 })],
  ])("of the %s fails alone", async (name, changes) => {
    expect(await failing(changes(home))).toEqual([name]);
  });

  it("passes where all is well, and leaves nothing in the outbox", async () => {
    expect(await failing({})).toEqual([]);
    expect(readdirSync(parts.outboxFolder)).toEqual([]);
  });

  it("is made once for many who ask, and not again while it hangs", async () => {
    let calls = 0;
    const hanging: Check = {
      name: "slow",
      judge: () => {
        calls += 1;
        return new Promise(() => undefined);
      },
    };
    const readiness = new Readiness([hanging]);
    const reports = await Promise.all(Array.from({ length: 100 }, () => readiness.report()));
    expect(new Set(reports.map(({ status }) => status))).toEqual(new Set(["not-ready"]));
    await readiness.report();
    expect(calls).toBe(1);
  });
});

it("on AWS /readyz is 404 and says why", async () => {
  const app = appOf(new TestWorld().start().service, [noReadyRoute]);
  const response = await app.request("/readyz");
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ message: expect.stringContaining("alarms") });
});
