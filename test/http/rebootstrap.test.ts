/** Bootstrapping again, as a pipeline and an owner see it over HTTP. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  deliver,
  fetchArchive,
  firstHash,
  firstKey,
  newClaimant,
  readRoot,
  rebootstrap,
  rotate,
  stateOf,
  submit,
  type Answer,
} from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const again = (
  factory: string,
  body: Readonly<Record<string, unknown>> = {},
  token = server.adminToken,
): Promise<Answer> => rebootstrap(server, factory, body, token);

function linkOf({ body }: Answer): string {
  return (body["delivery"] as { url: string }).url;
}

function mails(): readonly string[] {
  return readdirSync(server.outbox).map((name) => readFileSync(join(server.outbox, name), "utf8"));
}

test("a lost link is replaced: the old one says so, and the new one is delivered", async () => {
  const { link, ownerToken } = await createFactory(server, "lost", { keyType: "ed25519" });
  const before = await stateOf(server, "lost");
  const made = await again("lost");
  expect(made).toMatchObject({
    status: 201,
    body: { factory: "lost", dialect: "tuf", delivery: { mode: "link" } },
  });
  expect(made.body["ownerToken"]).toMatch(/^rw_/);
  expect(await claim(server.url, link, newClaimant())).toMatchObject({
    status: 410,
    body: { code: "delivery-replaced" },
  });
  const old = await call(`${server.url}/ota/factories/lost/`, { token: ownerToken });
  expect(old).toMatchObject({ status: 401 });
  expect(String(old.body["message"])).toContain("bootstrapped again");
  expect(mails().filter((mail) => mail.includes(link))).toEqual([]);
  expect(mails().filter((mail) => mail.includes(linkOf(made)))).toHaveLength(1);

  const key = firstKey(await deliver(server.url, linkOf(made)));
  const after = await stateOf(server, "lost");
  expect(after).toMatchObject({ state: "live", owner: before["owner"] });
  const { body } = await rotate(await readRoot(server, "lost", "tuf", "main"), key);
  expect(await submit(server, "lost", body)).toMatchObject({ status: 200 });
  expect(await again("lost")).toMatchObject({ status: 409, body: { code: "not-replaceable" } });
  for (const folder of ["shares", "archives"]) {
    expect(readdirSync(join(server.data, folder))).toEqual([]);
  }
});

test("the log goes on, and tells what was replaced", async () => {
  const log = await call(`${server.url}/ota/factories/lost/log/`, { token: server.adminToken });
  const events = (log.body["events"] as string[]).map(
    (text) => JSON.parse(text) as { type: string; details: Record<string, unknown> },
  );
  expect(events[0]?.type).toBe("factory-created");
  const { details } = events.find(({ type }) => type === "factory-bootstrapped-again") ?? {};
  expect(details?.["wasLive"]).toBe(false);
  expect(Object.keys(details?.["replaced"] as object)).toEqual(["main"]);
});

test("version 1 is kept by caches only once nothing can replace it", async () => {
  await deliver(server.url, (await createFactory(server, "cached")).link);
  const cached = async (factory: string): Promise<string | null> => {
    const response = await fetch(`${server.url}/repo/${factory}/main/1.root.json`);
    return response.headers.get("cache-control");
  };
  expect(await cached("cached")).not.toContain("immutable");
  expect(await cached("lost")).toContain("immutable");
});

test("so are the other versioned files: the next bootstrap may number its own the same", async () => {
  for (const [factory, immutable] of [
    ["cached", false],
    ["lost", true],
  ] as const) {
    const { roles } = (await stateOf(server, factory)) as {
      roles: Record<string, Record<string, { version: number }>>;
    };
    for (const role of ["targets", "snapshot"]) {
      const file = `${roles["main"]?.[role]?.version ?? 0}.${role}.json`;
      const response = await fetch(`${server.url}/repo/${factory}/main/${file}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("cache-control")?.includes("immutable")).toBe(immutable);
    }
  }
});

test("who may ask, and with what", async () => {
  const { link, ownerToken } = await createFactory(server, "asked");
  const key = "asked";
  expect(await again(key, {}, ownerToken)).toMatchObject({ status: 403 });
  expect(await again(key, {}, "rw_wrong")).toMatchObject({ status: 401 });
  expect(await again("nobody", { replaces: "0".repeat(64) })).toMatchObject({ status: 404 });
  expect(await again(key, { replaces: "x" })).toMatchObject({ status: 400 });
  expect(await again(key, { replaces: "0".repeat(64) })).toMatchObject({
    status: 409,
    body: { code: "version-conflict", main: await firstHash(server, key) },
  });
  expect(await again(key, { dialect: "ats" })).toMatchObject({ status: 400 });
  expect(await again(key, { recipientCertificate: "no certificate" })).toMatchObject({
    status: 400,
    body: { code: "malformed" },
  });
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
});

test("what a thief confirmed needs the owner's token and the word that no device exists", async () => {
  const { link, ownerToken } = await createFactory(server, "thief");
  const thief = newClaimant();
  const archive = await fetchArchive(link, await claim(server.url, link, thief));
  const confirmed = await confirm(server.url, link, thief, archive);
  const refused = await again("thief");
  expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
  expect(String(refused.body["message"])).toContain("ownerToken");
  expect(await again("thief", { ownerToken })).toMatchObject({ status: 403 });
  const made = await again("thief", { ownerToken, noDeviceExists: true });
  expect(made).toMatchObject({ status: 201 });
  expect((await fetch(`${server.url}/repo/thief/main/1.root.json`)).status).toBe(404);
  // The token that came with the thief's confirmation is dead, and so is the confirmation.
  const token = String(confirmed.body["ownerToken"]);
  expect(await call(`${server.url}/ota/factories/thief/`, { token })).toMatchObject({
    status: 401,
  });
  expect(await confirm(server.url, link, thief, archive)).toMatchObject({
    status: 410,
    body: { code: "delivery-replaced" },
  });
  await deliver(server.url, linkOf(made));
  expect(await stateOf(server, "thief")).toMatchObject({ state: "live" });
});

test("the sender learns what becomes of a delivery", async () => {
  const owner = { id: "owner", email: "owner@example.com" };
  const provisioner = { email: "pipeline@example.com" };
  const create = async (name: string): Promise<string> => {
    const keys = { keyType: "ed25519", dialect: "tuf" };
    const body = { name, ...keys, owner, provisioner };
    return linkOf(await call(`${server.url}/ota/factories/`, { token: server.adminToken, body }));
  };
  const told = (name: string): readonly string[] =>
    mails()
      .filter((mail) => mail.includes("To: pipeline@example.com") && mail.includes(name))
      .map((mail) => /^Subject: (.*)\r?$/m.exec(mail)?.[1]?.trim() ?? "");

  const delivered = await create("delivered");
  expect(told("delivered")).toEqual(["You set up Factory delivered"]);
  expect(mails().some((mail) => mail.includes("pipeline@") && mail.includes("#"))).toBe(false);
  await deliver(server.url, delivered);
  expect(told("delivered")).toContain("Delivered: delivered is live");

  const intercepted = await create("intercepted");
  await claim(server.url, intercepted, newClaimant());
  await claim(server.url, intercepted, newClaimant());
  await claim(server.url, intercepted, newClaimant());
  const warnings = told("intercepted").filter((subject) => subject.includes("interception"));
  expect(warnings).toEqual([
    "Possible interception: a second person tried the link of intercepted",
  ]);
  expect(await stateOf(server, "intercepted")).toMatchObject({
    provisioner: { id: "admin", email: "pipeline@example.com" },
    delivery: { state: "claimed", secondClaimRefusedAt: expect.any(String) },
  });

  await create("unread");
  server.advance(7 * 86_400_000);
  server = await server.restart();
  await settled(() => told("unread").length === 2 && told("intercepted").length === 3);
  expect(told("unread")).toContain("Unread: the download link of unread has ended");
  expect(told("intercepted")).toContain("Not confirmed: the archive of intercepted");
});

async function settled(what: () => boolean): Promise<void> {
  for (let round = 0; round < 100 && !what(); round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(what()).toBe(true);
  expect(existsSync(server.outbox)).toBe(true);
}
