/**
 * Bootstrap: from a request to a Factory whose owner has a link, or a token that yields the key.
 *
 * The root key is made here, signs version 1, goes into the archive, and is dropped; it lives in
 * this call's memory and nowhere else. The archive is sealed under a key of which the service keeps
 * half, or without a link all. The swap that creates the head is the commit: before it, everything stored belongs to a
 * random instance that nothing names, and a failed attempt takes it back.
 */
import { RootwardError } from "../error.ts";
import { deliveryId, makeLink, SECRET_BYTES } from "../delivery/link.ts";
import { NONCE_BYTES, sealArchive, SHARE_BYTES } from "../delivery/sealing.ts";
import type { Actor } from "../factory/event.ts";
import type { Delivery, Head } from "../factory/head.ts";
import type { FactoryName, InstanceId } from "../factory/names.ts";
import { firstRoots } from "../factory/roles.ts";
import { create, type Transition } from "../factory/transition.ts";
import { sha256, sha256Text, type Sha256 } from "../tuf/bytes.ts";
import type { Dialect } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import { rootKey, type KeyType } from "../tuf/keys.ts";
import { mintOwnerToken } from "./authorize.ts";
import { storeDocuments, swapHead } from "./commit.ts";
import { shareContext } from "./deliver.ts";
import { makeArchive, makeFirstRoots, makeOnlineKeys, signFirstRoles } from "./first-metadata.ts";
import { NO_SECRET } from "./initial-key.ts";
import type { FactoryRef } from "./ports.ts";
import { moment, randomId, type Service } from "./service.ts";
import { settleQuietly } from "./settle.ts";

export interface BootstrapRequest {
  readonly name: FactoryName;
  readonly dialect: Dialect;
  readonly keyType: KeyType;
  readonly onlineKeyType: KeyType;
  readonly owner: { readonly id: string; readonly email: string };
  readonly delivery: Delivery["mode"];
}

export interface BootstrapResult {
  readonly factory: FactoryName;
  readonly dialect: Dialect;
  readonly root: {
    readonly version: 1;
    readonly keyids: readonly string[];
    /** Of root version 1 of each channel. */
    readonly sha256: Readonly<Record<string, Sha256>>;
  };
  readonly delivery: {
    readonly mode: Delivery["mode"];
    readonly expiresAt?: string;
    readonly url?: string;
  };
  /** In the first answer only, as is the link. */
  readonly ownerToken?: string;
  /** In a replay: why link and token are not here. */
  readonly note?: string;
}

/**
 * @param createdWith the hashed Idempotency-Key, or null
 * @returns with `url` and `ownerToken`; for a replay under the same key without them
 * @throws RootwardError `factory-exists`
 */
export async function bootstrap(
  service: Service,
  request: BootstrapRequest,
  actor: Actor,
  createdWith: Sha256 | null,
): Promise<BootstrapResult> {
  const existing = await replay(service, request, createdWith);
  if (existing !== null) return existing;
  const instance = randomId(service) as InstanceId;
  const ref: FactoryRef = { factory: request.name, instance, dialect: request.dialect };
  const link = request.delivery === "link";
  const secret = link ? service.randomBytes(SECRET_BYTES) : NO_SECRET;
  // Without a link there is no secret to derive an id from, and nobody is ever asked for it.
  const idHash = link ? sha256Text(deliveryId(secret)) : sha256(service.randomBytes(32));
  let prepared: Prepared;
  try {
    prepared = await prepare(service, request, ref, secret, idHash, actor, createdWith);
    await storeDocuments(service, prepared.transition);
  } catch (error) {
    await takeBack(service, ref, idHash);
    throw error;
  }
  // From here on an error leaves it unknown whether the Factory exists, so nothing is taken back.
  const { transition, ownerToken } = prepared;
  if (await swapHead(service, transition)) {
    const result = describe(transition.head);
    if (!link) {
      await settleQuietly(service, request.name);
      return { ...result, ownerToken };
    }
    const url = makeLink(service.publicUrl, secret);
    await sendLink(service, transition.head, url);
    return { ...result, delivery: { ...result.delivery, url }, ownerToken };
  }
  await takeBack(service, ref, idHash);
  const winner = await replay(service, request, createdWith);
  if (winner !== null) return winner;
  throw new RootwardError("busy", `Factory ${request.name} is being created: try again`);
}

interface Prepared {
  readonly transition: Transition;
  readonly ownerToken: string;
}

