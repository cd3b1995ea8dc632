/** `factory rebootstrap` as a provisioner types it: what is not said stays, and errors say what to do. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROVISIONER_NOTICES } from "../../lib/service/messages/messages-provisioner.ts";
import type { Message } from "../../lib/service/ports.ts";
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

test("after an answer that was lost, nobody is told to do the same once more", async () => {
  const replaces = await makeFactory("lost");
  await rebootstrap("lost", replaces, ["--json"]);
  const result = await rebootstrap("lost", replaces, []);
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("by a request of yours whose answer was lost; look at it");
  expect(result.stderr).toContain("review it with rootward root show, then retry");
  expect(result.stderr).not.toContain("somebody else");
  const again = ["factory", "create", "lost", "--owner-email", "owner@example.com"];
  const created = await runCli(again, {
    env: { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken },
  });
  expect(created).toMatchObject({ code: 1, stdout: "" });
  expect(created.stderr).toContain("rebootstrap issues a new link");
});

test("what the sender is told to type can be typed", async () => {
  await makeFactory("told");
  const notice = PROVISIONER_NOTICES["delivery-expired"];
  const event = { details: { claimed: false }, time: 0 } as unknown as Message["event"];
  const factory = "told" as Message["factory"];
  const text = notice?.({ factory, reader: "provisioner", email: "", event })?.body ?? "";
  const [, command = ""] = /^ {2}rootward (factory rebootstrap .*?)(?: {2}.*)?$/m.exec(text) ?? [];
  const result = await runCli(command.split(" "), {
    env: { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken },
  });
  expect(result.stderr).not.toContain("required option");
});
