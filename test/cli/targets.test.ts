/** `rootward targets`, as a person and as a CI sees it, in both dialects. */
import { createHash } from "node:crypto";
import { mkdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DIALECTS } from "../../lib/tuf/dialect.ts";
import { startProxy, type Proxy, type Reply } from "../support/cli-proxy.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, createFactory, takeOver } from "../support/owner.ts";

const FILES = { "app.bin": "an application", "kernel.img": "k".repeat(1500), "odd name": "odd" };

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

interface Publisher {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  readonly ownerToken: string;
  cli(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>;
}

/** A CI: a token that publishes and does nothing else, and a folder with files. */
async function publisher(factory: string, dialect: "tuf" | "ats"): Promise<Publisher> {
  const { link } = await createFactory(server, factory, { dialect });
  const { ownerToken } = await takeOver(server.url, link);
  const minted = await call(`${server.url}/ota/factories/${factory}/tokens/`, {
    token: ownerToken,
    body: { user: "ci", scopes: ["targets:update"] },
  });
  const folder = join(server.folder, `ci-${factory}`);
  mkdirSync(folder);
  mkdirSync(join(folder, "sub"));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  const env = {
    ROOTWARD_SERVER: server.url,
    ROOTWARD_FACTORY: factory,
    ROOTWARD_TOKEN: String(minted.body["token"]),
  };
  const cli = async (args: readonly string[], more = {}): Promise<CliResult> =>
    runCli(["targets", ...args], { cwd: folder, env: { ...env, ...more } });
  return { folder, env, ownerToken, cli };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const sha512 = (text: string): string => createHash("sha512").update(text).digest("hex");

describe.each(DIALECTS)("a Factory of dialect %s", (dialect) => {
  const factory = `targets-${dialect}`;
  const channel = dialect === "tuf" ? "main" : "ci";
  let ci: Publisher;
  let reader: Readonly<Record<string, string>> = {};
  beforeAll(async () => {
    ci = await publisher(factory, dialect);
    reader = { ROOTWARD_TOKEN: ci.ownerToken };
  });

  test("has no targets at first", async () => {
    const result = await ci.cli(["list"], reader);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toMatch(
      new RegExp(`^${factory} ${channel}: targets version \\d+, until \\S+, 0 targets\n$`),
    );
  });

  test("gets two at once, each step told on stderr", async () => {
    const result = await ci.cli(["add", "app.bin", "kernel.img", "--prefix", "fw/"]);
    expect(result.code).toBe(0);
    expect(result.stderr.replaceAll(/ \(\d\.\d s\)/g, "")).toBe(
      [
        "✔ hashing fw/app.bin, 14 B (file 1 of 2)",
        "✔ hashing fw/kernel.img, 1.5 kB (file 2 of 2)",
        `✔ publishing targets of ${factory}`,
        "",
      ].join("\n"),
    );
    expect(result.stdout.replaceAll(/version \d+, until \S+/g, "version V, until T")).toBe(
      [
        `Factory      ${factory} (${channel})`,
        "targets      version V, until T",
        "added        fw/app.bin",
        "added        fw/kernel.img",
        "Only metadata is published. Put the files where your devices download them.",
        "",
      ].join("\n"),
    );
  });

  test("gets them again, which changes nothing", async () => {
    const result = await ci.cli(["add", "kernel.img", "--prefix", "fw", "--json"]);
    expect(onlyJson(result)).toMatchObject({
      factory,
      channel,
      changed: false,
      unchanged: ["fw/kernel.img"],
    });
    expect(result.stderr).toContain("✔ hashing fw/kernel.img");
    const text = await ci.cli(["add", "kernel.img", "--prefix", "fw"]);
    expect(text.stdout).toMatch(/, until \S+; nothing changed\nunchanged {4}fw\/kernel.img\n/);
  });

  test("gets one by another name, with all that can be said of it", async () => {
    writeFileSync(join(ci.folder, "custom.json"), '{"version": 7,\n "tags": ["main"]}');
    const args = ["add", "odd name", "--name", "fine", "--custom", "@custom.json", "--sha512"];
    expect(onlyJson(await ci.cli([...args, "--json"]))).toMatchObject({ added: ["fine"] });
    const replaced = await ci.cli(["add", "odd name", "--name", "fine", "--custom", '{"v":8}']);
    expect(replaced.stdout).toContain("replaced     fine\n");
    const listed = onlyJson(await ci.cli(["list", "--json"], reader));
    expect(listed["targets"]).toMatchObject({
      fine: { length: 3, hashes: { sha256: sha256("odd") }, custom: { v: 8 } },
    });
    await ci.cli(args);
    const again = onlyJson(await ci.cli(["list", "--json"], reader));
    expect(again["targets"]).toMatchObject({
      fine: {
        hashes: { sha256: sha256("odd"), sha512: sha512("odd") },
        custom: { version: 7, tags: ["main"] },
      },
    });
  });

  test("lists them for people, and in full for programs", async () => {
    const text = await ci.cli(["list"], reader);
    expect(text.stdout.split("\n").slice(1)).toEqual([
      "  name           length         sha256",
      `  fine           3 B            ${sha256("odd").slice(0, 16)}...`,
      `  fw/app.bin     14 B           ${sha256(FILES["app.bin"]).slice(0, 16)}...`,
      `  fw/kernel.img  1.5 kB (1500)  ${sha256(FILES["kernel.img"]).slice(0, 16)}...`,
      "",
    ]);
    const json = onlyJson(await ci.cli(["list", "--json"], reader));
    expect(json).toMatchObject({ factory, channel });
    const targets = json["targets"] as Record<string, unknown>;
    expect(targets["fw/app.bin"]).toEqual({
      length: 14,
      hashes: { sha256: sha256(FILES["app.bin"]) },
    });
  });

  test("loses those that are removed, and tells of those that were not there", async () => {
    const result = await ci.cli(["remove", "fw/app.bin", "never", "fw/app.bin"]);
    expect(result.code).toBe(0);
    expect(result.stdout.split("\n").slice(2)).toEqual([
      "removed      fw/app.bin",
      "not there    never",
      "",
    ]);
    const again = await ci.cli(["remove", "fw/app.bin", "--json"]);
    expect(onlyJson(again)).toMatchObject({ changed: false, removed: [], absent: ["fw/app.bin"] });
  });

  test("has targets by names that are no plain members in JavaScript", async () => {
    const names = ["__proto__", "constructor"];
    for (const name of names) {
      expect((await ci.cli(["add", "app.bin", "--name", name])).code).toBe(0);
    }
    const { stdout } = await ci.cli(["list"], reader);
    for (const name of names) expect(stdout).toContain(`  ${name} `);
    const json = onlyJson(await ci.cli(["list", "--json"], reader));
    for (const name of names) expect(Object.keys(json["targets"] as object)).toContain(name);
    expect(onlyJson(await ci.cli(["remove", ...names, "--json"]))).toMatchObject({
      removed: names,
      absent: [],
    });
  });

  test(`${dialect === "ats" ? "refuses" : "takes"} what fioctl would rewrite, in words`, async () => {
    const result = await ci.cli(["add", "app.bin", "--custom", '{"note":"<b>"}']);
    if (dialect === "tuf") {
      expect(result.code).toBe(0);
      return;
    }
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(
      `error: targets for ${factory} refused: 1 finding\n` +
        '  - target "app.bin": custom.note: expected none of < > &: fioctl rewrites them\n',
    );
  });
});

describe("what is wrong is told before anything is sent:", () => {
  let proxy: Proxy;
  let ci: Publisher;
  beforeAll(async () => {
    proxy = await startProxy(server.url);
    ci = await publisher("targets-usage", "ats");
  });
  afterAll(() => proxy.close());

  const rows: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no file", ["add"], /missing required argument 'file'/],
    ["a file that is not there", ["add", "app.bin", "nothing"], /nothing: there is no such file/],
    ["a folder", ["add", "app.bin", "sub"], /sub is not a file/],
    [
      "a name for two",
      ["add", "app.bin", "kernel.img", "--name", "a"],
      /--name: expected one file/,
    ],
    [
      "two of one name",
      ["add", "app.bin", "../ci-targets-usage/app.bin"],
      /two files .* "app.bin"/,
    ],
    ["a name that climbs", ["add", "app.bin", "--name", "../a"], /target "..\/a": expected a name/],
    [
      "a prefix that climbs",
      ["add", "app.bin", "--prefix", "/fw"],
      /target "\/fw\/app.bin": expec/,
    ],
    ["a file with a space", ["add", "odd name"], /target "odd name": expected a name.*/],
    [
      "custom that is no JSON",
      ["add", "app.bin", "--custom", "a=b"],
      /--custom: document is not st/,
    ],
    ["custom with a fraction", ["add", "app.bin", "--custom", '{"a":1.5}'], /plain integer/],
    [
      "custom that is a list",
      ["add", "app.bin", "--custom", "[]"],
      /--custom: expected a JSON obj/,
    ],
    [
      "custom of no file",
      ["add", "app.bin", "--custom", "@no"],
      /--custom: cannot be read \(ENOENT/,
    ],
    [
      "custom too deep",
      ["add", "app.bin", "--custom", '{"a":'.repeat(29)],
      /nested deeper than 28/,
    ],
    [
      "custom beyond ASCII",
      ["add", "app.bin", "--custom", '{"a":"é"}'],
      /custom\.a: expected print/,
    ],
    ["no name to remove", ["remove"], /missing required argument 'name'/],
  ];

  test.each(rows)("%s", async (_, args, words) => {
    const result = await ci.cli(args, { ROOTWARD_SERVER: proxy.url });
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(words);
    expect(result.stderr).not.toContain("hashing");
    expect(proxy.requests).toEqual([]);
  });

  test("no Factory", async () => {
    const { ROOTWARD_SERVER = "", ROOTWARD_TOKEN = "" } = ci.env;
    for (const args of [["add", "app.bin"], ["list"], ["remove", "a"]]) {
      const env = { ROOTWARD_SERVER, ROOTWARD_TOKEN };
      const result = await runCli(["targets", ...args], { cwd: ci.folder, env });
      expect(result).toMatchObject({ code: 2, stdout: "" });
      expect(result.stderr).toContain("--factory");
    }
  });

  test("in the help, that no file is hosted", async () => {
    for (const args of [["--help"], ["add", "--help"]]) {
      const { code, stdout } = await ci.cli(args);
      expect(code).toBe(0);
      expect(stdout).toContain("The files themselves stay with you");
    }
  });
});

describe("a service that lies", () => {
  const publish = async (name: string, reply: (forward: Reply) => Reply) => {
    const ci = await publisher(name, "tuf");
    const proxy = await startProxy(server.url, async (_, forward) => reply(await forward()));
    const env = { ROOTWARD_SERVER: proxy.url, ROOTWARD_TOKEN: ci.ownerToken };
    const results = [await ci.cli(["list"], env), await ci.cli(["add", "app.bin"], env)];
    await proxy.close();
    return results;
  };

  const expires = "2030-01-01T00:00:00Z";

  test("draws no lines of its own", async () => {
    const targets = { "a\n  b": { length: 1, hashes: { sha256: "0".repeat(64) } } };
    const names = ["a\nremoved      everything"];
    const rest = { channel: "main", version: 1, sha256: "0".repeat(64), expires, changed: true };
    const lists = { added: names, replaced: [], removed: [], unchanged: [] };
    const body = JSON.stringify({ ...rest, ...lists, targets });
    const [list, add] = await publish("targets-lines", () => ({ status: 200, body }));
    expect(list).toMatchObject({ code: 1, stdout: "" });
    expect(list?.stderr).toBe('error: target "a\\n  b" is not described as one\n');
    expect(add).toMatchObject({ code: 1, stdout: "" });
    expect(add?.stderr).toMatch(/error: \S+ does not look like a Rootward service\n$/);
  });

  test("about what targets are is not believed", async () => {
    const targets = { a: { length: "1", hashes: {} } };
    const body = JSON.stringify({ channel: "main", version: 1, expires, targets });
    const [list, add] = await publish("targets-lies", () => ({ status: 200, body }));
    expect(list).toMatchObject({ code: 1, stdout: "" });
    expect(list?.stderr).toContain('target "a" is not described as one');
    expect(add).toMatchObject({ code: 1, stdout: "" });
    expect(add?.stderr).toContain("does not look like a Rootward service");
  });
});

test("a token that may not publish is told which scope it lacks", async () => {
  const ci = await publisher("targets-scope", "tuf");
  const { body } = await call(`${server.url}/ota/factories/targets-scope/tokens/`, {
    token: ci.ownerToken,
    body: { user: "reader", scopes: ["root:read"] },
  });
  const result = await ci.cli(["add", "app.bin"], { ROOTWARD_TOKEN: String(body["token"]) });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toContain("this token lacks the scope targets:update");
});

describe("on a terminal", () => {
  /** The command line under a terminal so wide; both of its streams come as one. */
  async function onTerminal(columns: number, { folder, env }: Publisher): Promise<CliResult> {
    const command = `exec script -qefc "stty cols ${columns}; exec $*" /dev/null`;
    const through = ["sh", "-c", command, "sh"] as const;
    return runCli(["targets", "add", "large.img"], { cwd: folder, env, through });
  }

  test("progress is shown while a large file is hashed", async () => {
    const ci = await publisher("targets-tty", "tuf");
    // All of it is read and hashed, though no disk holds it.
    writeFileSync(join(ci.folder, "large.img"), "");
    truncateSync(join(ci.folder, "large.img"), 1_500_000_000);
    const shown = await onTerminal(100, ci);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/ hashing large\.img, 1\.5 GB: \d+ MB, \d+ %/);
    expect(shown.stdout).toMatch(/✔ hashing large\.img, 1\.5 GB \(\d+\.\d s\)\r\n/);
    expect(shown.stdout).toContain("added        large.img");
  });

  test("nothing that a name holds moves the cursor or changes the title", async () => {
    const ci = await publisher("targets-title", "tuf");
    writeFileSync(join(ci.folder, "large.img"), "not so large");
    const ROOTWARD_FACTORY = "a\u001b]0;title\u0007b";
    const shown = await onTerminal(100, { ...ci, env: { ...ci.env, ROOTWARD_FACTORY } });
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain("publishing targets of a?]0;title?b");
    expect(shown.stdout).not.toContain("\u001b]0;");
  });

  test("that says it has no columns, it ends all the same", async () => {
    const ci = await publisher("targets-flat", "tuf");
    writeFileSync(join(ci.folder, "large.img"), "not so large");
    const shown = await onTerminal(0, ci);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toMatch(/^✔ hashing large\.img, 12 B(?: \([\d.]+ s\))?\r\n✔ publishing /);
  });
});
