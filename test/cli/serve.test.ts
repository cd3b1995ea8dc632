/**
 * `rootward serve` as two processes, and with a signer that runs by itself: what each does when
 * another one dies, and that keys and data find each other again or nothing is changed.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runCli } from "../support/cli.ts";
import { startKms } from "../support/kms.ts";
import { call, createFactory, deliver, readRoot } from "../support/owner.ts";
import { spawnServer, spawnSigner } from "../support/server-process.ts";

let folder: string;
let socket: string;
let running: { kill(): Promise<void> }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "rootward-serve-"));
  socket = join(folder, "signer.sock");
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map(async (one) => one.kill()));
  rmSync(folder, { recursive: true, force: true });
});

function kept<T extends { kill(): Promise<void> }>(one: T): T {
  running.push(one);
  return one;
}

/** Waits until nobody answers there any more. */
async function silent(url: string): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    try {
      await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1000) });
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} still answers`);
}

/** Waits until `what` comes up. */
async function soon(what: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !what(); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(what()).toBe(true);
}

test("ends whole: on SIGTERM, and when either process is killed", async () => {
  const server = kept(await spawnServer(folder));
  expect(await server.stop()).toBe(0);
  await silent(server.url);

  const killed = kept(await spawnServer(folder));
  await killed.kill();
  await silent(killed.url);

  const halved = kept(await spawnServer(folder));
  const serves = /(\d+) serves/;
  await soon(() => serves.test(halved.said()));
  process.kill(Number(serves.exec(halved.said())?.[1]), "SIGKILL");
  expect(await halved.ended).toBe(1);
});

test("a second one on the same folder is refused, and touches nothing there", async () => {
  const server = kept(await spawnServer(folder));
  const shares = join(folder, "data", "shares");
  // As the running one would have it for a moment.
  writeFileSync(join(shares, "half.tmp"), "half");
  for (const flags of [[], ["--signer-data", join(folder, "other")]]) {
    await expect(spawnServer(folder, flags)).rejects.toThrow(
      "a service runs on this data folder already: stop it first",
    );
  }
  expect(readdirSync(shares)).toEqual(["half.tmp"]);
  expect(readdirSync(folder)).not.toContain("other");
  expect(await bootstrap(server, "acme")).toMatchObject({ status: 201 });

  // The lock ends with the process that holds it, however it ends.
  await server.kill();
  const next = kept(await spawnServer(folder));
  expect(readdirSync(shares)).not.toContain("half.tmp");
  expect(await bootstrap(next, "second")).toMatchObject({ status: 201 });
});

test("two services do not share a signer's folder", async () => {
  kept(await spawnServer(folder, ["--signer-data", join(folder, "signer")]));
  const other = join(folder, "other");
  const flags = ["--signer-data", join(folder, "signer"), "--master-key-file"];
  await expect(spawnServer(other, [...flags, join(folder, "data", "master.key")])).rejects.toThrow(
    "a signer runs on this folder already: stop it first",
  );
});

test("a signer of its own keeps the keys apart from the data, and may come and go", async () => {
  let signer = kept(await spawnSigner(join(folder, "signer"), socket));
  const server = kept(await spawnServer(folder, ["--signer", socket]));
  const { link } = await createFactory(server, "acme");
  await deliver(server.url, link);
  expect(readdirSync(join(folder, "data")).toSorted()).toEqual([
    "admin.token",
    "archives",
    "rootward.db",
    "rootward.db-shm",
    "rootward.db-wal",
    "serve.lock",
    "shares",
  ]);
  await expect(spawnSigner(join(folder, "other"), socket)).rejects.toThrow("listens there already");
  await expect(spawnSigner(join(folder, "signer"), join(folder, "second.sock"))).rejects.toThrow(
    "a signer runs on this folder already: stop it first",
  );

  await signer.kill();
  await readRoot(server, "acme", "tuf", "main");
  expect(await bootstrap(server, "second")).toMatchObject({
    status: 503,
    body: {
      code: "unavailable",
      message: "the service's signer is away for the moment: try again",
    },
  });
  expect(server.said()).toContain("no signer answers on");
  // What the killed one left of its socket is in nobody's way.
  signer = kept(await spawnSigner(join(folder, "signer"), socket));
  expect(await bootstrap(server, "second")).toMatchObject({ status: 201 });
  expect(await signer.stop()).toBe(0);
  expect(await server.stop()).toBe(0);
});

test("data and signer that do not belong together change nothing", async () => {
  const signer = kept(await spawnSigner(join(folder, "signer"), socket));
  const server = kept(await spawnServer(folder, ["--signer", socket]));
  await createFactory(server, "acme");
  await server.stop();
  await signer.stop();

  kept(await spawnSigner(join(folder, "other"), socket));
  await expect(spawnServer(folder, ["--signer", socket])).rejects.toThrow(
    "this signer is not the one that this data folder was made with",
  );
  // Without a socket it would start a signer of its own, for data that have one elsewhere.
  await expect(spawnServer(folder)).rejects.toThrow("the signer's records are not");
  await expect(spawnServer(folder, ["--signer", join(folder, "nobody")])).rejects.toThrow(
    /no signer answers on .*nobody/,
  );
  expect(readdirSync(join(folder, "data"))).not.toContain("master.key");
});

test("an outbox or a data folder that would open the keys to the process that serves is refused", async () => {
  for (const flags of [
    ["--outbox", folder],
    ["--outbox", join(folder, "data")],
    ["--signer-data", join(folder, "outbox", "signer")],
    ["--master-key-file", join(folder, "data", "shares", "master.key")],
  ]) {
    await expect(spawnServer(folder, flags)).rejects.toThrow(
      /is inside .*, which the process that serves may read: keep them apart/,
    );
  }
});

test("folders that Node cannot tell apart are refused with words", async () => {
  for (const outbox of [join(folder, "dat"), join(folder, "data", "archives-sent")]) {
    await expect(spawnServer(folder, ["--outbox", outbox])).rejects.toThrow(/begin alike/);
  }
});

test("keeps online keys in KMS where it is told to, and only RSA ones", async () => {
  const kms = await startKms();
  try {
    const env = {
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_REGION: "eu-west-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
    };
    const server = kept(await spawnServer(folder, ["--online-keys", "*/*=kms"], env));
    expect(await bootstrap(server, "acme")).toMatchObject({
      status: 400,
      body: { code: "malformed", message: expect.stringContaining("ask for RSA ones") },
    });
    const { status, body } = await bootstrap(server, "acme", { onlineKeyType: "rsa" });
    expect(status).toBe(201);
    const client = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: String(body["ownerToken"]) };
    const verified = await runCli(["root", "verify", "--factory", "acme"], { env: client });
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("online roles") });
    expect(kms.asked.filter((operation) => operation === "Sign")).toHaveLength(3);
    expect(kms.keys.size).toBe(3);
    expect(await server.stop()).toBe(0);
  } finally {
    await kms.stop();
  }
});

function bootstrap(
  server: { readonly url: string; readonly adminToken: string },
  name: string,
  options: object = {},
) {
  return call(`${server.url}/ota/factories/`, {
    token: server.adminToken,
    body: {
      name,
      dialect: "tuf",
      keyType: "ed25519",
      owner: { id: "owner", email: "owner@example.com" },
      ...options,
    },
  });
}
