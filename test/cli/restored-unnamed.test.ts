/**
 * Archives that a restored database does not know, since their links or Factories are newer than the
 * backup: `rootward restore` moves them out of the service's reach, names each, and loses none.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { putInPlace } from "../../lib/adapters/embedded/put-in-place.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  fetchArchive,
  linkParts,
  newClaimant,
  rebootstrap,
  type Answer,
} from "../support/owner.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

const backupOf = (): string => join(server.folder, "backup");

async function cli(...args: readonly string[]) {
  const done = await runCli([...args, "--data", server.data]);
  expect(done).toMatchObject({ code: 0 });
  return done;
}

/** A Factory without a link. @returns its owner's token */
async function createApiFactory(name: string): Promise<string> {
  const owner = { id: "owner", email: "owner@example.com" };
  const body = { name, keyType: "ed25519", onlineKeyType: "ed25519", owner, delivery: "api" };
  const made = await call(`${server.url}/ota/factories/`, { token: server.adminToken, body });
  expect(made).toMatchObject({ status: 201 });
  return String(made.body["ownerToken"]);
}

async function firstKey(name: string, token: string): Promise<Answer> {
  return call(`${server.url}/ota/factories/${name}/first_root.sec`, { token });
}

const idHashOf = (link: string): string => sha256Text(linkParts(link).id);

function files(...path: readonly string[]): readonly string[] {
  const folder = join(...path);
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

function onlyNew(folder: "shares" | "archives", before: readonly string[]): string {
  const [made = "", ...more] = files(server.data, folder).filter((name) => !before.includes(name));
  expect(more).toEqual([]);
  return made;
}

interface Unnamed {
  readonly kept: { readonly service: string };
  readonly unnamed: readonly { factory: string | null; state: string; idHash: string }[];
}

async function restore(): Promise<Unnamed> {
  return onlyJson(await cli("restore", backupOf(), "--json")) as unknown as Unnamed;
}

function modes(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true }).map((entry) => {
    const { mode } = statSync(join(entry.parentPath, entry.name));
    return `${entry.isDirectory() ? "folder" : "file"} ${(mode & 0o777).toString(8)}`;
  });
}

test("what was made since the backup is moved out of reach, and each is named", async () => {
  const known = await createApiFactory("known");
  const { link: again } = await createFactory(server, "again");
  await cli("backup", backupOf());
  const { link: unused } = await createFactory(server, "unused");
  const { link: claimed } = await createFactory(server, "claimed");
  const granted = await claim(server.url, claimed, newClaimant());
  const { link: over } = await createFactory(server, "over");
  const claimant = newClaimant();
  const archive = await fetchArchive(over, await claim(server.url, over, claimant));
  const [share, sealed] = (["shares", "archives"] as const).map((folder) =>
    readFileSync(join(server.data, folder, idHashOf(over))),
  );
  expect(await confirm(server.url, over, claimant, archive)).toMatchObject({ status: 200 });
  const { body } = await rebootstrap(server, "again");
  const { url: renewed } = body["delivery"] as { url: string };
  const before = files(server.data, "archives");
  const api = await createApiFactory("api");
  const ofApi = onlyNew("archives", before);
  await server.stop();
  // As if the destruction after the confirmation had been cut off.
  writeFileSync(join(server.data, "shares", idHashOf(over)), share ?? "");
  writeFileSync(join(server.data, "archives", idHashOf(over)), sealed ?? "");
  const stray = "0".repeat(64);
  writeFileSync(join(server.data, "archives", stray), "stray", { mode: 0o600 });

  const { stdout } = await cli("restore", backupOf());
  const place = files(server.data).find((name) => name.startsWith("before-restore-")) ?? "";
  const folder = join(server.data, place);
  for (const text of [
    `unused: moved archive ${idHashOf(unused)}, made since the backup; its link was not used`,
    `claimed: moved archive ${idHashOf(claimed)}, made since the backup; its link was claimed`,
    `again: moved archive ${idHashOf(renewed)}, made since the backup; its link was not used`,
    `api: moved archive ${ofApi}, made since the backup; it may be the only copy of a root key`,
    `a Factory that no database here knows: moved archive ${stray}\n`,
    `over: destroyed archive ${idHashOf(over)}, whose delivery had ended`,
    `The service does not serve what was moved to ${folder}; deleting that folder ends it.`,
    "again: its link is void; bootstrap it again",
  ]) {
    expect(stdout).toContain(text);
  }
  const moved = [idHashOf(unused), idHashOf(claimed), idHashOf(renewed), ofApi].toSorted();
  expect(files(folder, "archives")).toEqual([stray, ...moved]);
  expect(files(folder, "shares")).toEqual([...moved, `${idHashOf(claimed)}.claimant`].toSorted());
  expect(new Set(modes(folder))).toEqual(new Set(["folder 700", "file 600"]));
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect([files(server.data, "shares").length, files(server.data, "archives").length]).toEqual([
    1, 1,
  ]);

  server = await startServer(server.folder);
  expect(await firstKey("known", known)).toMatchObject({ status: 200 });
  expect(await firstKey("api", api)).toMatchObject({ status: 401 });
  const { archiveUrl } = granted.body as { archiveUrl: string };
  const { pathname, search } = new URL(archiveUrl);
  for (const link of [unused, claimed, renewed]) {
    expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 404 });
    const path = pathname.replace(/[0-9a-f]{64}$/, idHashOf(link));
    for (const [url, status] of [
      [`${path}${search}`, 403],
      [`/${place}/archives/${idHashOf(link)}`, 404],
    ] as const) {
      expect((await fetch(`${server.url}${url}`)).status).toBe(status);
    }
  }
  expect(await claim(server.url, again, newClaimant())).toMatchObject({ status: 410 });
});

