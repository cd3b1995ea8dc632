/**
 * A provisioner and an owner over HTTP, without the CLI: small steps that a test can interrupt,
 * repeat and do at once. Answers are returned as they come, refusals included.
 */
import { randomBytes } from "node:crypto";
import { readArchive, type ArchiveEntries } from "../../lib/archive/archive.ts";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { makeSigningKey, signingKeyFromArchive } from "../../lib/crypto/signing-key.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { deliveryId, parseLink } from "../../lib/delivery/link.ts";
import { openArchive } from "../../lib/delivery/sealing.ts";
import { fromBase64Url, sha256 } from "../../lib/tuf/bytes.ts";
import { canonicalize } from "../../lib/tuf/canonical.ts";
import { readTrustedRoot } from "../../lib/tuf/chain.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import type { Channel, Dialect } from "../../lib/tuf/dialect.ts";
import type { JsonObject } from "../../lib/tuf/json.ts";
import { rootKey, type KeyType } from "../../lib/tuf/keys.ts";
import { envelope, rotatedRoot } from "../../lib/tuf/roles.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { signatureObject } from "../../lib/tuf/signatures.ts";
import { fetchDescribed } from "./described.ts";

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export async function call(
  url: string,
  options: {
    readonly method?: string;
    readonly token?: string;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  } = {},
): Promise<Answer> {
  const { method, token, body } = options;
  const response = await fetchDescribed(url, {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      ...(token !== undefined && { "OSF-TOKEN": token }),
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...options.headers,
    },
    ...(body !== undefined && {
      body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body),
    }),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text) as Record<string, unknown> };
}

export interface Created {
  readonly link: string;
  readonly ownerToken: string;
}

export interface FactoryOptions {
  readonly dialect?: Dialect;
  readonly keyType?: KeyType;
  readonly onlineKeyType?: KeyType;
  /** PEM. */
  readonly recipientCertificate?: string;
}

export async function createFactory(
  server: { readonly url: string; readonly adminToken: string },
  name: string,
  options: FactoryOptions = {},
): Promise<Created> {
  const { dialect = "tuf", keyType = "ed25519", onlineKeyType = "ed25519" } = options;
  const { recipientCertificate } = options;
  const owner = { id: "owner", email: "owner@example.com" };
  const { status, body } = await call(`${server.url}/ota/factories/`, {
    token: server.adminToken,
    body: { name, dialect, keyType, onlineKeyType, owner, recipientCertificate },
  });
  if (status !== 201) throw new Error(`bootstrap of ${name}: ${status} ${JSON.stringify(body)}`);
  const { url } = body["delivery"] as { url: string };
  return { link: url, ownerToken: body["ownerToken"] as string };
}

/** Bootstraps again; names the version 1 that is there, unless `body` does. */
export async function rebootstrap(
  server: { readonly url: string; readonly adminToken: string },
  factory: string,
  body: Readonly<Record<string, unknown>> = {},
  token = server.adminToken,
): Promise<Answer> {
  const url = `${server.url}/ota/factories/${factory}`;
  const replaces = body["replaces"] ?? (await firstHash(server, factory));
  return call(`${url}/rebootstrap`, { token, body: { ...body, replaces } });
}

/** What the service says of a Factory, to its provisioner. */
export async function stateOf(
  { url, adminToken }: { readonly url: string; readonly adminToken: string },
  factory: string,
): Promise<Record<string, unknown>> {
  const { body } = await call(`${url}/ota/factories/${factory}/`, { token: adminToken });
  return body;
}

/** SHA-256 of the first channel's root, as the state tells it; empty where there is no Factory. */
export async function firstHash(
  server: { readonly url: string; readonly adminToken: string },
  factory: string,
): Promise<string> {
  const { roles = {} } = (await stateOf(server, factory)) as {
    roles?: Record<string, { root: { sha256: string } }>;
  };
  return Object.values(roles)[0]?.root.sha256 ?? "";
}

/** Draws a claimant. */
export function newClaimant(): string {
  return randomBytes(24).toString("base64url");
}

/** The link's T and id. */
export function linkParts(link: string): { secret: Uint8Array; id: string } {
  const { secret } = parseLink(link);
  return { secret, id: deliveryId(secret) };
}

export async function claim(url: string, link: string, claimant: string): Promise<Answer> {
  const { id } = linkParts(link);
  return call(`${url}/download/claim`, { body: { id, claimant } });
}

