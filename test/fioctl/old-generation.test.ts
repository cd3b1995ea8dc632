/**
 * Releases of fioctl before v0.30, which send the ci root and the prod root one after the other; what
 * happens when the second does not arrive, and beside a root update of a newer release.
 */
import { existsSync, rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startProxy } from "../support/cli-proxy.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { expectChains } from "../support/fioctl/expect-chains.ts";
import { keyidsOf, roleOf } from "../support/fioctl/documents.ts";
import { latest, namesIn, openFactory } from "../support/fioctl/factory.ts";
import type { Factory } from "../support/fioctl/factory.ts";
import { failureOf, fioctl } from "../support/fioctl/fioctl.ts";
import { oldFioctl } from "../support/fioctl/old-fioctl.ts";
import type { Release } from "../support/fioctl/old-root.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

/** v0.23 knows RSA only. */
const RELEASES: readonly (readonly [Release, string])[] = [
  ["v0.23", "rsa"],
  ["v0.27", "ed25519"],
  ["v0.29", "ed25519"],
];

async function begin(
  name: string,
  release: Release = "v0.29",
): Promise<{
  readonly factory: Factory;
  readonly keys: string;
  readonly old: ReturnType<typeof oldFioctl>;
}> {
  const factory = await openFactory(server, name, {
    keyType: release === "v0.23" ? "rsa" : "ed25519",
  });
  return { factory, keys: factory.file("keys.tgz"), old: oldFioctl(factory.alice, release) };
}

describe.each(RELEASES)("%s with %s keys", (release, keyType) => {
  const named = (name: string): string => `${name}-${release.replace(".", "-")}`;

  test("rotate-root --initial, then twice more", async () => {
    const { factory, keys, old } = await begin(named("initial"), release);
    await old.rotateRoot({ keys, initial: true, keyType });
    const first = await expectChains(factory, { versions: 2 });
    expect(roleOf(latest(first.prod), "targets").threshold).toBe(2);
    expect(await failureOf(old.rotateRoot({ keys, initial: true, keyType }))).toMatch(
      /Destination file exists/,
    );
    for (const _ of [3, 4]) await old.rotateRoot({ keys, keyType });
    const { ci } = await expectChains(factory, { versions: 4 });
    // The ids of that time: of the key object, not of the key.
    const [id = ""] = keyidsOf(latest(ci), "root");
    expect(namesIn(keys)).toContain(`tufrepo/keys/fioctl-root-${id}.sec`);
    expect(namesIn(keys)).toHaveLength(8);
    const changelog = latest(ci).signed["x-changelog"];
    expect(changelog?.["polis-id"]).toBe(release === "v0.23" ? undefined : "alice");
  });

  test("rotate-targets twice, then resign-root", async () => {
    const { factory, keys, old } = await begin(named("targets"), release);
    await old.rotateRoot({ keys, initial: true, keyType });
    await old.rotateTargets({ keys, keyType });
    await old.rotateTargets({ keys, keyType });
    expect(await old.resignRoot({ keys, dryRun: true })).toContain('"version": 5');
    await old.resignRoot({ keys });
    const { ci, prod } = await expectChains(factory, { versions: 5 });
    const targets = ci.map((root) => keyidsOf(root, "targets"));
    expect(targets.map(({ length }) => length)).toEqual([1, 1, 2, 2, 2]);
    expect(new Set(targets.map(([online]) => online)).size).toBe(1);
    expect(prod.map((root) => roleOf(root, "targets").threshold)).toEqual([2, 2, 2, 2, 2]);
  });

  test("then the client of today, with the same archive", async () => {
    const { factory, keys, old } = await begin(named("mixed"), release);
    await old.rotateRoot({ keys, initial: true, keyType });
    const alice = fioctl(factory.alice);
    await alice.rotateOfflineKey({ role: "root", keys });
    await alice.rotateOfflineKey({ role: "targets", keys });
    await expectChains(factory, { versions: 4 });
  });
});

test("the prod root did not arrive: no next ci root before --sync-prod", async () => {
  const { factory, keys, old } = await begin("lagging");
  await old.rotateRoot({ keys, initial: true, keyType: "ed25519" });
  const proxy = await startProxy(server.url, (request, forward) =>
    request.method === "POST" && request.path.endsWith("?production=1")
      ? { status: 503, body: JSON.stringify({ message: "try again later" }) }
      : forward(),
  );
  try {
    const through = oldFioctl({ ...factory.alice, url: proxy.url }, "v0.29");
    expect(await failureOf(through.rotateRoot({ keys, keyType: "ed25519" }))).toMatch(
      /POST '\S+\?production=1': 503 [^]*try again later/,
    );
  } finally {
    await proxy.close();
  }
  // The ci root is in force, so the archive has its key.
  expect(existsSync(`${keys}.tmp`)).toBe(false);
  expect(namesIn(keys)).toHaveLength(6);
  for (const command of [
    () => old.rotateRoot({ keys, keyType: "ed25519" }),
    () => old.resignRoot({ keys }),
  ]) {
    expect(await failureOf(command())).toMatch(/Your production root role is out of sync/);
  }
  rmSync(`${keys}.tmp`, { force: true });
  await old.rotateRoot({ keys, syncProd: true });
  await expectChains(factory, { versions: 3 });
  // Again is no harm, and the way is free.
  await old.rotateRoot({ keys, syncProd: true });
  await old.rotateRoot({ keys, keyType: "ed25519" });
  await expectChains(factory, { versions: 4 });
});

test("--sync-prod has nothing to send for version 1", async () => {
  const { factory, keys, old } = await begin("sync-first");
  expect(await failureOf(old.rotateRoot({ keys, initial: true, syncProd: true }))).toMatch(
    /production root version 1 can only be generated on server side/,
  );
  await expectChains(factory, { versions: 1 });
});

test("while a root update is staged, a whole root is refused with 423", async () => {
  const { factory, keys, old } = await begin("staged");
  const alice = fioctl(factory.alice);
  await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
  await alice.updates.init({ changelog: "under way" });
  const printed = await failureOf(oldFioctl(factory.alice, "v0.27").resignRoot({ keys }));
  expect(printed).toMatch(/: 423 Locked/);
  expect(await failureOf(old.rotateRoot({ keys, keyType: "ed25519" }))).toMatch(
    /: 423 Locked[^]*A temporary copy of the new root was saved/,
  );
  expect(existsSync(`${keys}.tmp`)).toBe(true);
  expect(await failureOf(old.rotateRoot({ keys, keyType: "ed25519" }))).toMatch(
    /Backup file exists/,
  );
  rmSync(`${keys}.tmp`);
  await alice.updates.cancel();
  await expectChains(factory, { versions: 2 });
});
