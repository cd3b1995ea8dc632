/**
 * A Factory made for fioctl (`delivery: "api"`), its users with a token each, and the checks that must
 * hold after every story: both chains verify from version 1 on, the log names each root, and no private
 * key of the owner is readable in a file of the service. Nothing here needs a test runner, so interop/
 * uses it as well.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { listTarball } from "../cli-tar.ts";
import type { TestServer } from "../embedded.ts";
import { objections } from "../independent-check.ts";
import { claim, confirm, createFactory, fetchArchive, newClaimant } from "../owner.ts";
import { findIn, privateKeyForms, readFolder } from "../secrets.ts";
import { roleOf, type RootDocument } from "./root-document.ts";

/** What of a server a Factory needs. */
export type Host = Pick<TestServer, "url" | "adminToken" | "folder">;

/** The folder of the owners' files, beside the service's. */
const OWNERS = "fioctl";

/** A user of one Factory, as fioctl's configuration names them. */
export interface Account {
  readonly url: string;
  readonly factory: string;
  readonly token: string;
}

export interface Factory {
  readonly host: Host;
  readonly name: string;
  /** The account of its owner. */
  readonly alice: Account;
  /** A path in a folder of its own. */
  file(name: string): string;
}

/** @param options.keyType of the first root key */
export async function openFactory(
  host: Host,
  name: string,
  options: { readonly keyType?: string } = {},
): Promise<Factory> {
  const { keyType = "ed25519" } = options;
  const owner = { id: "alice", email: "alice@example.com" };
  const created = await post(`${host.url}/ota/factories/`, host.adminToken, {
    name,
    dialect: "ats",
    keyType,
    owner,
    delivery: "api",
  });
  return factoryOf(host, name, String(created["ownerToken"]));
}

/** The same where the archive comes by a link: it is `alice.tgz`. */
export async function openLinkFactory(host: Host, name: string): Promise<Factory> {
  const { link } = await createFactory(host, name, { dialect: "ats" });
  const claimant = newClaimant();
  const bytes = await fetchArchive(link, await claim(host.url, link, claimant));
  const { body } = await confirm(host.url, link, claimant, bytes);
  const factory = factoryOf(host, name, String(body["ownerToken"]));
  writeFileSync(factory.file("alice.tgz"), bytes, { mode: 0o600 });
  return factory;
}

function factoryOf(host: Host, name: string, token: string): Factory {
  const folder = join(host.folder, OWNERS);
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, `${name}-`));
  const alice = { url: host.url, factory: name, token };
  return { host, name, alice, file: (file) => join(own, file) };
}

/** Another user, with a token that the owner mints. */
export async function addUser(
  { host, name, alice }: Factory,
  user: string,
  scopes: readonly string[] = ["root:read", "root:update"],
): Promise<Account> {
  const url = `${host.url}/ota/factories/${name}/tokens/`;
  const minted = await post(url, alice.token, { user, scopes });
  return { url: host.url, factory: name, token: String(minted["token"]) };
}

async function post(
  url: string,
  token: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "OSF-TOKEN": token, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.text();
  if (response.status !== 201) throw new Error(`POST ${url}: ${response.status} ${answer}`);
  return JSON.parse(answer) as Record<string, unknown>;
}

export interface Chains {
  readonly ci: readonly RootDocument[];
  readonly prod: readonly RootDocument[];
  /** Everything wrong with them, as found by a verifier that is not ours. */
  readonly problems: readonly string[];
}

/**
 * Reads both chains as they are served, and judges them.
 *
 * @param options.onlineKeys `new` where online keys were rotated
 */
export async function readChains(
  factory: Factory,
  options: { readonly onlineKeys?: "kept" | "new" } = {},
): Promise<Chains> {
  const { onlineKeys = "kept" } = options;
  const problems: string[] = [];
  const chain = async (prod: boolean): Promise<readonly RootDocument[]> => {
    const roots = await fetchRoots(factory.alice, prod);
    for (const [index, next] of roots.entries()) {
      const current = roots[index - 1];
      if (current === undefined) continue;
      // Roots in the middle of a chain may have expired since, so any time is early enough.
      const reasons = objections({ dialect: "ats", current, next, now: 0 }).filter(
        (reason) => onlineKeys === "kept" || !reason.endsWith(": another key"),
      );
      const where = `${prod ? "prod" : "ci"} root ${index + 1}`;
      problems.push(...reasons.map((reason) => `${where}: ${reason}`));
    }
    return roots.map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as RootDocument);
  };
  const [ci, prod] = [await chain(false), await chain(true)];
  if (ci.length !== prod.length) problems.push(`${ci.length} ci roots, ${prod.length} prod roots`);
  for (const [index, root] of ci.entries()) {
    if (alike(root, prod[index])) continue;
    problems.push(`version ${index + 1}: ci and prod differ in more than the targets threshold`);
  }
  problems.push(...(await unlogged(factory, ci.length)), ...leaked(factory));
  return { ci, prod, problems };
}

