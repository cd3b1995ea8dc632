/** The installation itself: a master key that is missing or wrong, a token to be replaced, a restore. */
import { copyFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  createFactory,
  deliver,
  takeOver,
  firstKey,
  newClaimant,
  readRoot,
  rotate,
  submit,
} from "../support/owner.ts";
import { findIn, readFolder } from "../support/secrets.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

test("a master key that is not there, or is another, is no first start", async () => {
  const { link } = await createFactory(server, "acme");
  const { folder, data } = server;
  await server.stop();
  const file = join(data, "master.key");
  renameSync(file, `${file}.away`);
  await expect(startServer(folder)).rejects.toMatchObject({ code: "usage" });
  writeFileSync(file, `${"A".repeat(43)}\n`);
  await expect(startServer(folder)).rejects.toMatchObject({ code: "usage" });
  writeFileSync(file, "no key\n");
  await expect(startServer(folder)).rejects.toMatchObject({ code: "usage" });
  renameSync(`${file}.away`, file);
  server = await startServer(folder);
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
});

test("data without their signer's records are no first start", async () => {
  const { link } = await createFactory(server, "acme");
  const { folder, data } = server;
  await server.stop();
  const signer = join(data, "signer");
  renameSync(signer, `${signer}.away`);
  await expect(startServer(folder)).rejects.toMatchObject({ code: "usage" });
  await expect(startServer(folder)).rejects.toMatchObject({ code: "usage" });
  rmSync(signer, { recursive: true });
  renameSync(`${signer}.away`, signer);
  server = await startServer(folder);
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
});

test("data of earlier versions are brought up to today's", async () => {
  const { link } = await createFactory(server, "acme");
  const { folder, data } = server;
  const rotated = await createFactory(server, "rotated");
  const key = firstKey(await deliver(server.url, rotated.link));
  const next = await rotate(await readRoot(server, "rotated", "tuf", "main"), key);
  expect(await submit(server, "rotated", next.body)).toMatchObject({ status: 200 });
  const history = await historyOf("rotated");
  await server.stop();
  const wrapped = asBefore(data);
  expect(findIn(readFolder(data), wrapped)).toEqual([join(data, "rootward.db")]);

  server = await startServer(folder);
  await deliver(server.url, link);
  server.advance(6 * 86_400_000);
  server = await server.restart();
  const timestamp = await fetch(`${server.url}/repo/acme/main/timestamp.json`);
  expect(timestamp.status).toBe(200);
  await server.stop();
  expect(findIn(readFolder(data), wrapped)).toEqual([join(data, "signer", "signer.db")]);
  server = await startServer(folder);
  expect(await historyOf("rotated")).toEqual(history);
});

/** Both roots and the first events of its log, which the published index leads to. */
async function historyOf(factory: string): Promise<readonly string[]> {
  const files = [1, 2].map((version) => `repo/${factory}/main/${version}.root.json`);
  const roots = files.map(async (file) => (await fetch(`${server.url}/${file}`)).text());
  const log = await call(`${server.url}/ota/factories/${factory}/log/`, {
    token: server.adminToken,
  });
  return [...(await Promise.all(roots)), ...(log.body["events"] as string[]).slice(0, 4)];
}

/** Makes a data folder as it was before the signer had its own. @returns the wrapped keys */
function asBefore(data: string): readonly Buffer[] {
  const database = new DatabaseSync(join(data, "rootward.db"));
  database.prepare("ATTACH ? AS signer").run(join(data, "signer", "signer.db"));
  const before = {
    signer_keys: "factory, instance, role, keyid, handle AS wrapped, made_at",
    signer_roots: "factory, instance, channel, version, body",
    signer_versions: "*",
  };
  for (const [table, columns] of Object.entries(before)) {
    database.exec(`CREATE TABLE main.${table} AS SELECT ${columns} FROM signer.${table}`);
  }
  // Nor had documents the bootstrap that they belong to.
  for (const [table, key] of [
    ["documents", "factory, channel, role, version, sha256, body"],
    ["published", "factory, channel, role, version, sha256"],
  ] as const) {
    database.exec(`CREATE TABLE main.new AS SELECT ${key} FROM main.${table}`);
    database.exec(`DROP TABLE main.${table}`);
    database.exec(`ALTER TABLE main.new RENAME TO ${table}`);
  }
  database.exec("DELETE FROM main.facts WHERE name <> 'admin token'");
  const known = "name = 'master key check'";
  database.exec(`INSERT INTO main.facts SELECT * FROM signer.facts WHERE ${known}`);
  database.exec("PRAGMA main.user_version = 1");
  const keys = database.prepare("SELECT wrapped FROM main.signer_keys").all();
  database.exec("PRAGMA main.wal_checkpoint(TRUNCATE)");
  database.exec("DETACH signer");
  database.close();
  rmSync(join(data, "signer"), { recursive: true });
  return keys.map(({ wrapped }) => Buffer.from(wrapped as Uint8Array));
}

test("an admin token whose file was removed ends with the next start", async () => {
  const old = server.adminToken;
  rmSync(join(server.data, "admin.token"));
  server = await server.restart();
  expect(server.adminToken).not.toBe(old);
  const path = `${server.url}/ota/factories/acme/`;
  expect(await call(path, { token: old })).toMatchObject({ status: 401 });
  expect(await call(path, { token: server.adminToken })).toMatchObject({ status: 404 });
});

test("after a restore of both databases the operator brings back a root that was accepted since", async () => {
  const { link } = await createFactory(server, "acme");
  const { entries, ownerToken } = await takeOver(server.url, link);
  const key = firstKey(entries);
  const { folder, data } = server;
  const databases = [join(data, "rootward.db"), join(data, "signer", "signer.db")];
  const backup = (file: string): string => join(folder, `backup-${basename(file)}`);
  await server.stop();
  for (const file of databases) copyFileSync(file, backup(file));

  server = await startServer(folder);
  const { body } = await rotate(await readRoot(server, "acme", "tuf", "main"), key, {
    user: "owner",
  });
  const owner = { ...server, adminToken: ownerToken };
  expect(await submit(owner, "acme", body)).toMatchObject({ status: 200 });
  const device = async (file: string): Promise<string> =>
    (await fetch(`${server.url}/repo/acme/main/${file}`)).text();
  const second = await device("2.root.json");
  await server.stop();

  for (const file of databases) {
    for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    copyFileSync(backup(file), file);
  }
  server = await startServer(folder, 20 * 60_000);
  expect(JSON.parse(await device("2.root.json"))).toMatchObject({ code: "not-found" });
  const late = { ...server, adminToken: ownerToken };
  expect(await submit(late, "acme", new TextEncoder().encode(second))).toMatchObject({
    status: 422,
    body: { issues: [{ code: "changelog" }] },
  });
  expect(await submit(server, "acme", new TextEncoder().encode(second))).toMatchObject({
    status: 200,
    body: { version: 2, changed: true },
  });
  expect(await device("2.root.json")).toBe(second);
});
