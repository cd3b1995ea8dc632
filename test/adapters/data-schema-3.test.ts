/**
 * Today's code on the data folder that the release of schema 3 wrote: every Factory reads, is kept
 * valid by the schedule, and goes on from where its owner left it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { signingKeyFromArchive, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { Client } from "../../lib/cli/client.ts";
import { readRemoteLog } from "../../lib/cli/root/remote-chain.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { DIALECTS, channelsOf, type Dialect } from "../../lib/tuf/dialect.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { keysIn } from "../support/cli-owner.ts";
import { OLD, OLD_LIVE, OLD_START, startOldData } from "../support/data-schema-3.ts";
import type { TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  deliver,
  fetchArchive,
  newClaimant,
  readRoot,
  repoUrl,
  rotate,
  stateOf,
  submit,
} from "../support/owner.ts";

const DAY = 86_400_000;

let server: TestServer;
beforeEach(async () => {
  server = await startOldData();
});
afterEach(() => server.remove());

const EXPECTED = [
  ["plant", "live", "confirmed", 2],
  ["turned", "live", "confirmed", 2],
  ["fleet", "live", "confirmed", 1],
  ["unclaimed", "provisioned", "ready", 1],
  ["claimed", "provisioned", "claimed", 1],
  ["direct", "live", "escrowed", 1],
  ["waiting", "live", "confirmed", 1],
] as const;

test.each(EXPECTED)("%s is %s, its delivery %s", async (factory, state, delivery, root) => {
  const found = await stateOf(server, factory);
  expect(found).toMatchObject({ state, delivery: { state: delivery } });
  const { dialect, roles } = found as { dialect: Dialect; roles: Record<string, object> };
  expect(DIALECTS).toContain(dialect);
  for (const channel of channelsOf(dialect)) {
    expect(roles[channel]).toMatchObject({ root: { version: root } });
    expect(await readRoot(server, factory, dialect, channel)).toMatchObject({ version: root });
  }
  const { url, adminToken } = server;
  const log = await readRemoteLog(new Client({ server: url, token: adminToken }), factory, null);
  expect(log.events.length).toBeGreaterThan(0);
});

test("an owner rotates with the archive, and a token that only publishes does so", async () => {
  const { ownerToken, targetsToken } = OLD.factories.plant;
  const entry = { length: 10, hashes: { sha256: "0".repeat(64) } };
  const published = await call(`${server.url}/ota/factories/plant/targets/`, {
    method: "PUT",
    token: targetsToken,
    body: { targets: { "update.bin": entry } },
  });
  expect(published).toMatchObject({ status: 200 });
  const served = await devices("plant", "targets.json");
  expect(Object.keys(served.signed["targets"] as object).toSorted()).toEqual([
    "app.bin",
    "boot.bin",
    "update.bin",
  ]);
  const keys = await keysIn(join(server.folder, "owners", "plant.tgz"));
  await rotateTo("plant", ownerToken, keys);
  expect(await devices("plant", "3.root.json")).toMatchObject({ signed: { version: 3 } });
});

test("a root key that no archive holds signs the next root", async () => {
  const { ownerToken, rootKey: text } = OLD.factories.turned;
  await rotateTo("turned", ownerToken, [signingKeyFromArchive(text)]);
  expect(await devices("turned", "3.root.json")).toMatchObject({ signed: { version: 3 } });
});

/** With the one of `keys` that the current root lists; by the server's clock. */
async function rotateTo(factory: string, token: string, keys: readonly SigningKey[]) {
  const current = await readRoot(server, factory, "tuf", "main");
  const key = keys.find(({ publicKey }) =>
    current.roles.root.keyids.includes(rootKey(publicKey, "tuf").keyid),
  );
  if (key === undefined) throw new Error(`no root key of ${factory}`);
  const next = await rotate(current, key, { user: "owner", now: OLD_START });
  const owner = { ...server, adminToken: token };
  expect(await submit(owner, factory, next.body)).toMatchObject({ status: 200 });
}

