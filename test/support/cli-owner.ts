/**
 * An owner with an archive on disk, and what a test may ask afterwards: does the file still open, and
 * does it hold every private key that any root of the chain lists?
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArchive, writeArchive, type ArchiveEntries } from "../../lib/archive/archive.ts";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { signingKeyFromArchive, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { readTrustedRoot } from "../../lib/tuf/chain.ts";
import { channelsOf, type Channel, type Dialect } from "../../lib/tuf/dialect.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { runCli, type CliResult } from "./cli.ts";
import type { TestServer } from "./embedded.ts";
import { claim, confirm, createFactory, fetchArchive, newClaimant, repoUrl } from "./owner.ts";
import type { FactoryOptions } from "./owner.ts";

export interface Owner {
  readonly server: TestServer;
  readonly factory: string;
  readonly dialect: Dialect;
  readonly folder: string;
  /** The archive's path. */
  readonly archive: string;
  /** For the command line. */
  readonly env: { readonly ROOTWARD_SERVER: string; readonly ROOTWARD_TOKEN: string };
}

/** Bootstraps a Factory and takes its delivery. */
export async function makeOwner(
  server: TestServer,
  factory: string,
  options: FactoryOptions = {},
): Promise<Owner> {
  const { link } = await createFactory(server, factory, options);
  const claimant = newClaimant();
  const bytes = await fetchArchive(link, await claim(server.url, link, claimant));
  const { body } = await confirm(server.url, link, claimant, bytes);
  const folder = join(server.folder, "owners", factory);
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, `${factory}.tgz`);
  writeFileSync(archive, bytes, { mode: 0o600 });
  const env = { ROOTWARD_SERVER: server.url, ROOTWARD_TOKEN: String(body["ownerToken"]) };
  return { server, factory, dialect: options.dialect ?? "tuf", folder, archive, env };
}

/** The same owner with a copy of the archive in a folder of its own. */
export function copyOwner(owner: Owner, name: string): Owner {
  const folder = join(owner.folder, name);
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, `${owner.factory}.tgz`);
  writeFileSync(archive, readFileSync(owner.archive), { mode: 0o600 });
  return { ...owner, folder, archive };
}

/** The same owner, talking to another address. */
export function via(owner: Owner, url: string): Owner {
  return { ...owner, env: { ...owner.env, ROOTWARD_SERVER: url } };
}

/** Rotates with the owner's archive. */
export async function rotateArchive(
  { archive, env }: Owner,
  ...args: readonly string[]
): Promise<CliResult> {
  return runCli(["keys", "rotate", archive, ...args], { env });
}

export async function entriesOf(file: string): Promise<ArchiveEntries> {
  return readArchive(new Uint8Array(readFileSync(file)));
}

export async function changeArchive(
  file: string,
  change: (entries: ArchiveEntries) => ArchiveEntries,
): Promise<void> {
  writeFileSync(file, await writeArchive(change(await entriesOf(file))));
  chmodSync(file, 0o600);
}

/** Every private key in an archive. */
export async function keysIn(file: string): Promise<readonly SigningKey[]> {
  return archivedKeys(await entriesOf(file)).map(({ privateText }) =>
    signingKeyFromArchive(privateText),
  );
}

/** The private key in the archive that `root` lists as a root key. */
export async function signerOf(owner: Owner, root: Root): Promise<SigningKey> {
  const key = (await keysIn(owner.archive)).find(({ publicKey }) =>
    root.roles.root.keyids.includes(rootKey(publicKey, owner.dialect).keyid),
  );
  if (key === undefined) throw new Error(`no key of root ${root.version} in ${owner.archive}`);
  return key;
}

/** One root as its owner reads it; null for a version that there is not. */
export async function rootBytes(
  { server, factory }: Owner,
  channel: Channel,
  version: number,
): Promise<Uint8Array | null> {
  const query = channel === "prod" ? "?production=1" : "";
  const response = await fetch(repoUrl(server.url, factory, `${version}.root.json${query}`), {
    headers: { "OSF-TOKEN": server.adminToken },
  });
  return response.status === 404 ? null : new Uint8Array(await response.arrayBuffer());
}

function parseRoot(owner: Owner, channel: Channel, bytes: Uint8Array): Root {
  const policy = { dialect: owner.dialect, channel, reading: "strict" } as const;
  return readTrustedRoot(bytes, policy, verifySignature);
}

/** Every root of a channel, from version 1 on. */
export async function chainOf(owner: Owner, channel: Channel): Promise<readonly Root[]> {
  const roots: Root[] = [];
  for (;;) {
    const bytes = await rootBytes(owner, channel, roots.length + 1);
    if (bytes === null) return roots;
    roots.push(parseRoot(owner, channel, bytes));
  }
}

/** Root keyids of any version of any channel whose private half is not in the archive on disk. */
export async function missingKeys(owner: Owner): Promise<readonly string[]> {
  const held = new Set((await keysIn(owner.archive)).map(({ publicKey }) => publicKey.fingerprint));
  const missing: string[] = [];
  for (const channel of channelsOf(owner.dialect)) {
    for (const { version, keys, roles } of await chainOf(owner, channel)) {
      for (const keyid of roles.root.keyids) {
        const fingerprint = keys.get(keyid)?.key.fingerprint;
        if (fingerprint === undefined || !held.has(fingerprint)) {
          missing.push(`${channel} ${version}: ${keyid}`);
        }
      }
    }
  }
  return missing;
}
