/** Exit code 2 is for the command line alone: nothing was asked of any service, nothing touched. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeOwner, via, type Owner } from "../support/cli-owner.ts";
import { startProxy, type Proxy } from "../support/cli-proxy.ts";
import { runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
let proxy: Proxy;
let owner: Owner;
beforeAll(async () => {
  server = await startServer();
  proxy = await startProxy(server.url);
  owner = via(await makeOwner(server, "usage"), proxy.url);
});
afterAll(async () => {
  await proxy.close();
  await server.remove();
});

const EMAIL = ["--owner-email", "o@example.com"];
const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["an unknown command", ["bogus"], /unknown command 'bogus'/],
  ["an unknown subcommand", ["keys", "destroy"], /unknown command 'destroy'/],
  [
    "an unknown option",
    ["root", "show", "--factory", "usage", "--bogus"],
    /unknown option '--bogus'/,
  ],
  ["nothing to rotate", ["keys", "rotate"], /missing required argument 'archive'/],
  ["a Factory without owner", ["factory", "create", "acme"], /--owner-email/],
  ["a name that climbs", ["factory", "create", "../x", ...EMAIL], /name: expected/],
  ["an unknown dialect", ["factory", "create", "acme", ...EMAIL, "--dialect", "x"], /dialect/],
  ["an unknown key type", ["factory", "create", "acme", ...EMAIL, "--key-type", "dsa"], /key-type/],
  ["no Factory", ["root", "show"], /--factory/],
  ["a server that is no URL", ["--server", "x", "root", "show", "--factory", "a1"], /--server/],
  ["a port that is none", ["serve", "--port", "70000"], /--port/],
];

test.each(rows)("%s exits 2 and says so on stderr", async (_, args, words) => {
  const folder = mkdtempSync(join(tmpdir(), "rootward-usage-"));
  const result = await runCli(args, { env: owner.env, cwd: folder });
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toMatch(words);
  expect(proxy.requests).toEqual([]);
  rmSync(folder, { recursive: true });
});

describe("keys rotate", () => {
  const options: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["an unknown key type", ["--key-type", "dsa"], /key-type/],
    ["a reason that is not ASCII", ["-m", "Schlüssel"], /printable ASCII/],
    ["an empty reason", ["-m", ""], /printable ASCII/],
    ["the name of another Factory", ["--factory", "other"], /this archive is of Factory usage/],
  ];

  test.each(options)("%s exits 2 and leaves the archive alone", async (_, args, words) => {
    const before = readFileSync(owner.archive);
    const result = await runCli(["keys", "rotate", owner.archive, ...args], { env: owner.env });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(proxy.requests).toEqual([]);
    expect(readFileSync(owner.archive)).toEqual(before);
  });
});

test("a channel that the Factory has not exits 2 and names those that it has", async () => {
  const args = ["root", "show", "--factory", "usage", "--channel", "prod"];
  const result = await runCli(args, { env: owner.env });
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toContain("--channel: expected one of main");
});

test("--help exits 0", async () => {
  const result = await runCli(["keys", "rotate", "--help"]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout).toContain("Usage: rootward");
});

test("no service exits 1 and says where it was looked for", async () => {
  const result = await runCli(["root", "show", "--factory", "usage", "--json"], {
    env: { ...owner.env, ROOTWARD_SERVER: "http://127.0.0.1:1" },
  });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("no answer from http://127.0.0.1:1");
});

test("a wrong token exits 1 and says how to give one", async () => {
  const env = { ...owner.env, ROOTWARD_TOKEN: "rw_wrong" };
  const result = await runCli(["root", "show", "--factory", "usage"], { env });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toMatch(/--token or ROOTWARD_TOKEN/);
});