/** Fetches and opens what a granted claim names. */
export async function fetchArchive(link: string, granted: Answer): Promise<Uint8Array> {
  const { archiveUrl, share } = granted.body as { archiveUrl: string; share: string };
  const response = await fetch(archiveUrl);
  if (!response.ok) throw new Error(`archive: ${response.status}`);
  const object = new Uint8Array(await response.arrayBuffer());
  const { secret } = linkParts(link);
  return openArchive(object, { secret, share: fromBase64Url(share) ?? new Uint8Array() });
}

export async function confirm(
  url: string,
  link: string,
  claimant: string,
  archive: Uint8Array,
): Promise<Answer> {
  const { id } = linkParts(link);
  return call(`${url}/download/confirm`, { body: { id, claimant, sha256: sha256(archive) } });
}

export interface TakenOver {
  readonly entries: ArchiveEntries;
  readonly ownerToken: string;
  readonly confirmAgain: () => Promise<Answer>;
}

/** The whole delivery. @returns the archive's entries, and the token that takes the bootstrap's place */
export async function takeOver(url: string, link: string): Promise<TakenOver> {
  const claimant = newClaimant();
  const granted = await claim(url, link, claimant);
  const archive = await fetchArchive(link, granted);
  const confirmAgain = () => confirm(url, link, claimant, archive);
  const { status, body } = await confirmAgain();
  if (status !== 200) throw new Error(`confirm: ${status}`);
  const ownerToken = String(body["ownerToken"]);
  return { entries: await readArchive(archive), ownerToken, confirmAgain };
}

/** The whole delivery, for a test that needs no token of the owner afterwards. */
export async function deliver(url: string, link: string): Promise<ArchiveEntries> {
  return (await takeOver(url, link)).entries;
}

/** The root key of version 1, out of the archive. */
export function firstKey(entries: ArchiveEntries): SigningKey {
  const [key] = archivedKeys(entries);
  if (key === undefined) throw new Error("archive without a key");
  return signingKeyFromArchive(key.privateText);
}

export function repoUrl(url: string, factory: string, file: string): string {
  return `${url}/ota/repo/${factory}/api/v1/user_repo/${file}`;
}

/** The current root of a channel, as its owner reads it. */
export async function readRoot(
  server: { readonly url: string; readonly adminToken: string },
  factory: string,
  dialect: Dialect,
  channel: Channel,
): Promise<Root> {
  const query = channel === "prod" ? "?production=1" : "";
  const response = await fetch(repoUrl(server.url, factory, `root.json${query}`), {
    headers: { "OSF-TOKEN": server.adminToken },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return readTrustedRoot(bytes, { dialect, channel, reading: "strict" }, verifySignature);
}

/** Signs `signed` with each of `keys`. */
export function signRoot(
  signed: JsonObject,
  keys: readonly SigningKey[],
  dialect: Dialect,
): Uint8Array {
  const message = canonicalize(signed, dialect);
  return envelope(
    signed,
    keys.map((key) => {
      const { keyid } = rootKey(key.publicKey, dialect);
      return signatureObject(keyid, key.publicKey, key.sign(message), dialect);
    }),
  );
}

export interface Rotated {
  readonly body: Uint8Array;
  readonly signed: JsonObject;
  readonly newKey: SigningKey;
}

/** A good next root in which a new key takes the place of `oldKey`. */
export async function rotate(
  current: Root,
  oldKey: SigningKey,
  options: { readonly keyType?: KeyType; readonly user?: string; readonly now?: number } = {},
): Promise<Rotated> {
  const { dialect } = current;
  const newKey = await makeSigningKey(options.keyType ?? "ed25519");
  const now = options.now ?? Date.now();
  const signed = rotatedRoot(current, {
    remove: [rootKey(oldKey.publicKey, dialect).keyid],
    add: rootKey(newKey.publicKey, dialect),
    expires: now + 365 * 86_400_000,
    changelog: { user: options.user ?? "admin", message: "test", time: now },
  });
  return { body: signRoot(signed, [oldKey, newKey], dialect), signed, newKey };
}

export async function submit(
  server: { readonly url: string; readonly adminToken: string },
  factory: string,
  body: Uint8Array,
  query = "",
): Promise<Answer> {
  return call(repoUrl(server.url, factory, `root${query}`), { token: server.adminToken, body });
}
