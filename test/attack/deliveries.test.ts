/**
 * Attacks on a delivery through its doors: what a refusal tells, URLs that outlive what they were for,
 * requests that a browser can be made to send, a mailbox that is to be flooded, and an owner's word that
 * is not the owner's.
 */
import { createHash } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  deliver,
  takeOver,
  fetchArchive,
  linkParts,
  newClaimant,
} from "../support/owner.ts";
import { make } from "./copies/stories.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

const again = async (body: object) =>
  call(`${server.url}/ota/factories/acme/rebootstrap`, { token: server.adminToken, body });

function mails(name: string): readonly string[] {
  return readdirSync(server.outbox)
    .filter((file) => file.includes(name))
    .map((file) => readFileSync(join(server.outbox, file), "utf8"));
}

describe("a URL of the archive", () => {
  const granted = async () => {
    const made = await make(server);
    const claimant = newClaimant();
    const answer = await claim(server.url, made.link, claimant);
    const { archiveUrl } = answer.body as { archiveUrl: string };
    expect((await fetch(archiveUrl)).status).toBe(200);
    return { ...made, claimant, answer, archiveUrl };
  };

  test("yields nothing after the confirmation", async () => {
    const { link, claimant, answer, archiveUrl } = await granted();
    await confirm(server.url, link, claimant, await fetchArchive(link, answer));
    expect((await fetch(archiveUrl)).status).toBe(403);
  });

  test("yields nothing after bootstrapping again", async () => {
    const { rootSha256, archiveUrl } = await granted();
    expect(await again({ replaces: rootSha256 })).toMatchObject({ status: 201 });
    expect((await fetch(archiveUrl)).status).toBe(403);
  });

  test("ends after a minute, and with the lease", async () => {
    const { link, claimant, archiveUrl } = await granted();
    server.advance(60_000);
    expect((await fetch(archiveUrl)).status).toBe(403);
    server.advance(58 * 60_000 + 30_000);
    const last = await claim(server.url, link, claimant);
    server.advance(30_000);
    expect((await fetch(last.body["archiveUrl"] as string)).status).toBe(403);
  });

  test("is of one archive, and of one end", async () => {
    const { archiveUrl } = await granted();
    const other = await createFactory(server, "other");
    const idHash = createHash("sha256").update(linkParts(other.link).id).digest("hex");
    const swapped = archiveUrl.replace(/[0-9a-f]{64}/, idHash);
    expect((await fetch(swapped)).status).toBe(403);
    const longer = archiveUrl.replace(/until=\d+/, `until=${Date.now() + 3_600_000}`);
    expect((await fetch(longer)).status).toBe(403);
  });
});

test("what a browser can be made to send, and other methods, use nothing up", async () => {
  const { link } = await createFactory(server, "acme");
  const body = JSON.stringify({ id: linkParts(link).id, claimant: newClaimant() });
  for (const door of ["claim", "confirm"]) {
    const url = `${server.url}/download/${door}`;
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const headers = { "Content-Type": type, Origin: "https://evil.example" };
      expect((await fetch(url, { method: "POST", headers, body })).status).toBe(415);
    }
    for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
      const headers = { Origin: "https://evil.example", "Access-Control-Request-Method": "POST" };
      const response = await fetch(url, { method, headers });
      expect(response.status).toBe(405);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
    }
  }
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
});

test("a refusal tells when, and nothing of the archive", async () => {
  const { link } = await createFactory(server, "acme");
  await deliver(server.url, link);
  const refused = await claim(server.url, link, newClaimant());
  expect(refused.status).toBe(410);
  expect(Object.keys(refused.body).sort()).toEqual(["code", "message", "usedAt"]);
});

test("a hundred refusals are one message to each, and one event", async () => {
  const { link } = await make(server);
  await claim(server.url, link, newClaimant());
  const tries = Array.from({ length: 100 }, () => claim(server.url, link, newClaimant()));
  for (const { status } of await Promise.all(tries)) expect(status).toBe(410);
  expect(mails("delivery-refused")).toHaveLength(2);
  const log = await call(`${server.url}/ota/factories/acme/log/`, { token: server.adminToken });
  const events = log.body["events"] as readonly string[];
  expect(events.filter((event) => event.includes('"delivery-refused"'))).toHaveLength(1);
});

