/** A provisioner and an owner who call the use cases directly, in steps that a test can interrupt. */
import { readArchive } from "../../lib/archive/archive.ts";
import { makeSigningKey, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { isRootwardError } from "../../lib/error.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { deliveryId, parseLink } from "../../lib/delivery/link.ts";
import { openArchive } from "../../lib/delivery/sealing.ts";
import type { ClaimAnswer } from "../../lib/delivery/claim.ts";
import type { FactoryName } from "../../lib/state/names.ts";
import { firstRoots } from "../../lib/state/roles.ts";
import { bootstrap } from "../../lib/service/bootstrap/bootstrap.ts";
import type { BootstrapResult, InstanceSpec } from "../../lib/service/bootstrap/new-instance.ts";
import type { Principal } from "../../lib/service/authorize.ts";
import { readHead, readVersion } from "../../lib/service/store.ts";
import { claim, confirm } from "../../lib/service/delivery/deliver.ts";
import { rebootstrap, type RebootstrapRequest } from "../../lib/service/bootstrap/rebootstrap.ts";
import { OWNER_SCOPES } from "../../lib/state/scopes.ts";
import type { Service } from "../../lib/service/service.ts";
import { submitRoot } from "../../lib/service/roots/submit-root.ts";
import { fromBase64Url, sha256, sha256Text, type Sha256 } from "../../lib/tuf/bytes.ts";
import { readTrustedRoot } from "../../lib/tuf/chain.ts";
import { channelsOf, type Channel, type Dialect } from "../../lib/tuf/dialect.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { rotatedRoot, withTargetsThreshold } from "../../lib/tuf/roles.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { DAY, type TestWorld } from "./memory-service.ts";
import { firstKey, signRoot } from "./owner.ts";

export const FACTORY = "acme" as FactoryName;
/** Two people; a claimant is 16 to 64 characters. */
export const ALICE = "alice-drew-this-at-random";
export const MALLORY = "mallory-drew-this-instead";

export async function bootstrapOf(
  service: Service,
  dialect: Dialect,
  options: Partial<Pick<InstanceSpec, "factory" | "delivery" | "provisioner">> & {
    readonly createdWith?: Sha256 | null;
  } = {},
): Promise<BootstrapResult> {
  const request = {
    factory: options.factory ?? FACTORY,
    dialect,
    keyType: "ed25519",
    onlineKeyType: "ed25519",
    owner: { id: "owner", email: "owner@example.com" },
    provisioner: options.provisioner ?? null,
    delivery: options.delivery ?? "link",
    recipient: null,
  } as const;
  await known(service, PROVISIONER);
  return bootstrap(service, request, PROVISIONER, options.createdWith ?? null);
}

/** Somebody who may make Factories. */
const PROVISIONER: Principal = {
  scope: "factory:create",
  token: {
    hash: sha256Text("provisioner token"),
    id: "pipeline",
    user: "pipeline",
    scopes: ["factory:create"],
    bound: null,
    expiresAt: null,
  },
  actor: "token:pipeline",
};

/** Stores a principal's token, unless it is there. */
export async function known(service: Service, { token }: Principal): Promise<Principal["token"]> {
  if ((await service.tokens.find(token.hash)) === null) await service.tokens.put(token);
  return token;
}

/** Bootstraps again, naming the version 1 that is there, unless told otherwise. */
export async function rebootstrapOf(
  service: Service,
  options: Partial<RebootstrapRequest> = {},
): Promise<BootstrapResult> {
  const [replaces = ""] = Object.values(firstRoots(await readHead(service, FACTORY)));
  await known(service, options.principal ?? PROVISIONER);
  return rebootstrap(service, {
    factory: FACTORY,
    principal: PROVISIONER,
    replaces,
    ownerToken: null,
    noDeviceExists: false,
    keyType: null,
    onlineKeyType: null,
    owner: null,
    provisionerEmail: null,
    recipient: undefined,
    ...options,
  });
}

/** @returns the code of the refusal, or `done` */
export async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (isRootwardError(error)) return error.code;
    throw error;
  }
}

