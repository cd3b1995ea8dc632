/**
 * A Factory made for the client (`delivery: "api"`), its users with a token each, and what must hold
 * after every story: both chains verify from version 1 on, download-roots gives all of them, the log
 * tells of each root, and no private key of the owner's is readable in a file of the service.
 * Nothing here needs a test runner, so interop/ has it too.
 */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { listTarball } from "../cli-tar.ts";
import type { TestServer } from "../embedded.ts";
import { objections, saysTheSame } from "../independent-check.ts";
import { findIn, privateKeyForms, readFolder } from "../secrets.ts";
import { decodeRoot, roleOf, signedBytes, withRole, type TufRoot } from "./documents.ts";
import { fioctl } from "./fioctl.ts";
import type { ClientOptions } from "./http.ts";

/** What of a server a Factory needs. */
export type Host = Pick<TestServer, "url" | "adminToken" | "folder">;

/** The folder of the owners' files, beside the service's. */
const OWNERS = "fioctl";

export interface Factory {
  readonly host: Host;
  readonly name: string;
  /** Its owner. */
  readonly alice: ClientOptions;
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
  const folder = join(host.folder, OWNERS);
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, `${name}-`));
  return {
    host,
    name,
    alice: { url: host.url, factory: name, token: String(created["ownerToken"]) },
    file: (file) => join(own, file),
  };
}

/** Another user, with a token that the owner mints. */
export async function addUser(
  { host, name, alice }: Factory,
  user: string,
  scopes: readonly string[] = ["root:read", "root:update"],
): Promise<ClientOptions> {
  const url = `${host.url}/ota/factories/${name}/tokens/`;
  const minted = await post(url, alice.token ?? "", { user, scopes });
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
  readonly ci: readonly TufRoot[];
  readonly prod: readonly TufRoot[];
  /** What is wrong with them, by a verifier that is not ours. */
  readonly problems: readonly string[];
}

/**
 * Reads both chains by `download-roots` and as served, and has them judged.
 *
 * @param options.onlineKeys `new` where online keys were rotated
 */
export async function readChains(
  factory: Factory,
  options: { readonly onlineKeys?: "kept" | "new" } = {},
): Promise<Chains> {
  const { onlineKeys = "kept" } = options;
  const problems: string[] = [];
  const chain = async (prod: boolean): Promise<readonly TufRoot[]> => {
    const archive = factory.file(prod ? "prod-roots.tgz" : "ci-roots.tgz");
    await fioctl(factory.alice).downloadRoots({ archive, prod });
    const entries = listTarball(readFileSync(archive));
    for (const [index, { name, body }] of entries.entries()) {
      const where = `${prod ? "prod" : "ci"} ${name}`;
      if (name !== `${index + 1}.root.json`) problems.push(`${where}: not in its place`);
      if (!saysTheSame(body, await fetchRoot(factory.alice, index + 1, prod))) {
        problems.push(`${where}: another one is served`);
      }
      const current = entries[index - 1]?.body;
      if (current === undefined) continue;
      // Roots in the middle of a chain may have expired since, so any time is early enough.
      const reasons = objections({ dialect: "ats", current, next: body, now: 0 }).filter(
        (reason) => onlineKeys === "kept" || !reason.endsWith(": another key"),
      );
      problems.push(...reasons.map((reason) => `${where}: ${reason}`));
    }
    return entries.map(({ body }) => decodeRoot(body.toString()));
  };
  const [ci, prod] = [await chain(false), await chain(true)];
  if (ci.length !== prod.length) problems.push(`${ci.length} ci roots, ${prod.length} prod roots`);
  for (const [index, root] of ci.entries()) {
    if (alike(root, prod[index])) continue;
    problems.push(`version ${index + 1}: ci and prod differ in more than the targets threshold`);
  }
  problems.push(...(await untold(factory, ci.length)), ...leaked(factory));
  return { ci, prod, problems };
}

/** The roots that the audit log does not tell of, or tells of otherwise. */
async function untold({ alice }: Factory, versions: number): Promise<readonly string[]> {
  const { url, factory, token = "" } = alice;
  const told = new Map<string, string>();
  for (let from: number | null = 1; from !== null;) {
    const path = `/ota/factories/${factory}/log/?from=${from}`;
    const response = await fetch(url + path, { headers: { "OSF-TOKEN": token } });
    const page = (await response.json()) as { events: string[]; next: number | null };
    for (const text of page.events) {
      const { type, details } = JSON.parse(text) as { type: string; details: LoggedRoots };
      if (type !== "root-accepted") continue;
      for (const [channel, { version, sha256 }] of Object.entries(details.roots)) {
        told.set(`${channel} ${version}`, sha256);
      }
    }
    from = page.next;
  }
  const problems: string[] = [];
  for (let version = 2; version <= versions; version += 1) {
    for (const channel of ["ci", "prod"]) {
      const bytes = await fetchRoot(alice, version, channel === "prod");
      const hash = createHash("sha256").update(bytes).digest("hex");
      if (told.get(`${channel} ${version}`) === hash) continue;
      problems.push(`${channel} root ${version}: the log tells of another, or of none`);
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

async function fetchRoot(
  client: ClientOptions,
  version: number,
  prod: boolean,
): Promise<Uint8Array> {
  const query = prod ? "?production=1" : "";
  const path = `/ota/repo/${client.factory}/api/v1/user_repo/${version}.root.json${query}`;
  const response = await fetch(client.url + path, { headers: { "OSF-TOKEN": client.token ?? "" } });
  return new Uint8Array(await response.arrayBuffer());
}

/** But for the targets threshold. */
function alike(ci: TufRoot, prod: TufRoot | undefined): boolean {
  if (prod === undefined) return false;
  const same = withRole(prod, "targets", { threshold: roleOf(ci, "targets").threshold });
  return signedBytes(same) === signedBytes(ci);
}

/** The last of a chain. */
export function latest(chain: readonly TufRoot[]): TufRoot {
  const root = chain.at(-1);
  if (root === undefined) throw new Error("an empty chain");
  return root;
}

/** A file that devices read, and who signed it. */
export async function signersOfDeviceFile(
  { host, name }: Factory,
  file: string,
): Promise<readonly string[]> {
  const response = await fetch(`${host.url}/repo/${name}/${file}`);
  if (response.status !== 200) throw new Error(`${file}: ${response.status}`);
  const { signatures } = (await response.json()) as { signatures: { keyid: string }[] };
  return signatures.map(({ keyid }) => keyid);
}

/** The names in an archive, sorted. */
export function namesIn(archive: string): readonly string[] {
  return listTarball(readFileSync(archive))
    .map(({ name }) => name)
    .sort();
}