describe("names and addresses", () => {
  test.each([
    "a@b\r\nBcc: everybody@example.com",
    "a@b\nSubject: mine",
    "a@b, c@d",
    "a@b;c@d",
    "<a@b>",
    '"a"@b',
    "a@b@c",
    "a @b",
    "ä@example.com",
    "\u202Ea@b",
    "a@b\u0000",
    `${"a".repeat(200)}@b`,
  ])("%j is no address", async (email) => {
    const owner = { id: "owner", email };
    const body = { name: "acme", dialect: "tuf", keyType: "ed25519", owner };
    const url = `${server.url}/ota/factories/`;
    expect(await call(url, { token: server.adminToken, body })).toMatchObject({ status: 400 });
    const sender = { ...body, owner: { id: "owner", email: "a@b" }, provisioner: { email } };
    expect(await call(url, { token: server.adminToken, body: sender })).toMatchObject({
      status: 400,
    });
    const { rootSha256 } = await make(server);
    expect(await again({ replaces: rootSha256, owner })).toMatchObject({ status: 400 });
    expect(await again({ replaces: rootSha256, provisioner: { email } })).toMatchObject({
      status: 400,
    });
  });

  test("the user of a token writes nothing into the head of a message", async () => {
    const { ownerToken } = await make(server, { delivery: "api" });
    const user = "=?utf-8?Q?you=0D=0ABcc:_everybody=40example.com?=";
    const url = `${server.url}/ota/factories/acme/tokens/`;
    const made = await call(url, { token: ownerToken, body: { user, scopes: ["root:update"] } });
    expect(made.status).toBe(201);
    const [mail = ""] = mails("token-minted");
    const [head = "", body = ""] = mail.split("\r\n\r\n");
    expect(body).toContain(user);
    expect(head).not.toContain("=?");
  });
});

test("after a restore, what happens is told although it has a number that was told before", async () => {
  const { rootSha256: replaces } = await make(server);
  const { folder, data } = server;
  const database = join(data, "rootward.db");
  await server.stop();
  copyFileSync(database, join(folder, "backup.db"));
  for (const time of [1, 2]) {
    for (const end of ["", "-wal", "-shm"]) rmSync(`${database}${end}`, { force: true });
    copyFileSync(join(folder, "backup.db"), database);
    server = await startServer(folder);
    expect(await again({ replaces })).toMatchObject({ status: 201 });
    // The owner's and the provisioner's.
    expect(mails("bootstrapped-again")).toHaveLength(2 * time);
    await server.stop();
  }
  server = await startServer(folder);
});

describe("once it was confirmed, it is not the owner's word", () => {
  const shown: readonly (readonly [string, () => Promise<string> | string])[] = [
    ["a token of another Factory", async () => (await createFactory(server, "other")).ownerToken],
    ["the admin token", () => server.adminToken],
    ["no token at all", () => "rw_"],
    ["a token that may only read", () => minted(["root:read"])],
    ["a publisher's", () => minted(["targets:update"])],
    ["the id of the link", () => linkParts(link).id],
  ];
  let link: string;
  let replaces: string;
  let ownerToken: string;
  beforeEach(async () => {
    ({ link, rootSha256: replaces } = await make(server));
    ({ ownerToken } = await takeOver(server.url, link));
  });

  async function minted(scopes: readonly string[]): Promise<string> {
    const url = `${server.url}/ota/factories/acme/tokens/`;
    const { body } = await call(url, { token: ownerToken, body: { user: "ci", scopes } });
    return body["token"] as string;
  }

  test.each(shown)("%s", async (_, token) => {
    const word = { replaces, ownerToken: await token(), noDeviceExists: true };
    expect(await again(word)).toMatchObject({ status: 403 });
  });

  test("a revoked or ended one", async () => {
    const url = `${server.url}/ota/factories/acme/tokens/`;
    const mine = { user: "owner", scopes: ["root:update"] };
    const revoked = await call(url, { token: ownerToken, body: mine });
    await fetch(`${url}${revoked.body["id"] as string}`, {
      method: "DELETE",
      headers: { "OSF-TOKEN": ownerToken },
    });
    const soon = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+/, "");
    const ending = await call(url, { token: ownerToken, body: { ...mine, expiresAt: soon } });
    server.advance(120_000);
    for (const { body } of [revoked, ending]) {
      const word = { replaces, ownerToken: body["token"], noDeviceExists: true };
      expect(await again(word)).toMatchObject({ status: 403 });
    }
  });

  test("the owner's of a bootstrap before", async () => {
    const first = { replaces, ownerToken, noDeviceExists: true };
    const { body, status } = await again(first);
    expect(status).toBe(201);
    await deliver(server.url, (body["delivery"] as { url: string }).url);
    const { sha256 } = body["root"] as { sha256: { main: string } };
    expect(await again({ ...first, replaces: sha256.main })).toMatchObject({ status: 403 });
  });
});
