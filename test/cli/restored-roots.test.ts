/**
 * The table of what a restore does, in docs/operations.md, told by the embedded form and by the two
 * commands that the page names: a server on real files, `rootward backup` while it runs, `rootward
 * restore` while it is stopped. Every row of the page has a proof here, or the suite fails.
 * (test/attack/restores.test.ts holds the same rows to more, on stores in memory.)
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import * as people from "../support/owner.ts";
import { applyStaged, stageRotationOfAll } from "../support/staged-rotation.ts";

const PAGE = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const [, SECTION = ""] = PAGE.split("\n## What a restore does\n");
const ROWS = (SECTION.split("\n## ")[0] ?? "")
  .split("\n")
  .filter((text) => text.startsWith("| "))
  .slice(1)
  .map((text) => text.split(" | ").map((cell) => cell.replaceAll(/^\| | \|$/g, "")))
  .map(([restored = "", since = "", outcome = ""]) => [restored, since, outcome] as const);

let server: TestServer;
/** The root key at the backup, the newest one, and root version 2 where there is one. */
let first: SigningKey;
let newest: SigningKey;
let second: Uint8Array;
let ownerToken: string;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

const updates = (step: string): string => people.repoUrl(server.url, "acme", `root/updates${step}`);
const admin = () => ({ token: server.adminToken });

async function publish(): Promise<number> {
  const entry = { length: 1, hashes: { sha256: "0".repeat(64) } };
  const body = { targets: { [`file-${Date.now()}`]: entry } };
  const url = `${server.url}/ota/factories/acme/targets/`;
  return (await people.call(url, { ...admin(), method: "PUT", body })).status;
}

/** The next root, signed by `key` and a new one. @returns the status, with the root kept */
async function rotate(key: SigningKey): Promise<number> {
  const current = await people.readRoot(server, "acme", "tuf", "main");
  const { body, newKey } = await people.rotate(current, key);
  const { status } = await people.submit(server, "acme", body);
  if (current.version === 1) second = body;
  newest = newKey;
  return status;
}

async function rotateOnline(): Promise<void> {
  const rotating = { url: server.url, factory: "acme", token: ownerToken };
  newest = await stageRotationOfAll(rotating, first);
  const { updated } = (await people.call(updates(""), admin())).body;
  second = new TextEncoder().encode((updated as Record<string, string>)["ci-root"]);
  await applyStaged(rotating);
}

/** Whole as a client sees it: the chain, the online roles under it, and the log. */
async function expectWhole(): Promise<void> {
  const env = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken };
  const verified = await runCli(["root", "verify", "--factory", "acme"], { env });
  expect(verified).toMatchObject({ code: 0 });
}

async function worksOn(key: SigningKey): Promise<void> {
  expect(await publish()).toBe(200);
  expect(await rotate(key)).toBe(200);
  expect(await publish()).toBe(200);
  await expectWhole();
}

async function cancel(): Promise<void> {
  const answer = await people.call(updates("/cancel"), { ...admin(), body: {} });
  expect(answer.status).toBe(200);
}

/** Leaves the signer's records as such an end does. */
function unfollow(): void {
  const records = new DatabaseSync(join(server.data, "signer", "signer.db"));
  records
    .prepare(
      `INSERT INTO signer_expected SELECT factory, instance, channel, version, ?, body
       FROM signer_roots WHERE version = 2 AND body = ?`,
    )
    .run(sha256(second), second);
  records.exec("DELETE FROM signer_roots WHERE version = 2");
  records.close();
}

async function stageKeys(): Promise<void> {
  const roles = { targets: true, snapshot: true, timestamp: true };
  for (const [step, body] of [
    ["", { message: "test" }],
    ["/gen-online-keys", { "key-type": "ED25519", ...roles }],
  ] as const) {
    expect((await people.call(updates(step), { ...admin(), body })).status).toBeLessThan(300);
  }
}

interface Life {
  /** A Factory whose link nobody used before the backup. */
  readonly link?: true;
  /** The signer was shown root 2 before the swap, and the service ended before it could follow. */
  readonly killed?: true;
  readonly before?: () => Promise<unknown>;
  readonly since: (link: string) => Promise<unknown>;
}

const LIVES: Readonly<Record<string, Life>> = {
  "a publication": { since: publish },
  "a root rotation": { since: () => rotate(first) },
  "two root rotations": {
    since: async () => {
      await rotate(first);
      await rotate(newest);
    },
  },
  "a rotation of online keys": { since: rotateOnline },
  "a rotation, the service killed between the swap and the next signature": {
    since: rotateOnline,
    killed: true,
  },
  "a staged update": { since: stageKeys },
  "a cancelled update": { before: stageKeys, since: cancel },
  "a confirmation": {
    link: true,
    since: async (link) => {
      first = people.firstKey(await people.deliver(server.url, link));
    },
  },
  "bootstrapping again": { link: true, since: () => people.rebootstrap(server, "acme") },
};

type Said = readonly string[];

