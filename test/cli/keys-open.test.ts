/**
 * `keys open` writes what a certificate's private key opens if it is an archive with its root keys, and
 * nothing otherwise. Every refusal says what to do, and none repeats a passphrase or a key.
 */
import { spawn } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArchive, writeArchive } from "../../lib/archive/archive.ts";
import { sealToRecipient } from "../../lib/crypto/envelope.ts";
import { readRecipientCertificate } from "../../lib/crypto/recipient.ts";
import { askSecret, type SecretInput } from "../../lib/cli/keys/secret-input.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { makeCertificate, rsaKey } from "../support/certificate.ts";
import { makeOwner, type Owner } from "../support/cli-owner.ts";
import { onlyJson, runCli, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

const PASSPHRASE = "correct horse";
const OWNER = makeCertificate(rsaKey(2048));

let server: TestServer;
let owner: Owner;
let archive: Uint8Array;
beforeAll(async () => {
  server = await startServer();
  owner = await makeOwner(server, "sealed");
  archive = readFileSync(owner.archive);
});
afterAll(() => server.remove());

function seal(content: Uint8Array): Uint8Array {
  return sealToRecipient(content, readRecipientCertificate(OWNER.pem, Date.now()));
}

function pem(key: KeyObject, type: "pkcs1" | "pkcs8", cipher?: string): string {
  const format = "pem" as const;
  return cipher === undefined
    ? key.export({ type, format }).toString()
    : key.export({ type, format, cipher, passphrase: PASSPHRASE }).toString();
}

interface Case {
  readonly folder: string;
  readonly sealed: string;
  readonly key: string;
  /** Where it goes without -o. */
  readonly output: string;
}

function makeCase(
  name: string,
  { content = seal(archive), key = pem(OWNER.privateKey, "pkcs8") } = {},
): Case {
  const folder = join(server.folder, "open", name.replaceAll(/\W/g, "-"));
  mkdirSync(folder, { recursive: true });
  const output = join(folder, "sealed.tgz");
  const files = { folder, output, sealed: `${output}.p7m`, key: join(folder, "key.pem") };
  writeFileSync(files.sealed, content);
  writeFileSync(files.key, key);
  return files;
}

async function open(
  { folder, key }: Case,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  return runCli(["keys", "open", "sealed.tgz.p7m", "--key", key, ...args], { cwd: folder, env });
}

function expectNothingWritten({ folder, key }: Case, result: CliResult, code = 1): void {
  expect(result).toMatchObject({ code, stdout: "" });
  expect(readdirSync(folder).sort()).toEqual(["key.pem", "sealed.tgz.p7m"]);
  expect(result.stderr).not.toContain(PASSPHRASE);
  const lines = existsSync(key) ? readFileSync(key, "utf8").split("\n") : [];
  for (const line of lines.filter(({ length }) => length > 40))
    expect(result.stderr).not.toContain(line);
}

describe("opens with", () => {
  const rows: readonly (readonly [string, string, Record<string, string>])[] = [
    ["PKCS#8", pem(OWNER.privateKey, "pkcs8"), {}],
    ["PKCS#1", pem(OWNER.privateKey, "pkcs1"), {}],
    [
      "encrypted PKCS#8",
      pem(OWNER.privateKey, "pkcs8", "aes-256-cbc"),
      { ROOTWARD_KEY_PASSPHRASE: PASSPHRASE },
    ],
    [
      "an encrypted PEM of old",
      pem(OWNER.privateKey, "pkcs1", "des-ede3-cbc"),
      { ROOTWARD_KEY_PASSPHRASE: PASSPHRASE },
    ],
  ];
  test.each(rows)("%s", async (name, key, env) => {
    const files = makeCase(name, { key });
    const before = readFileSync(files.sealed);
    const done = onlyJson(await open(files, ["--json"], env));
    expect(done).toEqual({
      file: files.output,
      sha256: sha256(archive),
      keyids: [expect.stringMatching(/^[0-9a-f]{64}$/)],
    });
    expect(new Uint8Array(readFileSync(files.output))).toEqual(new Uint8Array(archive));
    expect(statSync(files.output).mode & 0o777).toBe(0o600);
    expect(readdirSync(files.folder).sort()).toEqual(["key.pem", "sealed.tgz", "sealed.tgz.p7m"]);
    expect(readFileSync(files.sealed)).toEqual(before);
  });

  test("a file named by -o, and tells the next command, which works", async () => {
    const files = makeCase("rotate");
    const result = await open(files, ["-o", "own.tgz"]);
    expect(result.code).toBe(0);
    const next = /^ {2}rootward (keys rotate \S+)$/m.exec(result.stdout)?.[1] ?? "";
    expect(next).toBe(`keys rotate ${join(files.folder, "own.tgz")}`);
    const rotated = await runCli([...next.split(" "), "--json"], { env: owner.env });
    expect(onlyJson(rotated)).toMatchObject({ factory: "sealed" });
  });
});

describe("refuses, and writes nothing:", () => {
  const words = (text: string): Uint8Array => new TextEncoder().encode(text);
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const rows: readonly (readonly [string, Parameters<typeof makeCase>[1], RegExp])[] = [
    [
      "another certificate's key",
      { key: pem(rsaKey(2048), "pkcs8") },
      /private key does not open it/,
    ],
    ["an EC key", { key: pem(ec, "pkcs8") }, /expected the RSA private key .*, got one of ec/],
    ["the certificate for the key", { key: OWNER.pem }, /in PEM, got something else/],
    ["words for the key", { key: "hello" }, /in PEM, got something else/],
    ["words for the file", { content: words("hello") }, /expected CMS EnvelopedData in DER/],
    [
      "something else inside",
      { content: seal(words("hello")) },
      /no whole archive .*compare its SHA/,
    ],
    ["what is too large", { content: new Uint8Array(33 * 2 ** 20) }, /too large to be a sealed/],
  ];
  test.each(rows)("%s", async (name, options, expected) => {
    const files = makeCase(name, options);
    const result = await open(files);
    expectNothingWritten(files, result);
    expect(result.stderr).toMatch(expected);
  });

  test("an archive that is not sealed", async () => {
    const files = makeCase("unsealed", { content: archive });
    const result = await open(files);
    expectNothingWritten(files, result);
    expect(result.stderr).toContain("expected CMS EnvelopedData in DER: this is another file");
  });

  test("an archive without its private key, and one without its root", async () => {
    const entries = await readArchive(archive);
    for (const gone of [/\.sec$/, /\.root\.json$/, /factory\.json$/]) {
      const left = [...entries].filter(([name]) => !gone.test(name));
      const content = seal(await writeArchive(new Map(left)));
      const files = makeCase(`without-${gone.source}`, { content });
      const result = await open(files);
      expectNothingWritten(files, result);
      expect(result.stderr).toMatch(/opened, but what was in it is no whole archive/);
    }
  });

  test("a sealed archive that was damaged", async () => {
    const content = Uint8Array.from(seal(archive));
    content[content.length - 100] = (content.at(-100) ?? 0) ^ 1;
    const files = makeCase("damaged", { content });
    const result = await open(files);
    expectNothingWritten(files, result);
    expect(result.stderr).toMatch(/compare its SHA-256 with the one that you were told/);
  });

  test("a wrong passphrase, and none", async () => {
    for (const type of ["pkcs1", "pkcs8"] as const) {
      const key = pem(OWNER.privateKey, type, "aes-256-cbc");
      const files = makeCase(`passphrase-${type}`, { key });
      const wrong = await open(files, [], { ROOTWARD_KEY_PASSPHRASE: "wrong battery" });
      expectNothingWritten(files, wrong);
      expect(wrong.stderr).toContain("the passphrase does not open it");
      expect(wrong.stderr).not.toContain("battery");
      const none = await open(files);
      expectNothingWritten(files, none, 2);
      expect(none.stderr).toContain("is encrypted: give its passphrase in ROOTWARD_KEY_PASSPHRASE");
    }
  });

  test("files and folders that are not there", async () => {
    const files = makeCase("missing");
    const missing = { ...files, key: join(files.folder, "nowhere.pem") };
    const key = await open(missing);
    expectNothingWritten(files, key, 2);
    expect(key.stderr).toMatch(/--key: cannot read .*nowhere\.pem: ENOENT/);
    expectNothingWritten(files, await open(files, ["-o", "no/where.tgz"]), 2);
    const args = ["keys", "open", "nowhere.tgz.p7m", "--key", files.key];
    const file = await runCli(args, { cwd: files.folder });
    expectNothingWritten(files, file);
    expect(file.stderr).toContain("cannot read nowhere.tgz.p7m: ENOENT");
    const unnamed = await runCli(["keys", "open", "key.pem", "--key", files.key], {
      cwd: files.folder,
    });
    expectNothingWritten(files, unnamed, 2);
    expect(unnamed.stderr).toContain("name the archive with -o: key.pem does not end in .p7m");
    expectNothingWritten(files, await runCli(["keys", "open", "sealed.tgz.p7m"]), 2);
  });
});

test("a file in the way stays, even one with the same content", async () => {
  for (const content of [archive, new Uint8Array(3)]) {
    const files = makeCase("in-the-way");
    writeFileSync(files.output, content, { mode: 0o644 });
    const result = await open(files);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("sealed.tgz exists already; nothing was written");
    expect(new Uint8Array(readFileSync(files.output))).toEqual(new Uint8Array(content));
  }
});

describe("a passphrase that is typed", () => {
  // A terminal of its own, where there is a command for that (util-linux).
  const SCRIPT = "/usr/bin/script";
  const onTerminal = existsSync(SCRIPT) ? test : test.skip;

  onTerminal("is asked for and not shown", async () => {
    const files = makeCase("typed", { key: pem(OWNER.privateKey, "pkcs8", "aes-256-cbc") });
    const entry = join(import.meta.dirname, "../../bin/rootward.js");
    const command = `${process.execPath} ${entry} keys open sealed.tgz.p7m --key key.pem`;
    const child = spawn(SCRIPT, ["-qec", command, "/dev/null"], {
      cwd: files.folder,
      env: { PATH: process.env["PATH"], NO_COLOR: "1" },
    });
    let shown = "";
    const asked = Promise.withResolvers<void>();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      shown += text;
      if (shown.includes("passphrase of key.pem (not shown):")) asked.resolve();
    });
    const ended = Promise.withResolvers<number | null>();
    child.on("close", (code) => {
      asked.resolve();
      ended.resolve(code);
    });
    await asked.promise;
    child.stdin.write(`${PASSPHRASE}X\u007f\r`);
    expect(await ended.promise).toBe(0);
    expect(shown).toContain("root key");
    expect(shown).not.toContain("horse");
    expect(new Uint8Array(readFileSync(files.output))).toEqual(new Uint8Array(archive));
  });

  const rows: readonly (readonly [string, readonly string[], string | null])[] = [
    ["a line", ["secret\r"], "secret"],
    ["a line in pieces", ["se", "c", "ret\n"], "secret"],
    ["corrections", ["x\u007fsecreu\u007f\u0008et\r"], "secret"],
    ["characters of two units", ["a\u{1f511}\u{1f512}\u007f\r"], "a\u{1f511}"],
    ["an empty line", ["\r"], ""],
    ["^C", ["sec\u0003ret\r"], null],
    ["^D", ["\u0004"], null],
  ];
  test.each(rows)("%s", async (_, chunks, expected) => {
    const modes: boolean[] = [];
    const listeners = new Set<(chunk: string) => void>();
    const input: SecretInput = {
      setRawMode: (on) => modes.push(on),
      setEncoding: () => undefined,
      resume: () => undefined,
      pause: () => undefined,
      on: (_event, listener) => listeners.add(listener),
      off: (_event, listener) => listeners.delete(listener),
    };
    const typed = askSecret(input, () => expect(modes).toEqual([true]));
    for (const chunk of chunks) for (const listener of listeners) listener(chunk);
    if (expected === null) await expect(typed).rejects.toMatchObject({ code: "usage" });
    else expect(await typed).toBe(expected);
    expect(modes).toEqual([true, false]);
    expect(listeners.size).toBe(0);
  });
});
