/**
 * A request whose body trickles in outlives nothing that ends its token: what is decided after the
 * answer of a revocation, after an expiry or after another bootstrap does not rest on that token.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeHead, type Head } from "../../lib/state/head.ts";
import { PROVISIONER_SCOPES } from "../../lib/state/scopes.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, deliver, firstHash, takeOver } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const repo = (factory: string): string => `/ota/repo/${factory}/api/v1/user_repo`;
const entry = { length: 1, hashes: { sha256: "0".repeat(64) } };

type Row = readonly [method: string, path: (factory: string) => string, body: unknown];

/** Every route with a body that changes a Factory on the word of a token of it. */
const ROUTES: readonly Row[] = [
  ["POST", (name) => `/ota/factories/${name}/tokens/`, { user: "eve", scopes: ["root:update"] }],
  ["PUT", (name) => `/ota/factories/${name}/targets/`, { targets: { evil: entry } }],
  ["POST", (name) => `${repo(name)}/root`, { signed: {}, signatures: [] }],
  ["POST", (name) => `${repo(name)}/root?dry-run=1`, { signed: {}, signatures: [] }],
  ["POST", (name) => `${repo(name)}/root/updates`, { message: "mine" }],
  ["PUT", (name) => `${repo(name)}/root/updates`, { "ci-root": { signed: {}, signatures: [] } }],
  [
    "POST",
    (name) => `${repo(name)}/root/updates/gen-online-keys`,
    { "key-type": "ED25519", targets: true },
  ],
  ["POST", (name) => `${repo(name)}/root/updates/apply`, {}],
];
const PUBLISHING = ROUTES.filter(([method, path]) => method === "PUT" && /targets/.test(path("")));

/** A request of which the headers and the first byte of the body have been sent. */
async function begin(method: string, path: string, body: unknown, token: string) {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const text = JSON.stringify(body);
  socket.write(
    `${method} ${path} HTTP/1.1\r\nHost: x\r\nOSF-TOKEN: ${token}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text[0] ?? ""}`,
  );
  return { path: `${method} ${path}`, finish: () => statusOf(socket, text.slice(1)) };
}

async function statusOf(socket: Socket, rest: string): Promise<string> {
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  const ended = once(socket, "end", { signal: AbortSignal.timeout(20_000) });
  socket.write(rest);
  await ended;
  socket.destroy();
  return answer.split(" ")[1] ?? "none";
}

function stored(factory: string): Head {
  const file = new DatabaseSync(join(server.data, "rootward.db"), { readOnly: true });
  try {
    const row = file.prepare("SELECT body FROM heads WHERE factory = ?").get(factory);
    return decodeHead(String(row?.["body"]));
  } finally {
    file.close();
  }
}

/** Begins all `rows`, lets the token end, and finishes them. @returns those that were not refused */
async function outlive(
  factory: string,
  rows: readonly Row[],
  token: string,
  end: () => Promise<unknown> | void,
): Promise<readonly string[]> {
  const begun = [];
  for (const [method, path, body] of rows) {
    begun.push(await begin(method, path(factory), body, token));
  }
  // By now each has been let in: this request came after them all.
  const seen = await call(`${server.url}/ota/factories/${factory}/`, { token: server.adminToken });
  expect(seen.status).toBe(200);
  await end();
  const { revision } = stored(factory);
  const answers = [];
  for (const { path, finish } of begun) answers.push(`${path} ${await finish()}`);
  expect(stored(factory).revision).toBe(revision);
  return answers.filter((answer) => !answer.endsWith(" 401"));
}

async function mint(factory: string, by: string, spec: object) {
  const url = `${server.url}/ota/factories/${factory}/tokens/`;
  const { status, body } = await call(url, { token: by, body: { user: "worker", ...spec } });
  expect(status).toBe(201);
  return { token: String(body["token"]), id: String(body["id"]) };
}

async function revoke(factory: string, by: string, id: string): Promise<void> {
  const headers = { "OSF-TOKEN": by };
  const url = `${server.url}/ota/factories/${factory}/tokens/${id}`;
  expect((await fetch(url, { method: "DELETE", headers })).status).toBe(204);
}

const OWNER = { scopes: ["root:read", "root:update", "targets:update"] };
const CI = { scopes: ["targets:update"] };