test("moving everything back takes a restore back, a first root key included", async () => {
  await cli("backup", backupOf());
  const token = await createApiFactory("api");
  await server.stop();
  const { kept, unnamed } = await restore();
  expect(unnamed).toMatchObject([{ factory: "api", state: "escrowed" }]);
  for (const name of ["rootward.db", "shares", "archives"]) {
    rmSync(join(server.data, name), { recursive: true });
    renameSync(join(kept.service, name), join(server.data, name));
  }
  const signer = join(server.data, "signer");
  const [place = ""] = files(signer).filter((name) => name.startsWith("before-restore-"));
  renameSync(join(signer, place, "signer.db"), join(signer, "signer.db"));
  server = await startServer(server.folder);
  expect(await firstKey("api", token)).toMatchObject({ status: 200 });
});

test("a destruction that the restored database still has to do is left to the schedule", async () => {
  const { link } = await createFactory(server, "acme");
  const file = join(server.data, "archives", idHashOf(link));
  const claimant = newClaimant();
  const archive = await fetchArchive(link, await claim(server.url, link, claimant));
  // What cannot be removed as a file stays to be done.
  renameSync(file, `${file}.saved`);
  mkdirSync(file);
  await confirm(server.url, link, claimant, archive);
  await cli("backup", backupOf());
  await server.stop();
  rmSync(file, { recursive: true });
  renameSync(`${file}.saved`, file);
  expect(await restore()).toMatchObject({ unnamed: [] });
  expect(files(server.data, "archives")).toEqual([idHashOf(link)]);
  server = await startServer(server.folder);
  for (let tries = 0; tries < 100 && existsSync(file); tries += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  expect(existsSync(file)).toBe(false);
});

test("a restore that was interrupted, or follows a damaged database, loses none", async () => {
  await cli("backup", backupOf());
  const { link } = await createFactory(server, "later");
  await server.stop();
  await putInPlace(backupOf(), new Map([["service", server.data]]), Date.UTC(2026, 0, 1));
  const interrupted = await restore();
  expect(interrupted.unnamed).toEqual([
    { factory: "later", state: "ready", idHash: idHashOf(link) },
  ]);
  expect(await restore()).toMatchObject({ unnamed: [] });

  const second = await startServer(server.folder);
  const { link: lost } = await createFactory(second, "lost");
  await second.stop();
  writeFileSync(join(server.data, "rootward.db"), "no database");
  const after = await restore();
  expect(after.unnamed).toEqual([{ factory: null, state: "unknown", idHash: idHashOf(lost) }]);
  expect(files(after.kept.service, "archives")).toEqual([idHashOf(lost)]);
  server = await startServer(server.folder);
});
