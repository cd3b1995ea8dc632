/**
 * `npm run demo`: a Factory's whole life on one machine, in both dialects, on real input: a real
 * server, the real command line, and a standard TUF client as the device. Every claim that it prints
 * is checked, and it ends with exit code 0 only if all of them held.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Updater } from "tuf-js";
import { readArchive } from "../lib/archive/archive.ts";
import { archivedKeys } from "../lib/archive/keys.ts";
import { startDemoServer, type DemoServer } from "./server.ts";
import { findIn, privateKeyForms, readFolder } from "../test/support/secrets.ts";
import { Story } from "./story.ts";
import type { Dialect } from "../lib/tuf/dialect.ts";

const folder = mkdtempSync(join(tmpdir(), "rootward-demo-"));
const story = new Story();

try {
  story.say(
    "Rootward keeps the root keys of device fleets. This is one Factory's whole life, twice.",
  );
  const server = await story.step("start the service in an empty folder", () =>
    startDemoServer(folder),
  );
  try {
    await tellLife(server, "acme", "tuf", "TUF 1.0, for every standard TUF client");
    await tellLife(server, "bolt", "ats", "the dialect of fioctl and aktualizr");
  } finally {
    await server.stop();
  }
} catch (error) {
  story.failed(error);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = story.end();

async function tellLife(
  server: DemoServer,
  factory: string,
  dialect: Dialect,
  what: string,
): Promise<void> {
  story.chapter(`Factory ${factory}, dialect ${dialect}: ${what}`);
  const channel = dialect === "tuf" ? "main" : "ci";
  const device = async (file: string): Promise<Response> =>
    fetch(`${server.url}/repo/${factory}/${channel}/${file}`);

  story.say("1. A provisioning pipeline bootstraps the Factory.");
  const options = ["--dialect", dialect, "--key-type", "rsa", "--owner-email", "owner@example.com"];
  await story.step("create it: RSA-4096 root key, online keys, metadata, sealed archive", () =>
    server.cli(["factory", "create", factory, ...options], server.adminToken),
  );
  const mail = readdirSync(server.outbox).find((name) => name.startsWith("download-")) ?? "";
  const letter = readFileSync(join(server.outbox, mail), "utf8").replaceAll("\r", "");
  story.quote(
    letter
      .slice(letter.indexOf("\n\n") + 2)
      .trimEnd()
      .split("\n"),
  );
  const link = /^http\S+$/m.exec(letter)?.[0] ?? "";
  await story.check(
    "no device is served yet",
    async () => (await device("root.json")).status === 404,
  );

  story.say("2. The owner opens the link, once, and confirms that the archive is safe.");
  const archiveFile = join(folder, `${factory}.tgz`);
  const download = ["keys", "download", "-", "-o", archiveFile];
  const delivered = await story.step("download, check and confirm the archive", () =>
    server.cli([...download, "--json"], undefined, link),
  );
  const { ownerToken } = JSON.parse(delivered.stdout) as { ownerToken: string };
  await story.check("a second claim of the link is refused", async () => {
    const again = await server.tryCli(
      ["keys", "download", "-", "-o", join(folder, "second.tgz")],
      undefined,
      link,
    );
    story.quote([again.stderr.trim().split("\n").at(-1) ?? ""]);
    return again.code === 1 && again.stderr.includes("works once");
  });
  await story.check("sealed archive, server share and mail are gone from the service", () => {
    const left = readdirSync(join(server.data, "archives"));
    const mails = readdirSync(server.outbox).filter((name) => name.startsWith("download-"));
    return left.length === 0 && mails.length === 0 && server.countShares() === 0;
  });
  const [first] = archivedKeys(await readArchive(readFileSync(archiveFile)));
  await story.check("the root private key is in no file of the service, in any encoding", () => {
    const forms = privateKeyForms(first?.privateText ?? "");
    // The search is shown to work on the one place where the key is.
    const control = { file: "control", bytes: Buffer.from(first?.privateText ?? "") };
    const found = findIn(readFolder(join(folder, "service")), forms);
    return findIn([control], forms).length === 1 && found.length === 0;
  });
  await story.check("devices are served from now on", async () => {
    return (await device("root.json")).ok && (await device("timestamp.json")).ok;
  });
  const firstRoot = new Uint8Array(await (await device("1.root.json")).arrayBuffer());

  story.say("3. The owner rotates the root offline: the new keys never leave this machine.");
  for (const [keyType, reason] of [
    ["ed25519", "first rotation: a key that only the owner ever had"],
    ["rsa", "second rotation"],
  ] as const) {
    await story.step(`rotate to a new ${keyType} root key`, () =>
      server.cli(["keys", "rotate", archiveFile, "--key-type", keyType, "-m", reason], ownerToken),
    );
  }
  const verified = await story.step("verify chain, online roles and audit log from outside", () =>
    server.cli(["root", "verify", "--factory", factory], ownerToken),
  );
  story.quote(verified.stdout.trim().split("\n"));

  if (dialect !== "tuf") return;
  story.say("4. A device with a standard TUF client knows only version 1 of the root.");
  const metadataDir = join(folder, "device");
  mkdirSync(metadataDir);
  writeFileSync(join(metadataDir, "root.json"), firstRoot);
  await story.check("tuf-js follows the chain to root version 3 and gets targets", async () => {
    const metadataBaseUrl = `${server.url}/repo/${factory}/${channel}`;
    const updater = new Updater({ metadataDir, metadataBaseUrl });
    await updater.refresh();
    const version = (role: string): number => {
      const text = readFileSync(join(metadataDir, `${role}.json`), "utf8");
      return (JSON.parse(text) as { signed: { version: number } }).signed.version;
    };
    return version("root") === 3 && version("targets") > 0;
  });
}
