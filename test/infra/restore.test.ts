/**
 * A restore as docs/deploy.md tells it: the table goes back to an earlier time, the signer's to the newest
 * there is. What devices and owners meet then, and what brings everything back.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Updater } from "tuf-js";
import { readArchive } from "../../lib/archive/archive.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { makeOwner, type Owner } from "../support/cli-owner.ts";
import { itemsOf, restoreTable } from "../support/deployed/emulators.ts";
import type { TestServer } from "../support/embedded.ts";
import {
  claim,
  confirm,
  createFactory,
  fetchArchive,
  newClaimant,
  rebootstrap,
  stateOf,
  submit,
} from "../support/owner.ts";
import { installation, succeeded } from "./stories/installation.ts";

const one = installation();
const server = one as unknown as TestServer;
const device = join(one.folder, "device");
const claimant = newClaimant();

let archive = "";
let widgets: Owner;
let token = "";
let link = "";
let stolen = "";
/** Of the other Factory: its archive, and the root that its devices were built with. */
const opened = join(one.folder, "open.tgz");
let devicesOfOpen = "";

const rotate = async (...more: readonly string[]) =>
  one.cli(["keys", "rotate", archive, "--key-type", "ed25519", ...more], token);
const poll = () =>
  new Updater({
    metadataDir: device,
    metadataBaseUrl: `${one.aws.front}/repo/acme/main`,
  }).refresh();
const versionOf = (role: string): number => {
  const text = readFileSync(join(device, `${role}.json`), "utf8");
  return (JSON.parse(text) as { signed: { version: number } }).signed.version;
};
const publish = (name: string) => {
  const targets = { [name]: { length: 3, hashes: { sha256: sha256Text(name) } } };
  const body = { token: one.adminToken, body: { targets } };
  return one.aws.ask("PUT", "/ota/factories/acme/targets/", body);
};

test("a fleet lives on after the time that it goes back to", async () => {
  const owner = await makeOwner(server, "acme", { onlineKeyType: "ed25519" });
  [archive, token] = [owner.archive, owner.env.ROOTWARD_TOKEN];
  succeeded(await rotate());
  widgets = await makeOwner(server, "widgets", { onlineKeyType: "ed25519" });
  ({ link } = await createFactory(one, "open"));
  stolen = (await createFactory(one, "stolen")).link;
  mkdirSync(device);
  const first = await one.aws.ask("GET", "/repo/acme/main/1.root.json");
  writeFileSync(join(device, "root.json"), first.text);

  const { ref } = tableNamed("Table");
  const backup = await itemsOf(one.aws.dynamo, ref);
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000).toISOString().replace(".000", "");
  succeeded(await rotate());
  const keys = ["keys", "rotate", widgets.archive, "--key-type", "ed25519"];
  succeeded(await one.cli(keys, widgets.env.ROOTWARD_TOKEN));
  expect(await publish("app.bin")).toMatchObject({ status: 200 });
  await poll();
  expect(versionOf("root")).toBe(3);
  const granted = await claim(one.url, link, claimant);
  const bytes = await fetchArchive(link, granted);
  expect(await confirm(one.url, link, claimant, bytes)).toMatchObject({ status: 200 });
  writeFileSync(opened, bytes, { mode: 0o600 });
  devicesOfOpen = (await one.aws.ask("GET", "/repo/open/main/1.root.json")).text;
  await createFactory(one, "younger");
  expect(await claim(one.url, stolen, newClaimant())).toMatchObject({ status: 200 });

  const signer = tableNamed("SignerTable").ref;
  await restoreTable(one.aws.dynamo, { like: ref, name: "restored" }, backup);
  const newest = await itemsOf(one.aws.dynamo, signer);
  await restoreTable(one.aws.dynamo, { like: signer, name: "restored-signer" }, newest);
  await one.release({ restored: { table: "restored", signerTable: "restored-signer", at } });
}, 120_000);