/** @returns the link of a new Factory */
export async function newFactory(world: TestWorld, dialect: Dialect): Promise<string> {
  const { delivery } = await bootstrapOf(world.start().service, dialect);
  if (delivery.url === undefined) throw new Error("bootstrap without a link");
  return delivery.url;
}

export function claimAs(service: Service, link: string, claimant: string): Promise<ClaimAnswer> {
  return claim(service, { id: deliveryId(parseLink(link).secret), claimant });
}

/** A service whose presigned URLs can be opened. */
interface Opening {
  readonly service: Service & {
    readonly archives: { open(url: string, now: number): Promise<Uint8Array | null> };
  };
}

/** Fetches and opens what a granted claim names. */
export async function openDelivered(
  { service }: Opening,
  link: string,
  { archiveUrl, share }: ClaimAnswer,
): Promise<Uint8Array> {
  const object = await service.archives.open(archiveUrl, service.now());
  if (object === null) throw new Error("the presigned URL yields nothing");
  const { secret } = parseLink(link);
  return openArchive(object, { secret, share: fromBase64Url(share) ?? new Uint8Array() });
}

/** Claims and opens. @returns the archive */
export async function takeArchive(
  process: Opening,
  link: string,
  claimant: string,
): Promise<Uint8Array> {
  return openDelivered(process, link, await claimAs(process.service, link, claimant));
}

export function confirmAs(service: Service, link: string, claimant: string, archive: Uint8Array) {
  const id = deliveryId(parseLink(link).secret);
  return confirm(service, { id, claimant, sha256: sha256(archive) });
}

/** A Factory whose owner holds the archive and has confirmed it. @returns the archive */
export async function liveFactory(world: TestWorld, dialect: Dialect): Promise<Uint8Array> {
  const process = world.start();
  const link = await newFactory(world, dialect);
  const archive = await takeArchive(process, link, ALICE);
  await confirmAs(process.service, link, ALICE, archive);
  return archive;
}

export type Roots = readonly (readonly [Channel, Uint8Array])[];

/** The next root of every channel, in the order in which they are sent, signed on one machine. */
export async function nextRoots(
  { service }: { readonly service: Service },
  archive: Uint8Array,
): Promise<{ readonly roots: Roots; readonly newKey: SigningKey }> {
  const oldKey = firstKey(await readArchive(archive));
  const newKey = await makeSigningKey("ed25519");
  const { dialect } = await readHead(service, FACTORY);
  const [first = "main"] = channelsOf(dialect);
  const signed = rotatedRoot(await currentRoot(service, first), {
    remove: [rootKey(oldKey.publicKey, dialect).keyid],
    add: rootKey(newKey.publicKey, dialect),
    expires: service.now() + 365 * DAY,
    changelog: { user: "owner", message: "test", time: service.now() },
  });
  const roots = channelsOf(dialect).map((channel) => {
    const own = channel === "prod" ? withTargetsThreshold(signed, 2) : signed;
    return [channel, signRoot(own, [oldKey, newKey], dialect)] as const;
  });
  return { roots, newKey };
}

async function currentRoot(service: Service, channel: Channel): Promise<Root> {
  const head = await readHead(service, FACTORY);
  const version = head.roles[channel]?.root.version ?? 0;
  const bytes = await readVersion(service, head, channel, "root", version);
  return readTrustedRoot(
    bytes,
    { dialect: head.dialect, channel, reading: "strict" },
    verifySignature,
  );
}

export async function submitAs(service: Service, channel: Channel, body: Uint8Array) {
  const token = {
    hash: sha256Text("owner token"),
    id: "test",
    user: "owner",
    scopes: OWNER_SCOPES,
    bound: null,
    expiresAt: null,
  };
  const principal = { token, actor: "token:test", scope: "root:update" } as const;
  await known(service, principal);
  return submitRoot(service, { factory: FACTORY, channel, body, principal, dryRun: false });
}
