/**
 * `rootward factory`, and the delivery of an archive that is encrypted to its owner, as a pipeline and
 * an owner run them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createFactory, claim, deliver, firstHash, newClaimant } from "../support/owner.ts";
import { makeCertificate, rsaKey } from "../support/certificate.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

const OWNER = makeCertificate(rsaKey(2048));
const OTHER = makeCertificate(rsaKey(2048));

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
  for (const [name, { pem, privateKey }] of [
    ["owner", OWNER] as const,
    ["other", OTHER] as const,
  ]) {
    writeFileSync(join(server.folder, `${name}.pem`), pem);
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    writeFileSync(join(server.folder, `${name}.key`), key);
  }
});
afterAll(() => server.remove());

async function cli(args: readonly string[], options: { cwd?: string; input?: string } = {}) {
  const env = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken };
  return runCli(args, { env, cwd: server.folder, ...options });
}

const QUICK = ["--key-type", "ed25519", "--owner-email", "owner@example.com"];

async function show(name: string): Promise<string> {
  const { code, stdout } = await cli(["factory", "show", name]);
  expect(code).toBe(0);
  return stdout;
}

describe("show", () => {
  test("tells each state of a delivery, and what to do", async () => {
    const { link } = await createFactory(server, "shown");
    expect(await show("shown")).toMatch(/^Factory +shown \(tuf\), provisioned$/m);
    expect(await show("shown")).toMatch(/the link was not used yet; it works until 2/);
    await claim(server.url, link, newClaimant());
    await claim(server.url, link, newClaimant());
    const claimed = await show("shown");
    expect(claimed).toMatch(/claimed at 2.*, and not confirmed yet \(until 2/);
    expect(claimed).toContain("a possible\n             interception");
    expect(claimed).toContain("rootward factory rebootstrap shown --replaces");

    const live = await createFactory(server, "live");
    await deliver(server.url, live.link);
    expect(await show("live")).toMatch(/confirmed at 2.*; the service's copy is destroyed/);
    expect(await show("live")).not.toContain("rebootstrap");
    const { stdout } = await cli(["factory", "show", "live", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ factory: "live", delivery: { state: "confirmed" } });
  });

  test("of a Factory without a link", async () => {
    expect(await cli(["factory", "create", "api", ...QUICK, "--delivery", "api"])).toMatchObject({
      code: 0,
    });
    expect(await show("api")).toContain("the service keeps the first root key");
  });

  test("of none", async () => {
    const result = await cli(["factory", "show", "nobody"]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("there is no Factory nobody");
  });
});

describe("rebootstrap", () => {
  test("prints a new link, once the old root is named", async () => {
    const { link } = await createFactory(server, "again");
    const wrong = await cli(["factory", "rebootstrap", "again", "--replaces", "0".repeat(64)]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain("another one by now");
    const args = [
      "factory",
      "rebootstrap",
      "again",
      "--replaces",
      await firstHash(server, "again"),
    ];
    const { code, stdout } = await cli([...args, "--owner-email", "new@example.com"]);
    expect(code).toBe(0);
    const fresh = /^link +(\S+)$/m.exec(stdout)?.[1] ?? "";
    expect(fresh).not.toBe(link);
    expect(stdout).toContain("no\nlonger work");
    expect(await show("again")).toContain("new@example.com");
    const old = await cli(["keys", "download", "-"], { input: link });
    expect(old).toMatchObject({ code: 1, stdout: "" });
    expect(old.stderr).toContain("use the newer one");
    expect((await cli(["keys", "download", "-"], { input: fresh })).code).toBe(0);
  });

  test("of what was confirmed, with the owner's token and word", async () => {
    const { link, ownerToken } = await createFactory(server, "word");
    await deliver(server.url, link);
    const args = ["factory", "rebootstrap", "word", "--replaces", await firstHash(server, "word")];
    expect((await cli([...args, "--no-device-exists"])).stderr).toContain("noDeviceExists");
    expect((await cli([...args, "--owner-token", ownerToken])).code).toBe(1);
    const agreed = await cli([...args, "--no-device-exists", "--owner-token", ownerToken]);
    expect(agreed.code).toBe(0);
    expect(await show("word")).toMatch(/, provisioned$/m);
  });
});

describe("an archive that is encrypted to its owner", () => {
  let link: string;
  let folder: string;
  const download = (args: readonly string[]): Promise<CliResult> =>
    cli(["keys", "download", "-", ...args], { cwd: folder, input: link });

  beforeAll(async () => {
    folder = join(server.folder, "encrypted");
    mkdirSync(folder);
    const args = ["factory", "create", "secret", ...QUICK, "--recipient-certificate", "owner.pem"];
    const created = onlyJson(await cli([...args, "--json"])) as {
      delivery: { url: string; recipient: string; sha256: string };
    };
    expect(created.delivery.recipient).toMatch(/^[0-9a-f]{64}$/);
    link = created.delivery.url;
  });

  test("is saved, and not confirmed before somebody opened it", async () => {
    const saved = await download([]);
    expect(saved.code).toBe(1);
    expect(saved.stdout).toContain("did not confirm it");
    expect(existsSync(join(folder, "secret.tgz.p7m"))).toBe(true);
    expect(await show("secret")).toContain("not confirmed yet");
  });

  test("is not confirmed with the key of another certificate", async () => {
    const wrong = await download(["--key", "../other.key"]);
    expect(wrong).toMatchObject({ code: 1, stdout: "" });
    expect(wrong.stderr).toContain("another");
    expect(await show("secret")).toContain("not confirmed yet");
  });

  test("is confirmed once it opened in memory, opens, and rotates", async () => {
    const confirmed = await download(["--key", "../owner.key"]);
    expect(confirmed.code).toBe(0);
    expect(confirmed.stdout).toMatch(/^root key +[0-9a-f]{64}$/m);
    expect(confirmed.stdout).toContain("rootward keys open");
    const token = /ROOTWARD_TOKEN=(\S+)/.exec(confirmed.stdout)?.[1] ?? "";
    expect(await show("secret")).toMatch(/, live$/m);
    const opened = await cli(["keys", "open", "secret.tgz.p7m", "--key", "../owner.key"], {
      cwd: folder,
    });
    expect(opened.code).toBe(0);
    const rotated = await cli(["--token", token, "keys", "rotate", "secret.tgz"], { cwd: folder });
    expect(rotated.code).toBe(0);
    expect(await show("secret")).toMatch(/^root ci +version 2/m);
  });

  test("is confirmed on the owner's word that it opened elsewhere", async () => {
    const replaced = ["factory", "create", "card", ...QUICK];
    const made = await cli([...replaced, "--recipient-certificate", "owner.pem", "--json"]);
    ({ url: link } = onlyJson(made)["delivery"] as { url: string });
    expect((await download([])).stdout).toContain("--opened");
    const confirmed = await download(["--opened"]);
    expect(confirmed.code).toBe(0);
    expect(await show("card")).toMatch(/, live$/m);
    expect(readFileSync(join(folder, "card.tgz.p7m"))[0]).toBe(0x30);
  });

  test("is followed by one that is not only when that is said", async () => {
    await cli(["factory", "create", "plain", ...QUICK, "--recipient-certificate", "owner.pem"]);
    const args = [
      "factory",
      "rebootstrap",
      "plain",
      "--replaces",
      await firstHash(server, "plain"),
    ];
    const silent = await cli(args);
    expect(silent).toMatchObject({ code: 1, stdout: "" });
    expect(silent.stderr).toContain("recipientCertificate");
    const { code, stdout } = await cli([...args, "--no-recipient-certificate", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).not.toHaveProperty("delivery.recipient");
  });

  test("is refused for a certificate that is none, with nothing made", async () => {
    const args = ["factory", "create", "bad", ...QUICK, "--recipient-certificate"];
    const key = await cli([...args, "owner.key"]);
    expect(key).toMatchObject({ code: 1, stdout: "" });
    expect(key.stderr).toContain("private key");
    expect(key.stderr).not.toContain("MII");
    expect((await cli([...args, "missing.pem"])).code).toBe(2);
    expect((await cli([...args, "owner.pem", "--delivery", "api"])).stderr).toContain("by link");
    expect((await cli(["factory", "show", "bad"])).code).toBe(1);
  });
});
