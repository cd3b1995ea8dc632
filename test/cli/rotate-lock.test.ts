/** Two runs on one archive: one works, the other is told so, and no accepted key is ever lost. */
import { lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rotateArchive, chainOf, makeOwner, missingKeys, via } from "../support/cli-owner.ts";
import { startProxy } from "../support/cli-proxy.ts";
import { runCli, startCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

test("while one run waits for the service, a second is refused", async () => {
  const owner = await makeOwner(server, "busy");
  const gate = Promise.withResolvers<null>();
  const reached = Promise.withResolvers<null>();
  const proxy = await startProxy(server.url, async ({ method }, forward) => {
    if (method === "POST") {
      reached.resolve(null);
      await gate.promise;
    }
    return forward();
  });
  const slow = startCli(["keys", "rotate", owner.archive], { env: via(owner, proxy.url).env });
  await reached.promise;
  const before = readFileSync(owner.archive);
  const second = await rotateArchive(owner);
  expect(second).toMatchObject({ code: 1, stdout: "" });
  expect(second.stderr).toContain("another run is working on this archive");
  expect(readFileSync(owner.archive).equals(before)).toBe(true);
  gate.resolve(null);
  expect(await slow.result).toMatchObject({ code: 0 });
  await proxy.close();
  expect(await missingKeys(owner)).toEqual([]);
});

test("an archive that another program changed meanwhile is not overwritten", async () => {
  const owner = await makeOwner(server, "changed");
  const other = await makeOwner(server, "changed-other");
  const theirs = readFileSync(other.archive);
  const proxy = await startProxy(server.url, async ({ path }, forward) => {
    if (path.includes("/users/self/")) writeFileSync(owner.archive, theirs);
    return forward();
  });
  const result = await rotateArchive(via(owner, proxy.url));
  await proxy.close();
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("was changed by another program");
  expect(readFileSync(owner.archive).equals(theirs)).toBe(true);
  expect(proxy.signed()).toBe(0);
});

test("the lock of a run that was killed stops nobody", async () => {
  const owner = await makeOwner(server, "killed");
  const reached = Promise.withResolvers<null>();
  const proxy = await startProxy(server.url, async ({ method }, forward) => {
    if (method !== "POST") return forward();
    reached.resolve(null);
    return new Promise(() => undefined);
  });
  const hung = startCli(["keys", "rotate", owner.archive], { env: via(owner, proxy.url).env });
  await reached.promise;
  await hung.kill();
  await proxy.close();
  expect(await rotateArchive(owner)).toMatchObject({ code: 0 });
  expect(await missingKeys(owner)).toEqual([]);
});

test("a file in the lock's place that is none is left alone, and named", async () => {
  const owner = await makeOwner(server, "no-lock");
  writeFileSync(`${owner.archive}.lock`, "something else\n".repeat(100));
  const result = await rotateArchive(owner);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain(`cannot lock ${owner.archive}.lock`);
});

test("an archive behind a symbolic link is changed where it lies", async () => {
  const owner = await makeOwner(server, "linked");
  const link = `${owner.archive}.link`;
  symlinkSync(owner.archive, link);
  const result = await runCli(["keys", "rotate", link], { env: owner.env });
  expect(result).toMatchObject({ code: 0 });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(await missingKeys(owner)).toEqual([]);
});

test("many runs at once: no accepted key is lost", async () => {
  const owner = await makeOwner(server, "race");
  for (let round = 0; round < 3; round += 1) {
    const before = (await chainOf(owner, "main")).length;
    const results = await Promise.all(Array.from({ length: 4 }, () => rotateArchive(owner)));
    const done = results.filter(({ code }) => code === 0).length;
    expect(await missingKeys(owner)).toEqual([]);
    expect(done).toBeGreaterThan(0);
    // One at a time: each that ended well made one root, and no other made any.
    expect(await chainOf(owner, "main")).toHaveLength(before + done);
    const words = /another run|was changed by another program/;
    for (const { code, stderr } of results) if (code !== 0) expect(stderr).toMatch(words);
  }
});