async function comesBack(said: Said): Promise<void> {
  expect(said).toEqual([
    expect.stringMatching(/main has root 1, the signer trusts root [23] \(SHA-256/),
  ]);
  for (let tries = 0; tries < 100; tries += 1) {
    const { version } = await people.readRoot(server, "acme", "tuf", "main");
    if (version > 1) break;
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  const body = await people.call(people.repoUrl(server.url, "acme", "2.root.json"), admin());
  expect(body.body).toEqual(JSON.parse(new TextDecoder().decode(second)));
  await worksOn(newest);
}

async function sent(): Promise<void> {
  const real = newest;
  expect(await people.submit(server, "acme", second)).toMatchObject({ status: 200 });
  await worksOn(real);
}

async function unchanged(said: Said): Promise<void> {
  expect(said).toEqual([]);
  const { version } = await people.readRoot(server, "acme", "tuf", "main");
  await worksOn(version === 1 ? first : newest);
}

async function rotatedToLive(said: Said): Promise<void> {
  expect([said, (await people.stateOf(server, "acme"))["state"]]).toEqual([[], "provisioned"]);
  await worksOnceLive();
}

async function worksOnceLive(): Promise<void> {
  expect(await rotate(first)).toBe(200);
  expect((await people.stateOf(server, "acme"))["state"]).toBe("live");
  await worksOn(newest);
}

async function bootstrapAgain(): Promise<void> {
  const { status, body } = await people.rebootstrap(server, "acme");
  expect(status).toBe(201);
  const { url } = body["delivery"] as { readonly url: string };
  await worksOn(people.firstKey(await people.deliver(server.url, url)));
}

async function cancelAgain(): Promise<void> {
  await cancel();
  await worksOn(first);
}

async function goneKeys(): Promise<void> {
  const rotating = { url: server.url, factory: "acme", token: ownerToken };
  await expect(applyStaged(rotating)).rejects.toThrow();
  await cancelAgain();
}

const PROOFS: Readonly<Record<string, (said: Said) => Promise<void>>> = {
  "service, a publication": unchanged,
  "service, a root rotation": comesBack,
  "service, two root rotations": comesBack,
  "service, a rotation of online keys": comesBack,
  "service, a rotation, the service killed between the swap and the next signature": async (
    said,
  ) => {
    expect(said).toEqual([expect.stringMatching(/a signed root 2 of main .* is not current/)]);
    await sent();
  },
  "service, a staged update": unchanged,
  "service, a cancelled update": goneKeys,
  "service, a confirmation": rotatedToLive,
  "service, bootstrapping again": bootstrapAgain,
  "signer, a publication": unchanged,
  "signer, a root rotation": unchanged,
  "signer, a rotation of online keys": async (said) => {
    expect(said).toEqual([expect.stringContaining("the signer lacks the online keys targets ")]);
    expect(await publish()).toBeGreaterThanOrEqual(400);
    const rotating = { url: server.url, factory: "acme", token: ownerToken };
    newest = await stageRotationOfAll(rotating, newest);
    await applyStaged(rotating);
    await worksOn(newest);
  },
  "signer, a staged update": goneKeys,
  "signer, a cancelled update": unchanged,
  "signer, a confirmation": async (said) => {
    expect([said, (await people.stateOf(server, "acme"))["state"]]).toEqual([[], "live"]);
    await worksOn(first);
  },
  "signer, bootstrapping again": async (said) => {
    expect(said).toEqual(["acme: the signer does not know this Factory"]);
    await bootstrapAgain();
  },
  "both, a publication": unchanged,
  "both, a root rotation": sent,
  "both, a rotation of online keys": async () => {
    expect(await people.submit(server, "acme", second)).toMatchObject({ status: 422 });
  },
  "both, a staged update": unchanged,
  "both, a cancelled update": cancelAgain,
  "both, a confirmation": rotatedToLive,
  "both, bootstrapping again": bootstrapAgain,
};

/** Not on the page: the log names each of the roots. */
const MORE = [["service", "two root rotations", "both roots come back"]] as const;

test.each([...ROWS, ...MORE])(
  "restored %s, since then %s: %s",
  async (restored, since, outcome) => {
    const life = LIVES[since];
    const prove = PROOFS[`${restored}, ${since}`];
    if (life === undefined || prove === undefined) throw new Error(`no proof of: ${outcome}`);
    const { link } = await people.createFactory(server, "acme");
    if (life.link === undefined) {
      const taken = await people.takeOver(server.url, link);
      [first, ownerToken] = [people.firstKey(taken.entries), taken.ownerToken];
    }
    await life.before?.();
    const folder = join(server.folder, "backup");
    const data = ["--data", server.data, "--json"];
    const only = restored === "both" ? [] : ["--only", restored];
    expect(await runCli(["backup", folder, ...only, ...data])).toMatchObject({ code: 0 });
    await life.since(link);
    await server.stop();
    if (life.killed === true) unfollow();
    const put = await runCli(["restore", folder, ...data]);
    expect(put).toMatchObject({ code: 0 });
    const { differing } = onlyJson(put) as { differing: Said };
    server = await startServer(server.folder);
    await prove(differing);
    // The start said the same.
    expect(server.log.map(String).filter((text) => text.startsWith("acme: "))).toEqual(differing);
  },
);