test("the staged root update is applied, with online keys that were made for it", async () => {
  const { ownerToken: token, txid } = OLD.factories.fleet;
  const url = repoUrl(server.url, "fleet", "root/updates/apply");
  expect(await call(url, { token, body: { txid } })).toMatchObject({ status: 200 });
  for (const channel of channelsOf("ats")) {
    expect(await readRoot(server, "fleet", "ats", channel)).toMatchObject({ version: 2 });
  }
});

test("an open link is claimed, one of the bootstrap before is not", async () => {
  const { link, endedLink } = OLD.factories.unclaimed;
  expect(await claim(server.url, endedLink, newClaimant())).toMatchObject({ status: 410 });
  await deliver(server.url, link);
  expect(await stateOf(server, "unclaimed")).toMatchObject({ state: "live" });
});

test("the claimant goes on, and a second one is refused", async () => {
  const { link, claimant } = OLD.factories.claimed;
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 410 });
  const archive = await fetchArchive(link, await claim(server.url, link, claimant));
  const before = readFileSync(join(server.folder, "owners", "claimed.tgz"));
  expect(sha256(archive)).toBe(sha256(before));
  expect(await confirm(server.url, link, claimant, archive)).toMatchObject({ status: 200 });
});

test("a first root key that was not read yet is read", async () => {
  const url = `${server.url}/ota/factories/direct/first_root.sec`;
  const { ownerToken: token } = OLD.factories.direct;
  expect(await call(url, { token })).toMatchObject({ status: 200 });
});

test("what was pending is done by the first run of the schedule", async () => {
  await until(() => !pendingOf("waiting").includes("notify"));
  expect(pendingOf("waiting")).toBe("[]");
  const mails = readdirSync(server.outbox);
  expect(mails.filter((name) => name.startsWith("waiting-"))).toHaveLength(1);
});

test("the schedule signs again, ends the link, and destroys keys that retired", async () => {
  const before = await Promise.all(OLD_LIVE.map((factory) => timestamp(factory)));
  const keys = onlineKeysOf("turned");
  server.advance(8 * DAY);
  server = await server.restart();
  await until(() => pendingOf("unclaimed") === "[]" && linkState("unclaimed") === "expired");
  for (const [at, factory] of OLD_LIVE.entries()) {
    const version = await timestamp(factory);
    expect(version).toBeGreaterThan(before[at] ?? Infinity);
  }
  // That of the delivery without a link stays, as no link ends it.
  await until(() => readdirSync(join(server.data, "shares")).length === 1);
  server.advance(40 * DAY);
  server = await server.restart();
  await until(() => onlineKeysOf("turned") < keys);
  expect([keys, onlineKeysOf("turned")]).toEqual([6, 3]);
});

async function devices(factory: string, file: string) {
  const response = await fetch(`${server.url}/repo/${factory}/main/${file}`);
  expect(response.status).toBe(200);
  return (await response.json()) as { readonly signed: Readonly<Record<string, unknown>> };
}

/** The version of the timestamp that devices get, whatever the dialect. */
async function timestamp(factory: string): Promise<number> {
  const { roles } = (await stateOf(server, factory)) as {
    roles: Record<string, { timestamp?: { version: number } }>;
  };
  return (roles["main"] ?? roles["ci"])?.timestamp?.version ?? 0;
}

function pendingOf(factory: string): string {
  return headColumn(factory, "$.pending");
}

function linkState(factory: string): string {
  return headColumn(factory, "$.delivery.state");
}

function headColumn(factory: string, path: string): string {
  const database = new DatabaseSync(join(server.data, "rootward.db"), { readOnly: true });
  try {
    const row = database
      .prepare("SELECT body ->> ? AS found FROM heads WHERE factory = ?")
      .get(path, factory);
    return String(row?.["found"]);
  } finally {
    database.close();
  }
}

function onlineKeysOf(factory: string): number {
  const file = join(server.data, "signer", "signer.db");
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const row = database
      .prepare("SELECT count(*) AS n FROM signer_keys WHERE factory = ?")
      .get(factory);
    return Number(row?.["n"]);
  } finally {
    database.close();
  }
}

/** The schedule runs behind the server's back; ten seconds at most. */
async function until(done: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !done(); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(done()).toBe(true);
}