test("devices keep what they have, and get nothing older", async () => {
  expect((await one.aws.ask("GET", "/repo/acme/main/3.root.json")).status).toBe(404);
  const [root, timestamp] = [versionOf("root"), versionOf("timestamp")];
  await expect(poll()).rejects.toThrow(/version/);
  expect([versionOf("root"), versionOf("timestamp")]).toEqual([root, timestamp]);
});

test("a root that was accepted since comes back from its owner's archive", async () => {
  const entries = await readArchive(new Uint8Array(readFileSync(archive)));
  const kept = entries.get("tufrepo/rootward/main.root.json");
  const again = await submit(one, "acme", kept ?? new Uint8Array());
  expect([again.status, again.body]).toMatchObject([200, { version: 3 }]);
});

test("other roots come back when the operator has all Factories compared", async () => {
  const root = async () => (await one.aws.ask("GET", "/repo/widgets/main/2.root.json")).status;
  expect(await root()).toBe(404);
  const compared = await one.aws.runSchedule({ compareAfter: "" });
  expect(compared).toEqual({
    compared: 4,
    lines: [expect.stringMatching(/^widgets: main has root 1, the signer trusts root 2 /)],
    next: null,
  });
  expect(await root()).toBe(200);
  const again = await one.aws.runSchedule({ compareAfter: "stolen" });
  expect(again).toEqual({ compared: 1, lines: [], next: null });
}, 60_000);

test("what is published next is newer than all that devices have seen", async () => {
  const published = await publish("other.bin");
  expect([published.status, published.text]).toEqual([200, expect.any(String)]);
  const before = versionOf("timestamp");
  await poll();
  expect(versionOf("timestamp")).toBeGreaterThan(before);
});

test("an owner's tool sees that the log is shorter, and goes on once it is told to", async () => {
  const refused = await rotate();
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--accept-log")]);
  succeeded(await rotate("--accept-log"));
  await poll();
  expect(versionOf("root")).toBe(4);
}, 60_000);

test("a delivery that was confirmed since is at its beginning, and its share is gone", async () => {
  expect(await stateOf(one, "open")).toMatchObject({ delivery: { state: "ready" } });
  const claimed = await claim(one.url, link, newClaimant());
  expect(claimed).toMatchObject({ status: 410, body: { code: "delivery-expired" } });
  expect((await one.aws.ask("GET", "/repo/open/main/root.json")).status).toBe(404);
});

test("a link that somebody used since is used, though its archive is still there", async () => {
  const { status, body } = await claim(one.url, stolen, newClaimant());
  expect([status, body["code"]]).toEqual([410, "delivery-expired"]);
  expect(body["message"]).toContain("restored from a backup");
  const again = await rebootstrap(one, "stolen");
  const { url } = again.body["delivery"] as { readonly url: string };
  expect(await claim(one.url, url, newClaimant())).toMatchObject({ status: 200 });
}, 60_000);

test("its owner, who has the archive, brings it back by a rotation", async () => {
  const command = ["keys", "rotate", opened, "--key-type", "ed25519", "--accept-log"];
  succeeded(await one.cli(command, one.adminToken));
  const { text, status } = await one.aws.ask("GET", "/repo/open/main/1.root.json");
  expect([status, text]).toEqual([200, devicesOfOpen]);
  expect((await one.aws.ask("GET", "/repo/open/main/2.root.json")).status).toBe(200);
}, 60_000);

test("a Factory that was made since is not there", async () => {
  expect(
    (await one.aws.ask("GET", "/ota/factories/younger/", { token: one.adminToken })).status,
  ).toBe(404);
});

test("no function did what its role does not allow", () => {
  expect(one.aws.refused).toEqual([]);
});

function tableNamed(name: string) {
  const found = one.aws.cloud.of("AWS::DynamoDB::Table").find((table) => table.name === name);
  if (found === undefined) throw new Error(`no table ${name}`);
  return found;
}
