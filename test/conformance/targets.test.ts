/**
 * Published targets under the eyes of a standard client: tuf-js finds them, downloads the files from
 * where their owner put them, and takes no other bytes. It follows them through a change of all keys.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, vi, test } from "vitest";
import { Updater } from "tuf-js";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { Device, fakeDate } from "../support/device.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";
import { publish } from "../support/memory-targets.ts";
import { call, createFactory, takeOver } from "../support/owner.ts";

describe("a device and its download server", () => {
  let server: TestServer;
  let files: Server;
  let token = "";
  /** What the download server has, by path. */
  const served = new Map<string, string>();
  beforeAll(async () => {
    server = await startServer();
    const { link } = await createFactory(server, "fleet");
    token = (await takeOver(server.url, link)).ownerToken;
    files = createServer((request, response) => {
      const body = served.get(decodeURIComponent(request.url ?? ""));
      response.writeHead(body === undefined ? 404 : 200).end(body);
    }).listen(0, "127.0.0.1");
    await once(files, "listening");
  });
  afterAll(async () => {
    files.close();
    await server.remove();
  });

  const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
  const sha512 = (text: string): string => createHash("sha512").update(text).digest("hex");

  async function put(body: object): Promise<void> {
    const url = `${server.url}/ota/factories/fleet/targets/`;
    expect(await call(url, { method: "PUT", token, body })).toMatchObject({ status: 200 });
  }

  async function device(name: string): Promise<Updater> {
    const folder = join(server.folder, name);
    mkdirSync(folder);
    const metadataBaseUrl = `${server.url}/repo/fleet/main`;
    const root = await (await fetch(`${metadataBaseUrl}/1.root.json`)).text();
    writeFileSync(join(folder, "root.json"), root);
    const targetBaseUrl = `http://127.0.0.1:${(files.address() as AddressInfo).port}/files/`;
    return new Updater({ metadataDir: folder, metadataBaseUrl, targetDir: folder, targetBaseUrl });
  }

  test("downloads what was published, and refuses other bytes", async () => {
    const text = "firmware 1";
    const hashes = { sha256: sha256(text), sha512: sha512(text) };
    const custom = { version: 1, notes: "<b>\u0022\\ \n", arch: ["arm64"] };
    await put({ targets: { "fw/app.bin": { length: text.length, hashes, custom } } });
    const updater = await device("first");
    const info = await updater.getTargetInfo("fw/app.bin");
    if (info === undefined) throw new Error("no such target");
    expect(info).toMatchObject({ length: text.length, hashes, custom });
    const path = `/files/fw/${hashes.sha256}.app.bin`;
    served.set(path, "firmware 2");
    await expect(updater.downloadTarget(info)).rejects.toThrow(/Expected hash/);
    served.set(path, text);
    expect(readFileSync(await updater.downloadTarget(info), "utf8")).toBe(text);
  });

  test("sees what took its place, and what was removed no more", async () => {
    const entry = (text: string) => ({ length: text.length, hashes: { sha256: sha256(text) } });
    await put({ targets: { a: entry("1"), b: entry("1") } });
    await put({ targets: { a: entry("22") }, remove: ["b"] });
    const updater = await device("second");
    expect(await updater.getTargetInfo("a")).toMatchObject({ length: 2 });
    expect(await updater.getTargetInfo("b")).toBeUndefined();
  });

  test.each(["__proto__", "constructor", "toString", "10"])(
    "%s is a target as any",
    async (name) => {
      const hashes = { sha256: sha256(name) };
      const custom = { ["__proto__"]: 1, constructor: { ["__proto__"]: [] } };
      // In JSON `__proto__` is a name; in a literal of JavaScript it would not be.
      const entry = JSON.stringify({ length: 3, hashes, custom });
      await put(new TextEncoder().encode(`{"targets":{"${name}":${entry}}}`));
      const updater = await device(`third-${name}`);
      expect(await updater.getTargetInfo(name)).toMatchObject({ length: 3, hashes });
    },
  );
});

describe("a device of long life", () => {
  beforeAll(fakeDate);
  afterAll(() => {
    vi.useRealTimers();
  });
  const devices: Device[] = [];
  afterEach(() => {
    for (const device of devices) device.remove();
  });

  test("has the targets from before a change of all keys, and those from after it", async () => {
    const world = new TestWorld();
    vi.setSystemTime(world.now);
    const key = keyOf(await apiFactory(world, "tuf"));
    const { service } = world.start();
    const device = new Device(service);
    devices.push(device);
    await device.begin();
    const names = async (): Promise<readonly string[]> => {
      const updater = await device.poll(world.now);
      const all = ["before", "during", "after", "never"];
      const found = await Promise.all(all.map((name) => updater.getTargetInfo(name)));
      return found.flatMap((target) => (target === undefined ? [] : [target.path]));
    };
    await publish(service, { before: "1" });
    expect(await names()).toEqual(["before"]);
    await start(service);
    const principal = await ownerOf(service);
    const keys = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
    await makeOnlineKeys(service, { ...keys, keyType: "ed25519" });
    await stageRotation(service, key);
    await publish(service, { during: "1" });
    expect(await names()).toEqual(["before", "during"]);
    await applyUpdate(service, FACTORY, "", principal);
    expect(await names()).toEqual(["before", "during"]);
    await publish(service, { after: "1" });
    world.advance(125 * DAY);
    await runSchedule(service);
    expect(await names()).toEqual(["before", "during", "after"]);
  });
});