describe("a request of a token of the Factory is refused when its body comes after", () => {
  let owner = "";
  beforeAll(async () => {
    owner = (await takeOver(server.url, (await createFactory(server, "acme")).link)).ownerToken;
    // So that whoever is let in finds an update to work on.
    const url = `${server.url}${repo("acme")}/root/updates`;
    expect((await call(url, { token: owner, body: { message: "owner's" } })).status).toBe(201);
  });

  test("the revocation of an owner's token", async () => {
    const { token, id } = await mint("acme", owner, OWNER);
    const late = await outlive("acme", ROUTES, token, () => revoke("acme", owner, id));
    expect(late).toEqual([]);
  });

  test("the revocation of a CI's token", async () => {
    const { token, id } = await mint("acme", owner, CI);
    const late = await outlive("acme", PUBLISHING, token, () => revoke("acme", owner, id));
    expect(late).toEqual([]);
  });

  test("the end of a token", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString().replace(/\.\d+/, "");
    const { token } = await mint("acme", owner, { ...OWNER, expiresAt: soon });
    expect(await outlive("acme", ROUTES, token, () => server.advance(120_000))).toEqual([]);
  });

  test("the repetition of a confirmation, which replaces the token", async () => {
    const { link } = await createFactory(server, "asked-again");
    const claimed = await takeOver(server.url, link);
    const late = await outlive("asked-again", ROUTES, claimed.ownerToken, async () => {
      expect((await claimed.confirmAgain()).body["ownerToken"]).toMatch(/^rw_/);
    });
    expect(late).toEqual([]);
  });

  test("the confirmation, for the token of the bootstrap's answer", async () => {
    const { link, ownerToken } = await createFactory(server, "confirmed");
    const late = await outlive("confirmed", ROUTES, ownerToken, () => deliver(server.url, link));
    expect(late).toEqual([]);
  });

  test.each(["an owner", "the operator"])("another bootstrap, of %s", async (who) => {
    const factory = who.replace("an ", "").replace("the ", "");
    const { ownerToken } = await createFactory(server, factory);
    const token = who === "an owner" ? ownerToken : server.adminToken;
    const late = await outlive(factory, ROUTES, token, async () => {
      const replaces = await firstHash(server, factory);
      const url = `${server.url}/ota/factories/${factory}/rebootstrap`;
      expect((await call(url, { token: server.adminToken, body: { replaces } })).status).toBe(201);
    });
    expect(late).toEqual([]);
  });
});

describe("a provisioner's request is refused when its body comes after", () => {
  const owner = { id: "owner", email: "owner@example.com" };

  function pipeline(token: string, sql: string): void {
    const file = new DatabaseSync(join(server.data, "rootward.db"));
    const hash = sha256Text(token);
    const record = { hash, id: token, user: token, scopes: PROVISIONER_SCOPES, bound: null };
    try {
      if (sql.startsWith("INSERT")) {
        file.prepare(sql).run(hash, JSON.stringify({ ...record, expiresAt: null }));
      } else {
        file.prepare(sql).run(hash);
      }
    } finally {
      file.close();
    }
  }
  const add = (token: string) => pipeline(token, "INSERT INTO tokens (hash, body) VALUES (?, ?)");
  const remove = (token: string) => pipeline(token, "DELETE FROM tokens WHERE hash = ?");

  test("its token was removed, and no Factory is made", async () => {
    add("maker");
    const body = { name: "never", dialect: "tuf", keyType: "ed25519", owner };
    const request = await begin("POST", "/ota/factories/", body, "maker");
    await call(`${server.url}/healthz`);
    remove("maker");
    expect(await request.finish()).toBe("401");
    const never = await call(`${server.url}/ota/factories/never/`, { token: server.adminToken });
    expect(never.status).toBe(404);
  });

  test("its token was removed, also for what an Idempotency-Key made before", async () => {
    add("repeater");
    const body = { name: "made-once", dialect: "tuf", keyType: "ed25519", owner };
    const headers = { "Idempotency-Key": "k" };
    const url = `${server.url}/ota/factories/`;
    expect((await call(url, { token: "repeater", body, headers })).status).toBe(201);
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    const text = JSON.stringify(body);
    socket.write(
      "POST /ota/factories/ HTTP/1.1\r\nHost: x\r\nOSF-TOKEN: repeater\r\nConnection: close\r\n" +
        "Idempotency-Key: k\r\nContent-Type: application/json\r\n" +
        `Content-Length: ${text.length}\r\n\r\n{`,
    );
    await call(`${server.url}/healthz`);
    remove("repeater");
    expect(await statusOf(socket, text.slice(1))).toBe("401");
  });

  test("its token was removed, or the owner's token was that agreed", async () => {
    const { link } = await createFactory(server, "replaced");
    const { ownerToken } = await takeOver(server.url, link);
    const worker = await mint("replaced", ownerToken, OWNER);
    const replaces = await firstHash(server, "replaced");
    const word = { replaces, ownerToken: worker.token, noDeviceExists: true };
    const path = "/ota/factories/replaced/rebootstrap";
    add("again");
    const removed = await begin("POST", path, word, "again");
    const agreed = await begin("POST", path, word, server.adminToken);
    await call(`${server.url}/healthz`);
    remove("again");
    await revoke("replaced", ownerToken, worker.id);
    const { instance } = stored("replaced");
    expect([await removed.finish(), await agreed.finish()]).toEqual(["401", "403"]);
    expect(stored("replaced").instance).toBe(instance);
  });
});
