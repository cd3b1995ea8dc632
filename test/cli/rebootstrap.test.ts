/** `factory rebootstrap` as a provisioner types it: what is not said stays, and errors say what to do. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

/** @returns SHA-256 of its root version 1 */
async function makeFactory(name: string): Promise<string> {
  const owner = { id: "acme-inc", email: "typo@example.com" };
  const { body } = await call(`${server.url}/ota/factories/`, {
    token: server.adminToken,
    body: { name, dialect: "tuf", keyType: "ed25519", owner },
  });
  return (body as { root: { sha256: { main: string } } }).root.sha256.main;
}

function rebootstrap(name: string, replaces: string, args: readonly string[]): Promise<CliResult> {
  return runCli(["factory", "rebootstrap", name, "--replaces", replaces, ...args], {
    env: { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken },
  });
}

async function ownerOf(name: string): Promise<unknown> {
  const { body } = await call(`${server.url}/ota/factories/${name}/`, { token: server.adminToken });
  return body["owner"];
}

test("an address that is put right changes nothing else of the owner", async () => {
  const replaces = await makeFactory("typo");
  const args = ["--owner-email", "right@example.com", "--json"];
  onlyJson(await rebootstrap("typo", replaces, args));
  expect(await ownerOf("typo")).toEqual({ id: "acme-inc", email: "right@example.com" });
});
