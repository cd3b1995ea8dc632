/**
 * What `npm run demo` tells, by the same command line: from a pipeline's token to devices that follow two
 * roots which only their owner signed.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Updater } from "tuf-js";
import { onlyJson } from "../../support/cli.ts";
import type { Dialect } from "../../../lib/tuf/dialect.ts";
import { succeeded, type Installation } from "./installation.ts";

const LIVES = [
  { factory: "acme", dialect: "tuf", channels: ["main"], keyType: "rsa" },
  { factory: "bolt", dialect: "ats", channels: ["ci", "prod"], keyType: "ed25519" },
] as const;

export function tellLives(one: Installation): void {
  describe.each(LIVES)("$factory, a Factory in $dialect", (life) => {
    tellLife(one, life);
  });
}

interface Life {
  readonly factory: string;
  readonly dialect: Dialect;
  readonly channels: readonly string[];
  readonly keyType: string;
}

function tellLife(one: Installation, { factory, dialect, channels, keyType }: Life): void {
  const archive = join(one.folder, `${factory}.tgz`);
  const [first = ""] = channels;
  let link = "";
  let ownerToken = "";
  const device = (file: string) => one.aws.ask("GET", `/repo/${factory}/${first}/${file}`);

  test("is made by a pipeline, and its owner gets a mail", async () => {
    const flags = ["--dialect", dialect, "--key-type", keyType, "--owner-email", "o@example.com"];
    const create = ["factory", "create", factory, ...flags];
    expect(await one.cli(create)).toMatchObject({ code: 1 });
    succeeded(await one.cli(create, one.provisionerToken));
    const mail = one.aws.mails.at(-1);
    expect(mail?.Destination.ToAddresses).toEqual(["o@example.com"]);
    const text = mail?.Content.Simple.Body.Text.Data ?? "";
    link = /^https:\S+$/m.exec(text)?.[0] ?? "";
    expect(link.startsWith(`${one.url}/download#`)).toBe(true);
    expect((await device("root.json")).status).toBe(404);
  }, 60_000);

  test("is delivered once, to the command line", async () => {
    const download = ["keys", "download", "-", "--json", "-o"];
    const done = await one.cli([...download, archive], undefined, `${link}\n`);
    succeeded(done);
    ownerToken = String(onlyJson(done)["ownerToken"]);
    const again = await one.cli([...download, `${archive}.2`], undefined, `${link}\n`);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("works once")]);
    expect((await device("timestamp.json")).status).toBe(200);
  }, 60_000);

  test("is rotated twice by its owner, offline", async () => {
    writeFileSync(join(one.folder, `${factory}-1.root.json`), (await device("1.root.json")).text);
    for (const type of ["ed25519", "rsa"]) {
      const rotate = ["keys", "rotate", archive, "--key-type", type];
      succeeded(await one.cli(rotate, ownerToken));
    }
    for (const channel of channels) {
      const { json } = await one.aws.ask("GET", `/repo/${factory}/${channel}/root.json`);
      expect(json()).toMatchObject({ signed: { version: 3 } });
    }
  }, 120_000);

  test("is verified from outside", async () => {
    const verify = ["root", "verify", "--factory", factory];
    const verified = succeeded(await one.cli(verify, ownerToken));
    expect(verified).toContain("every step signed by the threshold before it and its own");
    expect(verified).toMatch(/audit log\s+\d+ events, unbroken/);
  }, 60_000);

  if (dialect !== "tuf") return;
  test("is followed by a device that knew version 1 only", async () => {
    const metadataDir = join(one.folder, `${factory}-device`);
    mkdirSync(metadataDir);
    const known = readFileSync(join(one.folder, `${factory}-1.root.json`));
    writeFileSync(join(metadataDir, "root.json"), known);
    const metadataBaseUrl = `${one.aws.front}/repo/${factory}/${first}`;
    await new Updater({ metadataDir, metadataBaseUrl }).refresh();
    const root = JSON.parse(readFileSync(join(metadataDir, "root.json"), "utf8")) as {
      readonly signed: { readonly version: number };
    };
    expect(root.signed.version).toBe(3);
  }, 60_000);
}
