/**
 * The clients that are there already, against the AWS form as it is synthesised: our CLI, which rotates
 * on its owner's machine, and tuf-js, which knows version 1 of the root and follows.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Updater } from "tuf-js";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { makeOwner, rotateArchive } from "../support/cli-owner.ts";
import { deploy, type Deployment } from "../support/deployed/deployment.ts";
import type { TestServer } from "../support/embedded.ts";
import type { Loopback } from "../support/loopback.ts";

const ADMIN = `rw_${"B".repeat(43)}`;
const folder = mkdtempSync(join(tmpdir(), "rootward-chain-"));

let aws: Deployment;
let front: Loopback;
let server: TestServer;

beforeAll(async () => {
  aws = await deploy(sha256Text(ADMIN));
  front = await aws.listen();
  server = { url: front.endpoint, adminToken: ADMIN, folder } as TestServer;
}, 120_000);

afterAll(async () => {
  await front.stop();
  await aws.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function firstRoot(channel: string): Promise<Uint8Array> {
  const response = await fetch(`${front.endpoint}/repo/${channel}/1.root.json`);
  return new Uint8Array(await response.arrayBuffer());
}

test("tuf: a device follows two rotations and a new set of targets", async () => {
  const owner = await makeOwner(server, "fleet");
  const device = join(folder, "device");
  mkdirSync(device);
  writeFileSync(join(device, "root.json"), await firstRoot("fleet/main"));
  for (let round = 0; round < 2; round += 1) {
    const { code, stderr } = await rotateArchive(owner, "--key-type", "ed25519");
    expect([code, stderr]).toEqual([0, expect.any(String)]);
  }
  const metadataBaseUrl = `${front.endpoint}/repo/fleet/main`;
  await new Updater({ metadataDir: device, metadataBaseUrl }).refresh();
  const root = JSON.parse(readFileSync(join(device, "root.json"), "utf8")) as {
    readonly signed: { readonly version: number };
  };
  expect(root.signed.version).toBe(3);
}, 120_000);

test("ats: ci and prod switch together", async () => {
  const owner = await makeOwner(server, "pair", { dialect: "ats", keyType: "ed25519" });
  const { code, stderr } = await rotateArchive(owner, "--key-type", "ed25519");
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  for (const channel of ["ci", "prod"]) {
    const response = await fetch(`${front.endpoint}/repo/pair/${channel}/root.json`);
    expect(await response.json()).toMatchObject({ signed: { version: 2 } });
  }
}, 120_000);

test("no function did what its role does not allow", () => {
  expect(aws.refused).toEqual([]);
});
