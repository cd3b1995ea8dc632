/** The whole life of a Factory, by the command line alone, in both dialects: what is said, and where. */
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { DIALECTS } from "../../lib/tuf/dialect.ts";
import { entriesOf } from "../support/cli-owner.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

describe.each(DIALECTS)("a Factory of dialect %s", (dialect) => {
  const factory = `life-${dialect}`;
  const channels = dialect === "tuf" ? ["main"] : ["ci", "prod"];
  const outputs: CliResult[] = [];
  const state = { folder: "", link: "", tokens: [] as string[], env: {} as Record<string, string> };
  const archive = (): string => join(state.folder, `${factory}.tgz`);

  const cli = async (args: readonly string[], input = ""): Promise<CliResult> => {
    const result = await runCli(args, { env: state.env, cwd: state.folder, input });
    outputs.push(result);
    return result;
  };

  beforeAll(() => {
    state.folder = join(server.folder, factory);
    mkdirSync(state.folder);
    state.env = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken };
  });

  test("is created: key, roots, link and owner token on stdout", async () => {
    const args = ["factory", "create", factory, "--dialect", dialect, "--key-type", "ed25519"];
    const result = await cli([...args, "--owner-email", "owner@example.com", "--json"]);
    expect(result.code).toBe(0);
    const created = onlyJson(result) as {
      delivery: { url: string };
      root: { version: number; sha256: Record<string, string> };
      ownerToken: string;
    };
    expect(created).toMatchObject({ factory, dialect, root: { version: 1 } });
    expect(Object.keys(created.root.sha256)).toEqual(channels);
    expect(created.delivery.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/download#[\w-]{43}$/);
    expect(result.stderr).not.toContain(created.delivery.url);
    state.link = created.delivery.url;
    state.tokens.push(created.ownerToken);
  });

  test("is created once: a second time is refused by its name", async () => {
    const args = ["factory", "create", factory, "--dialect", dialect, "--key-type", "ed25519"];
    const result = await cli([...args, "--owner-email", "owner@example.com"]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(`there is a Factory ${factory} already`);
  });

  test("is delivered once, by a link on standard input", async () => {
    const result = await cli(["keys", "download", "-", "--json"], `${state.link}\n`);
    expect(result.code).toBe(0);
    const bytes = readFileSync(archive());
    const saved = onlyJson(result);
    expect(saved).toMatchObject({
      factory,
      state: "live",
      file: archive(),
      sha256: sha256(bytes),
      server: server.url,
    });
    expect(statSync(archive()).mode & 0o777).toBe(0o600);
    const secret = state.link.split("#")[1] ?? "";
    expect(result.stderr).not.toContain(secret);
    expect(result.stderr).not.toContain(String(saved["ownerToken"]));
    state.tokens.push(String(saved["ownerToken"]));
    state.env["ROOTWARD_TOKEN"] = String(saved["ownerToken"]);
  });

  test("refuses a second download in words that say what to do", async () => {
    const elsewhere = join(state.folder, "thief.tgz");
    const result = await cli(["keys", "download", "-", "-o", elsewhere], state.link);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toMatch(/this link was used at .* and works once/);
    expect(result.stderr).toMatch(/if that was not you, tell/);
    expect(result.stderr).not.toContain(state.link.split("#")[1]);
    expect(() => statSync(elsewhere)).toThrow("ENOENT");
  });

  test("is rotated, once for people and once for programs", async () => {
    const first = await cli(["keys", "rotate", archive(), "-m", "the service made the first one"]);
    expect(first.code).toBe(0);
    expect(first.stdout).toContain(`Factory      ${factory} (${channels.join(", ")})`);
    expect(first.stdout).toContain("root         version 2, until ");
    expect(first.stdout).toMatch(/root key {5}[0-9a-f]{64}\n/);
    for (const step of ["staging", "applying"]) {
      expect(first.stderr).toContain(`${step} root version 2 (${channels.join(", ")})`);
    }
    const args = ["keys", "rotate", archive(), "--factory", factory, "-m", "yearly", "--json"];
    const second = onlyJson(await cli(args));
    expect(second).toMatchObject({ factory, channels, version: 3, resumed: false });
  });

  test("shows its root", async () => {
    const text = await cli(["root", "show", "--factory", factory]);
    expect(text.code).toBe(0);
    for (const channel of channels) {
      expect(text.stdout).toContain(`${factory} ${channel}: root version 3, until `);
    }
    const shown = onlyJson(await cli(["root", "show", "--factory", factory, "--json"]));
    expect(shown).toMatchObject({
      factory,
      state: "live",
      roots: channels.map((channel) => ({
        channel,
        version: 3,
        roles: { root: { threshold: 1 } },
      })),
    });
  });

  test("tells its history", async () => {
    const text = await cli(["root", "history", "--factory", factory]);
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(
      /version 2 +until .* the service made the first one\n.*version 3 .* yearly\n/,
    );
    const told = onlyJson(await cli(["root", "history", "--factory", factory, "--json"]));
    expect(told).toMatchObject({
      history: channels.map((channel) => ({
        channel,
        roots: [
          { version: 1, changelog: "" },
          { version: 2, changelog: "the service made the first one" },
          { version: 3, changelog: "yearly" },
        ],
      })),
    });
    const [channel = ""] = channels;
    const args = ["root", "history", "--factory", factory, "--channel", channel, "--json"];
    expect(onlyJson(await cli(args))["history"]).toHaveLength(1);
  });

  test("is verified from outside", async () => {
    const text = await cli(["root", "verify", "--factory", factory]);
    expect(text.code).toBe(0);
    expect(text.stdout).toContain(channels.map((channel) => `${channel} 1 to 3`).join(", "));
    expect(text.stdout).toMatch(/audit log {4}\d+ events, unbroken, ending in [0-9a-f]{64}/);
    const verified = onlyJson(await cli(["root", "verify", "--factory", factory, "--json"]));
    expect(verified).toMatchObject({
      verified: true,
      channels: Object.fromEntries(channels.map((channel) => [channel, 3])),
    });
    if (!channels.includes("prod")) return;
    const prod = await cli(["root", "verify", "--factory", factory, "--channel", "prod"]);
    expect(prod).toMatchObject({ code: 0, stdout: expect.stringContaining("none served: prod") });
  });

  test("says no private key anywhere, and its link and tokens never on stderr", async () => {
    const keys = archivedKeys(await entriesOf(archive()));
    expect(keys).toHaveLength(3);
    const secret = state.link.split("#")[1] ?? "";
    for (const { stdout, stderr } of outputs) {
      for (const { privateText } of keys) expect(stdout + stderr).not.toContain(privateText);
      expect(stdout + stderr).not.toContain("PRIVATE KEY");
      for (const word of [secret, ...state.tokens]) expect(stderr).not.toContain(word);
    }
  });
});

test("an owner needs nothing but link and laptop: the printed command rotates", async () => {
  const env = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: server.adminToken };
  const args = ["factory", "create", "laptop", "--dialect", "tuf", "--key-type", "ed25519"];
  const created = onlyJson(
    await runCli([...args, "--owner-email", "o@example.com", "--json"], { env }),
  ) as { delivery: { url: string } };
  const file = join(server.folder, "laptop.tgz");
  const got = await runCli(["keys", "download", created.delivery.url, "-o", file]);
  const command = /ROOTWARD_SERVER=(\S+) ROOTWARD_TOKEN=(\S+) rootward (keys rotate \S+)/.exec(
    got.stdout,
  );
  const [, ROOTWARD_SERVER = "", ROOTWARD_TOKEN = "", rest = ""] = command ?? [];
  const rotated = await runCli(rest.split(" "), { env: { ROOTWARD_SERVER, ROOTWARD_TOKEN } });
  expect(rotated).toMatchObject({ code: 0 });
});