/** Makes and stores everything that the first head names; the root key's life is this call. */
async function prepare(
  service: Service,
  request: BootstrapRequest,
  ref: FactoryRef,
  secret: Uint8Array,
  idHash: Sha256,
  actor: Actor,
  createdWith: Sha256 | null,
): Promise<Prepared> {
  const rootPair = await service.makeRootKey(request.keyType);
  const root = rootKey(rootPair.publicKey, ref.dialect);
  const onlineKeys = await makeOnlineKeys(service, ref, request.onlineKeyType);
  const roots = makeFirstRoots(service, ref, rootPair, root, onlineKeys);
  const archive = await makeArchive(ref, rootPair, roots);
  const { roles, documents } = await signFirstRoles(service, ref, roots);
  await escrow(service, secret, idHash, archive);
  const { owner, dialect, name: factory } = request;
  const { instance } = ref;
  const ownerToken = await mintOwnerToken(service, { factory, instance, owner });
  const archived = { idHash, sha256: sha256(archive), size: archive.length, recipient: null };
  const link = request.delivery === "link";
  if (link) await putDeliveryToken(service, ref, owner.id, idHash);
  const expiresAt = service.now() + service.policy.linkLifetime;
  const first: Omit<Head, "revision" | "log" | "dueAt"> = {
    factory,
    instance,
    dialect,
    owner,
    createdWith,
    state: link ? "provisioned" : "live",
    roles,
    onlineKeys: {
      targets: onlineKeys.targets.keyid,
      snapshot: onlineKeys.snapshot.keyid,
      timestamp: onlineKeys.timestamp.keyid,
    },
    initialKey: { keyid: root.keyid, state: "escrowed" },
    delivery: link
      ? { mode: "link", state: "ready", ...archived, expiresAt }
      : { mode: "api", state: "escrowed", ...archived },
    retiring: [],
    rootUpdate: null,
    applied: null,
    expiryTold: null,
    // A mail with the link tells the owner; without one, a notice of the first event.
    pending: link ? [] : [{ kind: "notify", ref: "1" }],
  };
  const hashes = roots.map(({ channel, document }) => [channel, document.address.sha256] as const);
  const details = jsonObject({
    dialect,
    keyids: [root.keyid],
    roots: jsonObject(Object.fromEntries(hashes)),
  });
  return { transition: create(first, documents, details, moment(service, actor)), ownerToken };
}

/** The id of a link works like a token of one scope (deliver.ts). */
async function putDeliveryToken(
  service: Service,
  { factory, instance }: FactoryRef,
  user: string,
  hash: Sha256,
): Promise<void> {
  const id = randomId(service);
  const bound = { factory, instance };
  await service.tokens.put({ hash, id, user, scopes: ["delivery"], bound, expiresAt: null });
}

async function escrow(
  service: Service,
  secret: Uint8Array,
  idHash: Sha256,
  archive: Uint8Array,
): Promise<void> {
  const share = service.randomBytes(SHARE_BYTES);
  const nonce = service.randomBytes(NONCE_BYTES);
  const sealed = await sealArchive(archive, { secret, share }, nonce);
  await service.shares.put(idHash, await service.wrapper.wrap(share, shareContext(idHash)));
  await service.archives.put(idHash, sealed);
}

/** The Factory exists: a mail that cannot be sent is reported; the answer carries the link too. */
async function sendLink(
  service: Service,
  { factory, owner, delivery }: Head,
  link: string,
): Promise<void> {
  const { idHash } = delivery;
  const expiresAt = delivery.state === "ready" ? delivery.expiresAt : service.now();
  const mail = { factory, email: owner.email, idHash, link, expiresAt, now: service.now() };
  try {
    await service.notifier.sendLink(mail);
  } catch (error) {
    service.report(`mail with the link of ${factory}`, error);
  }
}

/** Leaves nothing behind of an attempt that no head names. Best effort: nothing of it opens anyway. */
async function takeBack(service: Service, ref: FactoryRef, idHash: Sha256): Promise<void> {
  const results = await Promise.allSettled([
    service.shares.destroy(idHash),
    service.archives.delete(idHash),
    service.boundary.abandon(ref),
  ]);
  for (const result of results) {
    if (result.status === "rejected") {
      service.report(`taking back a bootstrap of ${ref.factory}`, result.reason);
    }
  }
}

/**
 * What an existing Factory answers to this request: the same again for the same Idempotency-Key.
 *
 * @throws RootwardError `factory-exists` for anybody else
 */
async function replay(
  service: Service,
  { name }: BootstrapRequest,
  createdWith: Sha256 | null,
): Promise<BootstrapResult | null> {
  const head = await service.heads.read(name);
  if (head === null) return null;
  if (createdWith === null || head.createdWith !== createdWith) {
    throw new RootwardError("factory-exists", `there is a Factory ${name} already`);
  }
  return {
    ...describe(head),
    note:
      "this Factory was created by an earlier request with this Idempotency-Key; " +
      (head.delivery.mode === "link"
        ? "link and owner token were in that answer only. If neither it nor the mail arrived, the " +
          "Factory must be bootstrapped again"
        : "the owner token was in that answer only. If it did not arrive, an admin token makes " +
          "another"),
  };
}

function describe(head: Head): BootstrapResult {
  const { delivery } = head;
  return {
    factory: head.factory,
    dialect: head.dialect,
    root: {
      version: 1,
      keyids: [head.initialKey.keyid],
      sha256: firstRoots(head),
    },
    delivery: {
      mode: delivery.mode,
      ...(delivery.state === "ready" && { expiresAt: formatTime(delivery.expiresAt) }),
    },
  };
}
