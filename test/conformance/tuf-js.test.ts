/**
 * The standard client as the judge: tuf-js knows version 1 of the root and nothing else, and must
 * follow every rotation, RSA and Ed25519 in both orders, to the newest metadata.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Updater } from "tuf-js";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import type { KeyType } from "../../lib/tuf/keys.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { createFactory, deliver, firstKey, readRoot, rotate, submit } from "../support/owner.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

const ORDERS: readonly { readonly name: string; readonly types: readonly KeyType[] }[] = [
  { name: "ed-first", types: ["ed25519", "rsa", "ed25519", "ed25519", "rsa", "rsa"] },
  { name: "rsa-first", types: ["rsa", "ed25519", "rsa", "rsa", "ed25519", "ed25519"] },
];

/** A device's metadata folder that trusts `root`. */
function device(name: string, root: Uint8Array): string {
  const folder = join(server.folder, `device-${name}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "root.json"), root);
  return folder;
}

async function refresh(folder: string, factory: string): Promise<void> {
  const metadataBaseUrl = `${server.url}/repo/${factory}/main`;
  const updater = new Updater({ metadataDir: folder, metadataBaseUrl });
  await updater.refresh();
  expect(await updater.getTargetInfo("no-such-target")).toBeUndefined();
}

function versionIn(folder: string, role: string): number {
  const text = readFileSync(join(folder, `${role}.json`), "utf8");
  return (JSON.parse(text) as { signed: { version: number } }).signed.version;
}

describe.each(ORDERS)("tuf-js follows $name", ({ name, types }) => {
  test("from version 1 through five rotations, step by step and all at once", async () => {
    const [first = "rsa", ...rotations] = types;
    const { link } = await createFactory(server, name, { dialect: "tuf", keyType: first });
    let key: SigningKey = firstKey(await deliver(server.url, link));
    const response = await fetch(`${server.url}/repo/${name}/main/1.root.json`);
    const firstRoot = new Uint8Array(await response.arrayBuffer());
    const stepping = device(`${name}-stepping`, firstRoot);
    await refresh(stepping, name);
    for (const [i, keyType] of rotations.entries()) {
      const current = await readRoot(server, name, "tuf", "main");
      const { body, newKey } = await rotate(current, key, { keyType });
      expect(await submit(server, name, body)).toMatchObject({ status: 200 });
      key = newKey;
      await refresh(stepping, name);
      expect(versionIn(stepping, "root")).toBe(i + 2);
    }
    const late = device(`${name}-late`, firstRoot);
    await refresh(late, name);
    for (const folder of [stepping, late]) {
      expect(versionIn(folder, "root")).toBe(6);
      for (const role of ["timestamp", "snapshot", "targets"]) {
        expect(versionIn(folder, role)).toBeGreaterThan(0);
      }
    }
  });
});

test("a device that trusts another root accepts nothing", async () => {
  const [one, two] = ["fleet-one", "fleet-two"];
  for (const name of [one, two]) {
    await deliver(server.url, (await createFactory(server, name)).link);
  }
  const response = await fetch(`${server.url}/repo/${one}/main/root.json`);
  const folder = device("stranger", new Uint8Array(await response.arrayBuffer()));
  await expect(refresh(folder, two)).rejects.toThrow(/signed|threshold|verif/i);
});