/** The roots that the audit log does not name, or names with another hash. */
async function unlogged({ alice }: Factory, versions: number): Promise<readonly string[]> {
  const { url, factory, token } = alice;
  const logged = new Map<string, string>();
  for (let from: number | null = 1; from !== null;) {
    const path = `/ota/factories/${factory}/log/?from=${from}`;
    const response = await fetch(url + path, { headers: { "OSF-TOKEN": token } });
    const page = (await response.json()) as { events: string[]; next: number | null };
    for (const text of page.events) {
      const { type, details } = JSON.parse(text) as { type: string; details: LoggedRoots };
      if (type !== "root-accepted") continue;
      for (const [channel, { version, sha256 }] of Object.entries(details.roots)) {
        logged.set(`${channel} ${version}`, sha256);
      }
    }
    from = page.next;
  }
  const problems: string[] = [];
  for (let version = 2; version <= versions; version += 1) {
    for (const channel of ["ci", "prod"]) {
      const bytes = (await fetchRoot(alice, version, channel === "prod")) ?? "";
      const hash = createHash("sha256").update(bytes).digest("hex");
      if (logged.get(`${channel} ${version}`) === hash) continue;
      problems.push(`${channel} root ${version}: the log has another one, or none`);
    }
  }
  return problems;
}

interface LoggedRoots {
  readonly roots: Readonly<Record<string, { readonly version: number; readonly sha256: string }>>;
}

/** Files of the service that hold a private key of the owner's, in whatever form. */
function leaked({ host, file }: Factory): readonly string[] {
  const own = file("");
  const texts = readdirSync(own)
    .filter((name) => name.endsWith(".tgz"))
    .flatMap((name) => listTarball(readFileSync(join(own, name))))
    .filter(({ name }) => name.endsWith(".sec"))
    .map(({ body }) => JSON.parse(body.toString()) as { keyval: { private: string } });
  // fioctl before 0.30 writes the public half after the seed.
  const forms = texts.flatMap(({ keyval }) => {
    const text = keyval.private;
    return privateKeyForms(text.startsWith("-----") ? text : text.slice(0, 64));
  });
  const service = readFolder(host.folder).filter((one) => !one.file.includes(`/${OWNERS}/`));
  return findIn(service, forms).map((name) => `a private key is readable in ${name}`);
}

/** Every version from 1 on, until there is none. */
async function fetchRoots(account: Account, prod: boolean): Promise<readonly Uint8Array[]> {
  const roots: Uint8Array[] = [];
  for (let version = 1; ; version += 1) {
    const bytes = await fetchRoot(account, version, prod);
    if (bytes === null) return roots;
    roots.push(bytes);
  }
}

/** @returns null where there is no such version */
async function fetchRoot(
  { url, factory, token }: Account,
  version: number,
  prod: boolean,
): Promise<Uint8Array | null> {
  const query = prod ? "?production=1" : "";
  const path = `/ota/repo/${factory}/api/v1/user_repo/${version}.root.json${query}`;
  const response = await fetch(url + path, { headers: { "OSF-TOKEN": token } });
  if (response.status === 404) return null;
  if (response.status !== 200) throw new Error(`GET ${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Whether only the targets threshold differs. */
function alike(ci: RootDocument, prod: RootDocument | undefined): boolean {
  if (prod === undefined) return false;
  const targets = { ...roleOf(prod, "targets"), threshold: roleOf(ci, "targets").threshold };
  const roles = { ...prod.signed.roles, targets };
  return isDeepStrictEqual({ ...prod.signed, roles }, ci.signed);
}

/** The last root of a chain. */
export function latest(chain: readonly RootDocument[]): RootDocument {
  const root = chain.at(-1);
  if (root === undefined) throw new Error("the chain is empty");
  return root;
}

/** The ids of the keys that signed a file that devices read. */
export async function signersOfDeviceFile(
  { host, name }: Factory,
  file: string,
): Promise<readonly string[]> {
  const response = await fetch(`${host.url}/repo/${name}/${file}`);
  if (response.status !== 200) throw new Error(`${file}: ${response.status}`);
  const { signatures } = (await response.json()) as { signatures: { keyid: string }[] };
  return signatures.map(({ keyid }) => keyid);
}
