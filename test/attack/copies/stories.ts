/** What happens to a Factory, with a copy of everything at each moment that matters. */
import { startServer, type TestServer } from "../../support/embedded.ts";
import { makeCertificate, rsaKey } from "../../support/certificate.ts";
import {
  call,
  claim,
  confirm,
  fetchArchive,
  newClaimant,
  readRoot,
  repoUrl,
  rotate,
  submit,
} from "../../support/owner.ts";
import { signingKeyFromArchive, type SigningKey } from "../../../lib/crypto/signing-key.ts";
import { backupOf, copyOf, text, type Copy } from "./copy.ts";
import type { Stolen } from "./thief-search.ts";

export interface Made {
  readonly link: string;
  readonly ownerToken: string;
  readonly rootSha256: string;
  /** The public half of the root key, hex: of this one the thief wants the other. */
  readonly rootKey: string;
}

export async function make(server: TestServer, options: object = {}): Promise<Made> {
  const { status, body } = await call(`${server.url}/ota/factories/`, {
    token: server.adminToken,
    body: {
      name: "acme",
      dialect: "tuf",
      keyType: "ed25519",
      owner: { id: "owner", email: "owner@example.com" },
      provisioner: { email: "provisioner@example.com" },
      ...options,
    },
  });
  if (status !== 201) throw new Error(`bootstrap: ${status} ${JSON.stringify(body)}`);
  return madeOf(server, body);
}

export async function madeOf(server: TestServer, body: Record<string, unknown>): Promise<Made> {
  const { root, delivery } = body as {
    root: { keyids: string[]; sha256: Record<string, string> };
    delivery: { url?: string };
  };
  const { body: file } = await call(repoUrl(server.url, "acme", "root.json"), {
    token: server.adminToken,
  });
  const { keys } = file["signed"] as { keys: Record<string, { keyval: { public: string } }> };
  return {
    link: delivery.url ?? "",
    ownerToken: body["ownerToken"] as string,
    rootSha256: root.sha256["main"] ?? "",
    rootKey: keys[root.keyids[0] ?? ""]?.keyval.public ?? "",
  };
}

export async function withServer<T>(work: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await startServer();
  try {
    return await work(server);
  } finally {
    await server.remove();
  }
}

export interface Delivered {
  readonly ready: Copy;
  /** The documented backup of that moment. */
  readonly backup: readonly Stolen[];
  readonly claimed: Copy;
  readonly confirmed: Copy;
  readonly link: readonly Stolen[];
  /** What opens the certificate that the archive is encrypted to; nothing where there is none. */
  readonly card: readonly Stolen[];
  readonly rootKey: string;
}

/** Bootstrap, claim, confirmation. */
export function delivered(encrypted: boolean): Promise<Delivered> {
  return withServer(async (server) => {
    const privateKey = encrypted ? rsaKey(2048) : null;
    const recipient = privateKey && makeCertificate(privateKey);
    const { link, rootKey } = await make(server, { recipientCertificate: recipient?.pem ?? null });
    const ready = copyOf(server);
    const backup = await backupOf(server);
    const claimant = newClaimant();
    const granted = await claim(server.url, link, claimant);
    const file = await fetchArchive(link, granted);
    const claimed = copyOf(server);
    const { status } = await confirm(server.url, link, claimant, file);
    if (status !== 200) throw new Error(`confirm: ${status}`);
    const pem = privateKey?.export({ type: "pkcs8", format: "pem" }).toString();
    return {
      ready,
      backup,
      claimed,
      confirmed: copyOf(server),
      link: text("link", link),
      card: pem === undefined ? [] : text("card", pem),
      rootKey,
    };
  });
}

export interface Ended {
  readonly link: readonly Stolen[];
  readonly rootKey: string;
  /** After the link's end, and before the schedule came by. */
  readonly late: Copy;
  readonly over: Copy;
}

/** Bootstrap, and nobody comes; or somebody claims and does not confirm. */
export async function ended(claims: boolean): Promise<Ended> {
  let server = await startServer();
  try {
    const { link, rootKey } = await make(server);
    if (claims) await claim(server.url, link, newClaimant());
    server.advance(8 * 86_400_000);
    const late = copyOf(server);
    server = await server.restart();
    await until(async () => (await deliveryState(server)) === "expired");
    await until(async () => copyOf(server).archives.length === 0);
    return { link: text("link", link), rootKey, late, over: copyOf(server) };
  } finally {
    await server.remove();
  }
}

async function deliveryState(server: TestServer): Promise<unknown> {
  const { body } = await call(`${server.url}/ota/factories/acme/`, { token: server.adminToken });
  return (body["delivery"] as { state: string }).state;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

export interface Replaced {
  readonly before: Copy;
  readonly after: Copy;
  readonly oldLink: readonly Stolen[];
  readonly oldRootKey: string;
  readonly newRootKey: string;
}

/** Bootstrap, and bootstrap again before anybody came. */
export function replaced(): Promise<Replaced> {
  return withServer(async (server) => {
    const old = await make(server);
    const before = copyOf(server);
    const { status, body } = await call(`${server.url}/ota/factories/acme/rebootstrap`, {
      token: server.adminToken,
      body: { replaces: old.rootSha256 },
    });
    if (status !== 201) throw new Error(`rebootstrap: ${status}`);
    const { rootKey: newRootKey } = await madeOf(server, body);
    const oldLink = text("old link", old.link);
    return { before, after: copyOf(server), oldLink, oldRootKey: old.rootKey, newRootKey };
  });
}

export interface WithoutLink {
  readonly before: Copy;
  readonly rotated: Copy;
  readonly rootKey: string;
}

/** A Factory without a link, and its first rotation. */
export function withoutLink(): Promise<WithoutLink> {
  return withServer(async (server) => {
    const { ownerToken, rootKey } = await make(server, { delivery: "api" });
    const before = copyOf(server);
    await rotateFirst(server, await readFirstKey(server, ownerToken));
    return { before, rotated: copyOf(server), rootKey };
  });
}

export async function rotateFirst({ url, adminToken }: TestServer, key: SigningKey): Promise<void> {
  const server = { url, adminToken };
  const next = await rotate(await readRoot(server, "acme", "tuf", "main"), key);
  const { status, body } = await submit(server, "acme", next.body);
  if (status !== 200) throw new Error(`rotation: ${status} ${JSON.stringify(body)}`);
}

/** The first root key of a Factory without a link, as its owner gets it. */
export async function readFirstKey({ url }: TestServer, token: string): Promise<SigningKey> {
  const { status, body } = await call(`${url}/ota/factories/acme/first_root.sec`, { token });
  if (status !== 200) throw new Error(`first key: ${status}`);
  return signingKeyFromArchive((body["keyval"] as { private: string }).private);
}
