/**
 * A database that is put back in place, in the embedded form: real files, the real command line. What
 * became of each case is a table (docs/operations.md, test/attack/restores.test.ts); here is the way
 * in which a Factory once ended for good, and the operator's way out.
 */
import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSigner } from "../../lib/adapters/embedded/open-signer.ts";
import { decodeHead } from "../../lib/state/head.ts";
import {
  chainOf,
  copyOwner,
  makeOwner,
  rotateArchive,
  signerOf,
  via,
  type Owner,
} from "../support/cli-owner.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { spawnSigner } from "../support/server-process.ts";
import { repoUrl, rotate } from "../support/owner.ts";

let server: TestServer;
let owner: Owner;
beforeEach(async () => {
  server = await startServer();
  owner = await makeOwner(server, "acme");
});
afterEach(() => server.remove());

const SERVICE = "rootward.db";

/** Copies the service's database while nothing writes to it. */
async function backup(): Promise<string> {
  await server.stop();
  const file = join(server.folder, "backup.db");
  copyFileSync(join(server.data, SERVICE), file);
  await start();
  return file;
}

async function restore(file: string): Promise<void> {
  for (const end of ["-wal", "-shm"])
    rmSync(join(server.data, `${SERVICE}${end}`), { force: true });
  copyFileSync(file, join(server.data, SERVICE));
}

async function start(): Promise<void> {
  server = await startServer(server.folder);
  owner = via(owner, server.url);
}

async function rootText(version: number): Promise<string> {
  const headers = { "OSF-TOKEN": server.adminToken };
  const answer = await fetch(repoUrl(server.url, "acme", `${version}.root.json`), { headers });
  return answer.ok ? answer.text() : `${answer.status}`;
}

/** The line about a Factory that the start wrote, once its first run of the schedule is over. */
async function lineAbout(words: string): Promise<string | undefined> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = server.log.map(String).find((text) => text.includes(words));
    if (found !== undefined) return found;
    await pause();
  }
  return undefined;
}

async function pause(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
}

const forget = (version: string, ...more: readonly string[]) =>
  runCli([
    "signer",
    "forget-root",
    "acme",
    version,
    "--signer-data",
    join(server.data, "signer"),
    ...more,
  ]);

test("a restored Factory gets its root back, and a copy of the first archive forks nothing", async () => {
  const copy = copyOwner(owner, "copy");
  const file = await backup();
  expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({ version: 2 });
  const real = await rootText(2);
  await server.stop();
  await restore(file);
  await start();
  expect(await lineAbout("acme: main has root 1")).toContain("the signer trusts root 2");
  for (let tries = 0; tries < 100 && (await rootText(2)) !== real; tries += 1) await pause();
  expect(await rootText(2)).toBe(real);
  const fork = await rotateArchive(via(copy, server.url));
  expect(fork.code).toBe(1);
  expect(await rootText(2)).toBe(real);
  // The log is shorter than the archive remembers, which its owner accepts once.
  const next = await rotateArchive(owner, "--json", "--accept-log");
  expect(onlyJson(next)).toMatchObject({ version: 3 });
  expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({ version: 4 });
  expect(server.log.map(String).filter((text) => text.includes("internal"))).toEqual([]);
});

test("forget-root takes back the trust in a root that no device has, and says so in its records", async () => {
  const copy = copyOwner(owner, "copy");
  const file = await backup();
  expect((await rotateArchive(owner)).code).toBe(0);
  const words = ["--confirm", "no device has root 2 of acme"];
  await server.stop();
  const socket = join(server.folder, "signer.sock");
  copyFileSync(join(server.data, "master.key"), join(server.data, "signer", "master.key"));
  const signer = await spawnSigner(join(server.data, "signer"), socket);
  expect(await forget("2", ...words)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("a signer is running on these records"),
  });
  await signer.stop();
  for (const [args, said] of [
    [["2"], "confirm with --confirm"],
    [["2", "--confirm", "no device has root 3 of acme"], "the words were others"],
    [["3", ...words], "neither trusts root 3"],
    [["1", ...words], "from 2 on"],
  ] as const) {
    const [version, ...more] = args;
    const refused = await forget(version, ...more);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
  }
  const done = await forget("2", ...words);
  expect(done).toMatchObject({ code: 0 });
  expect(done.stderr).toMatch(/root 2, trusted[\s\S]*SHA-256 {6}[0-9a-f]{64}[\s\S]*root keys/);
  await restore(file);
  await start();
  expect(onlyJson(await rotateArchive(via(copy, server.url), "--json"))).toMatchObject({
    version: 2,
  });
});

test("sixteen signed roots that never became current hold a rotation up, until forget-root drops them", async () => {
  const [first] = await chainOf(owner, "main");
  if (first === undefined) throw new Error("there is no root");
  const key = await signerOf(owner, first);
  await server.stop();
  // As sixteen updates leave them that all signed and that were cancelled.
  const signer = await openSigner({
    folder: join(server.data, "signer"),
    masterKeyFile: join(server.data, "master.key"),
  });
  const ref = { ...refOf("acme"), dialect: "tuf", channel: "main" } as const;
  for (let at = 0; at < 16; at += 1) {
    await signer.boundary.expect(ref, (await rotate(first, key)).body);
  }
  signer.close();
  await start();
  const refused = await rotateArchive(owner);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stderr).toContain("16 roots 2 of acme main have all signatures");
  expect(refused.stderr).toContain("rootward signer forget-root acme 2");
  expect(await rootText(2)).toBe("404");
  await server.stop();
  const done = await forget("2", "--confirm", "no device has root 2 of acme");
  expect(done.code).toBe(0);
  expect(done.stderr.match(/root 2, expected/g)).toHaveLength(16);
  await start();
  expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({ version: 2 });
  expect(onlyJson(await rotateArchive(owner, "--json"))).toMatchObject({ version: 3 });
});

/** The Factory as the signer knows it. */
function refOf(factory: string) {
  const file = new DatabaseSync(join(server.data, SERVICE), { readOnly: true });
  try {
    const row = file.prepare("SELECT body FROM heads WHERE factory = ?").get(factory);
    return decodeHead(String(row?.["body"]));
  } finally {
    file.close();
  }
}
