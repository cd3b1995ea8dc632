/**
 * A disk that takes nothing: the service starts, devices are served, a change is refused with a reason,
 * and once there is room again everything goes on without a restart.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openDatabase } from "../../lib/adapters/embedded/database.ts";
import { copyOldData, OLD_LIVE } from "../support/data-schema-3.ts";
import { call } from "../support/owner.ts";
import { spawnServer, type ServerProcess } from "../support/server-process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

describe("a database that may not grow", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rootward-full-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("refuses a write with a reason, is read meanwhile, and takes it later", async () => {
    const schema = "CREATE TABLE notes (body BLOB NOT NULL) STRICT";
    const database = await openDatabase(join(folder, "test.db"), { schema });
    const limit = (pages: number): Promise<void> =>
      database.write((_, raw) => raw.exec(`PRAGMA max_page_count = ${pages}`));
    const add = (): Promise<unknown> =>
      database.transaction((sql) => {
        sql("INSERT INTO notes VALUES (x'01')").run();
        sql("INSERT INTO notes VALUES (?)").run(new Uint8Array(100_000));
      });
    const count = (): Promise<unknown> =>
      database.read((sql) => sql("SELECT count(*) AS n FROM notes").get()?.["n"]);
    await limit(8);
    await expect(add()).rejects.toMatchObject({
      code: "storage-unavailable",
      message: "the service cannot store anything: the disk is full",
    });
    expect(database.state).toMatchObject({ writable: false });
    expect(await count()).toBe(0);
    await limit(1000);
    await add();
    expect(await count()).toBe(2);
    database.close();
  });
});

const disk = mountSmallDisk("4m");
const onDisk = disk === null ? describe.skip : describe;

onDisk("the service on a disk of its own", () => {
  let server: ServerProcess | null = null;
  beforeAll(() => {
    const copy = copyOldData();
    cpSync(copy, disk?.folder ?? "", { recursive: true });
    rmSync(copy, { recursive: true });
    mkdirSync(join(disk?.folder ?? "", "outbox"), { mode: 0o700 });
  });
  afterEach(async () => {
    await server?.stop();
    server = null;
    disk?.remount("rw");
    disk?.free();
  });
  afterAll(() => disk?.remove());

  async function start(): Promise<ServerProcess> {
    server = await spawnServer(disk?.folder ?? "");
    return server;
  }

  async function expectServed({ url }: ServerProcess): Promise<void> {
    for (const factory of OLD_LIVE) {
      const ats = ["fleet", "direct"].includes(factory);
      const poll = await fetch(`${url}/repo/${factory}/${ats ? "ci" : "main"}/timestamp.json`);
      expect([factory, poll.status]).toEqual([factory, 200]);
    }
  }

  function mint({ url, adminToken }: ServerProcess) {
    const body = { user: "ci", scopes: ["targets:update"] };
    return call(`${url}/ota/factories/plant/tokens/`, { token: adminToken, body });
  }

  function create({ url, adminToken }: ServerProcess, name: string) {
    const owner = { id: "owner", email: "owner@example.com" };
    const body = { name, dialect: "tuf", keyType: "ed25519", owner };
    return call(`${url}/ota/factories/`, { token: adminToken, body });
  }

  const refusal = (reason: string) => ({
    status: 503,
    body: {
      code: "storage-unavailable",
      message: `the service cannot store anything: ${reason}`,
    },
  });

  test("once it was started, fills its disk, and goes on when there is room", async () => {
    const running = await start();
    disk?.fill();
    // The log has room that was used before, so the first ones may succeed.
    const answers = [];
    for (let round = 0; round < 200; round += 1) {
      const answer = await mint(running);
      answers.push(answer);
      if (answer.status !== 201) break;
    }
    expect(answers.at(-1)).toMatchObject(refusal("the disk is full"));
    await expectServed(running);
    disk?.free();
    expect(await mint(running)).toMatchObject({ status: 201 });
    expect(await create(running, "fresh")).toMatchObject({ status: 201 });
  });

  test.each(["after a stop", "after a kill"])("starts on a full disk %s", async (how) => {
    const before = await start();
    await (how === "after a stop" ? before.stop() : before.kill());
    disk?.fill();
    const running = await start();
    await expectServed(running);
    expect(await create(running, "late")).toMatchObject(refusal("the disk is full"));
    disk?.free();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(await mint(running)).toMatchObject({ status: 201 });
    expect(await create(running, `late-${how.slice(-4)}`)).toMatchObject({ status: 201 });
  });

  test.each(["after a stop", "after a kill"])("starts on a read-only disk %s", async (how) => {
    const before = await start();
    await (how === "after a stop" ? before.stop() : before.kill());
    await ended(before);
    disk?.remount("ro");
    const running = await start();
    await expectServed(running);
    const { status, body } = await mint(running);
    expect([status, body["code"]]).toEqual([503, "storage-unavailable"]);
    expect(String(body["message"])).toMatch(/read-only|cannot be opened/);
  });
});

/** Both processes: the one that serves ends a moment after the one that was killed. */
async function ended({ url }: ServerProcess): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    try {
      await fetch(`${url}/healthz`);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
