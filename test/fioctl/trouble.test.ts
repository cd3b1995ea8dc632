/**
 * What goes wrong around a root update: an expired root, a server that dies, answers that get lost.
 * The owner gets on with fioctl alone.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startProxy, type Rule } from "../support/cli-proxy.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { expectChains } from "../support/fioctl/expect-chains.ts";
import { latest, namesIn, openFactory } from "../support/fioctl/factory.ts";
import type { Factory, Host } from "../support/fioctl/factory.ts";
import { failureOf, fioctl } from "../support/fioctl/fioctl.ts";
import { spawnServer, type ServerProcess } from "../support/server-process.ts";

const DAY = 86_400_000;

describe("a root that has expired", () => {
  test("is followed by a new one with another year; other changes alone are refused", async () => {
    const server = await startServer();
    try {
      const factory = await openFactory(server, "expired");
      const keys = factory.file("root.tgz");
      await fioctl(factory.alice).rotateOfflineKey({ role: "root", keys, firstTime: true });
      server.advance(800 * DAY);
      const now = (): number => Date.now() + 800 * DAY;
      const alice = fioctl({ ...factory.alice, now });

      expect(await failureOf(alice.rotateOfflineKey({ role: "targets", keys }))).toMatch(
        /Failed to apply staged TUF root updates:[^]*expire[^]*No changes were made/,
      );
      expect(await alice.updates.review({})).toMatch(/mandatory before applying it:[^]*expire/);
      await alice.updates.cancel();
      await alice.rotateOfflineKey({ role: "root", keys });
      const { ci } = await expectChains(factory, { versions: 3 });
      expect(Date.parse(latest(ci).signed.expires)).toBeGreaterThan(now());
      await alice.rotateOfflineKey({ role: "targets", keys });
      await expectChains(factory, { versions: 4 });
    } finally {
      await server.remove();
    }
  });
});

async function spawnHost(folder: string): Promise<Host & ServerProcess> {
  return { ...(await spawnServer(folder)), folder };
}

describe("a server that is killed between PUT and apply", () => {
  test("has what was staged, for another client to apply", async () => {
    const folder = mkdtempSync(join(tmpdir(), "rootward-fioctl-"));
    let host = await spawnHost(folder);
    try {
      const factory = await openFactory(host, "killed");
      const keys = factory.file("root.tgz");
      const before = fioctl(factory.alice).updates;
      await before.init({ changelog: "a long night", firstTime: true, keys });
      await before.rotateOfflineKey({ role: "root", keys, sign: true });
      await before.rotateOnlineKey({ roles: ["snapshot"], signWith: keys });
      await host.kill();
      host = await spawnHost(folder);

      const client = { ...factory.alice, url: host.url };
      const { updates } = fioctl(client);
      expect(await updates.review({})).toMatch(/updates are staged/);
      await updates.apply({});
      const moved: Factory = { ...factory, host, alice: client };
      await expectChains(moved, { versions: 2, onlineKeys: "new" });
      await fioctl(client).rotateOfflineKey({ role: "root", keys });
      await expectChains(moved, { versions: 3, onlineKeys: "new" });
    } finally {
      await host.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("restarted in good order, too", async () => {
    let server = await startServer();
    try {
      const factory = await openFactory(server, "restarted");
      const keys = factory.file("root.tgz");
      const { updates } = fioctl(factory.alice);
      await updates.init({ changelog: "first time", firstTime: true, keys });
      await updates.rotateOfflineKey({ role: "root", keys, sign: true });
      server = await server.restart();
      const client = { ...factory.alice, url: server.url };
      await fioctl(client).updates.apply({});
      await expectChains({ ...factory, host: server, alice: client }, { versions: 2 });
    } finally {
      await server.remove();
    }
  });
});

describe("an answer that is lost", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.remove());

  /** The answer to the first such request never arrives; the request does. */
  const losing = (method: string, path: RegExp): Rule => {
    const state = { lost: false };
    return async (request, forward) => {
      const reply = await forward();
      if (state.lost || request.method !== method || !path.test(request.path)) return reply;
      state.lost = true;
      return null;
    };
  };

  test("to PUT: fioctl deletes the new key, so the service warns, and cancel helps", async () => {
    const factory = await openFactory(server, "lost-put");
    const keys = factory.file("root.tgz");
    const alice = fioctl(factory.alice);
    await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
    const before = namesIn(keys);
    const proxy = await startProxy(server.url, losing("PUT", /updates$/));
    try {
      const through = fioctl({ ...factory.alice, url: proxy.url });
      const printed = await failureOf(through.rotateOfflineKey({ role: "root", keys }));
      expect(printed).toMatch(/Please, cancel the staged TUF root updates/);
    } finally {
      await proxy.close();
    }
    // The new key is gone, but the root that lists it is staged, with both signatures.
    expect(existsSync(`${keys}.tmp`)).toBe(false);
    expect(namesIn(keys)).toEqual(before);
    expect(await alice.updates.review({})).toMatch(/recommended:[^]*cancel/);
    await alice.updates.cancel();
    await alice.rotateOfflineKey({ role: "root", keys });
    await expectChains(factory, { versions: 3 });
  });

  test("to apply: it was applied, and to run it again says so", async () => {
    const factory = await openFactory(server, "lost-apply");
    const keys = factory.file("root.tgz");
    const alice = fioctl(factory.alice);
    const proxy = await startProxy(server.url, losing("POST", /apply$/));
    try {
      const through = fioctl({ ...factory.alice, url: proxy.url });
      const printed = await failureOf(
        through.rotateOfflineKey({ role: "root", keys, firstTime: true }),
      );
      expect(printed).toMatch(/This is a critical error[^]*re-run the/);
    } finally {
      await proxy.close();
    }
    expect(await alice.updates.apply({})).toMatch(/were applied to your Factory/);
    await expectChains(factory, { versions: 2 });
    await alice.rotateOfflineKey({ role: "root", keys });
    await expectChains(factory, { versions: 3 });
  });

  test("to init --first-time: cancel, and the first key can be had again", async () => {
    const factory = await openFactory(server, "lost-init");
    const keys = factory.file("root.tgz");
    const alice = fioctl(factory.alice);
    const proxy = await startProxy(server.url, losing("POST", /updates$/));
    try {
      const through = fioctl({ ...factory.alice, url: proxy.url });
      await failureOf(through.rotateOfflineKey({ role: "root", keys, firstTime: true }));
    } finally {
      await proxy.close();
    }
    expect(existsSync(keys)).toBe(false);
    expect(
      await failureOf(alice.rotateOfflineKey({ role: "root", keys, firstTime: true })),
    ).toMatch(/: 409 Conflict/);
    await alice.updates.cancel();
    await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
    await expectChains(factory, { versions: 2 });
  });
});
