/**
 * Another program locks a database. Devices are served meanwhile, writes wait without blocking this
 * process, each is applied once after the lock is gone, and one that waited for too long is refused.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../lib/adapters/embedded/connections.ts";
import { openDatabase } from "../../lib/adapters/embedded/database.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { lockDatabase, type Locker } from "../support/locker.ts";
import { call, createFactory, deliver, stateOf } from "../support/owner.ts";

const locks: Locker[] = [];

async function lock(file: string, milliseconds: number): Promise<Locker> {
  const held = await lockDatabase(file, milliseconds);
  locks.push(held);
  return held;
}

afterEach(async () => {
  await Promise.all(locks.splice(0).map((held) => held.release()));
});

/** A process that waits for the lock in a blocking call gets no turn of these until the lock is gone. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setTimeout(20);
}

describe("a database", () => {
  let folder: string;
  let file: string;
  let database: Database;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rootward-lock-"));
    file = join(folder, "test.db");
    database = await openDatabase(file, {
      schema: "CREATE TABLE counts (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT",
    });
    await database.write((sql) => sql("INSERT INTO counts VALUES ('a', 0)").run());
  });
  afterEach(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });

  const add = (): Promise<unknown> =>
    database.write((sql) => sql("UPDATE counts SET n = n + 1 WHERE name = 'a'").run());
  const count = (): Promise<unknown> =>
    database.read((sql) => sql("SELECT n FROM counts WHERE name = 'a'").get()?.["n"]);

  test("answers reads while it is locked, and applies each waiting write once, in turn", async () => {
    const order: number[] = [];
    const held = await lock(file, 8000);
    const writes = Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await add();
        order.push(index);
        // Its own write, on the other connection.
        expect(await count()).toBeGreaterThanOrEqual(index + 1);
      }),
    );
    expect(await count()).toBe(0);
    await turns();
    expect(await count()).toBe(0);
    expect(await held.release()).toBe(true);
    await writes;
    expect(await count()).toBe(20);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test("a transaction that throws leaves nothing, and the next one begins", async () => {
    const broken = database.transaction((sql) => {
      sql("UPDATE counts SET n = 100").run();
      throw new Error("broken");
    });
    await expect(broken).rejects.toThrow("broken");
    await add();
    expect(await count()).toBe(1);
  });

  test("a write that waited for its time is refused, and was not applied", async () => {
    const held = await lock(file, 60_000);
    const late = database.write((sql) => sql("UPDATE counts SET n = 100").run(), 200);
    await expect(late).rejects.toMatchObject({ code: "storage-unavailable" });
    expect(database.state).toMatchObject({ writable: false });
    await held.release();
    await add();
    expect(await count()).toBe(1);
    expect(database.state).toEqual({ writable: true });
  });

  test("opens while it is locked, and its log is emptied once it is free", async () => {
    const held = await lock(file, 8000);
    const second = await openDatabase(file, { schema: "" });
    try {
      const read = second.read((sql) => sql("SELECT n FROM counts").get()?.["n"]);
      expect(await read).toBe(0);
      const emptied = second.truncateLog();
      await turns();
      expect(await held.release()).toBe(true);
      await emptied;
    } finally {
      second.close();
    }
  });
});

describe("the service", () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startServer();
    const { link } = await createFactory(server, "acme");
    await deliver(server.url, link);
  });
  afterEach(() => server.remove());

  test.each(["rootward.db", "signer/signer.db"])(
    "polls are answered while %s is locked, and a publication waits for its end",
    async (name) => {
      const held = await lock(join(server.data, name), 8000);
      let answered = false;
      const published = call(`${server.url}/ota/factories/acme/targets/`, {
        method: "PUT",
        token: server.adminToken,
        body: { targets: { app: { length: 1, hashes: { sha256: "0".repeat(64) } } } },
      }).finally(() => {
        answered = true;
      });
      for (let poll = 0; poll < 50; poll += 1) {
        const answer = await fetch(`${server.url}/repo/acme/main/timestamp.json`);
        expect(answer.status).toBe(200);
        await answer.arrayBuffer();
      }
      expect(answered).toBe(false);
      expect(await held.release()).toBe(true);
      expect(await published).toMatchObject({ status: 200 });
      const { roles } = (await stateOf(server, "acme")) as {
        roles: { main: { targets: { version: number } } };
      };
      const served = await fetch(`${server.url}/repo/acme/main/targets.json`);
      expect(await served.json()).toMatchObject({
        signed: { version: roles.main.targets.version, targets: { app: { length: 1 } } },
      });
      const log = await call(`${server.url}/ota/factories/acme/log/`, { token: server.adminToken });
      const events = (log.body["events"] as string[]).filter((event) =>
        event.includes("targets-published"),
      );
      expect(events).toHaveLength(1);
    },
  );

  test("a write that cannot wait any longer says so, and when to try again", async () => {
    await lock(join(server.data, "rootward.db"), 60_000);
    const response = await fetch(`${server.url}/ota/factories/acme/tokens/`, {
      method: "POST",
      headers: { "OSF-TOKEN": server.adminToken, "Content-Type": "application/json" },
      body: JSON.stringify({ user: "ci", scopes: ["targets:update"] }),
    });
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect(await response.json()).toMatchObject({
      code: "storage-unavailable",
      message: "another program keeps the service's database locked: try again",
    });
  });
});
