/**
 * Everything that a bootstrap makes and stores before the swap that names it: keys, version 1 of the
 * root(s), the sealed archive, the link, the owner's token.
 *
 * The root key is made here, signs version 1, goes into the archive, and is dropped; it lives in this
 * call's memory and nowhere else. The archive is sealed under a key of which the service keeps half,
 * or without a link all. It all belongs to a random instance that nothing names yet, and a failed
 * attempt takes it back.
 */
import type { createFactory } from "../../api/factories.ts";
import type { AnswerOf } from "../../api/operation.ts";
import { deliveryId, makeLink, SECRET_BYTES } from "../../delivery/link.ts";
import { NONCE_BYTES, sealArchive, SHARE_BYTES } from "../../delivery/sealing.ts";
import { RootwardError } from "../../error.ts";
import type { NewInstance } from "../../state/bootstrap.ts";
import type { StoredDocument } from "../../state/documents.ts";
import type { Delivery, Head } from "../../state/head.ts";
import type { FactoryName, InstanceId } from "../../state/names.ts";
import { firstRoots } from "../../state/roles.ts";
import { sha256, sha256Text, type Sha256 } from "../../tuf/bytes.ts";
import type { Dialect } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import { rootKey, type KeyType } from "../../tuf/keys.ts";
import { newOwnerToken } from "../authorize.ts";
import { readHead } from "../store.ts";
import { shareContext } from "../delivery/deliver.ts";
import { makeArchive, makeFirstRoots, makeOnlineKeys, signFirstRoles } from "./first-metadata.ts";
import { NO_SECRET } from "../delivery/initial-key.ts";
import type { FactoryRef, MailPlace, Recipient } from "../ports.ts";
import { randomId, type Needs } from "../service.ts";

export interface InstanceSpec {
  readonly factory: FactoryName;
  readonly dialect: Dialect;
  readonly keyType: KeyType;
  readonly onlineKeyType: KeyType;
  readonly owner: Head["owner"];
  readonly provisioner: Head["provisioner"];
  readonly delivery: Delivery["mode"];
  /** The recipient that the archive is encrypted to, or null; only where there is a link. */
  readonly recipient: Recipient | null;
}

export interface Prepared {
  readonly fresh: NewInstance;
  readonly documents: readonly StoredDocument[];
  readonly ownerToken: string;
  /** Null without a link. */
  readonly link: string | null;
  /** Leaves nothing behind of an attempt that no head names. Best effort: nothing of it opens anyway. */
  readonly takeBack: () => Promise<void>;
}

/** @throws RootwardError `busy` while the clock says a year in which there was no Rootward */
export async function prepareInstance(
  service: Needs<
    | "archives"
    | "attempts"
    | "boundary"
    | "clock"
    | "heads"
    | "makeRootKey"
    | "now"
    | "policy"
    | "publicUrl"
    | "randomBytes"
    | "report"
    | "shares"
    | "tokens"
    | "wrapper"
  >,
  spec: InstanceSpec,
): Promise<Prepared> {
  const { factory, dialect } = spec;
  assertClockSet(service.now());
  const ref: FactoryRef = { factory, instance: randomId(service) as InstanceId, dialect };
  const byLink = spec.delivery === "link";
  const secret = byLink ? service.randomBytes(SECRET_BYTES) : NO_SECRET;
  // Without a link there is no secret to derive an id from, and nobody is ever asked for it.
  const idHash = byLink ? sha256Text(deliveryId(secret)) : sha256(service.randomBytes(32));
  const owner = newOwnerToken(service, { ...ref, owner: spec.owner }, null);
  const takeBack = (): Promise<void> => takeBackAttempt(service, ref, [owner.record.hash], idHash);
  try {
    const made = await make(service, spec, ref, owner, secret, idHash);
    const link = byLink ? makeLink(service.publicUrl, secret) : null;
    return { ...made, link, takeBack };
  } catch (error) {
    await takeBack();
    throw error;
  }
}

/** Machines whose clock was never set say 1970, or another year of the past. */
const NEVER_SET_BEFORE = Date.UTC(2020, 0, 1);

/** A first root by a clock that was never set would have expired once it is. */
function assertClockSet(now: number): void {
  if (now >= NEVER_SET_BEFORE) return;
  throw new RootwardError(
    "busy",
    `the service's clock says ${formatTime(now)}: set it, then try again`,
  );
}

async function make(
  service: Needs<
    | "archives"
    | "boundary"
    | "clock"
    | "heads"
    | "makeRootKey"
    | "now"
    | "policy"
    | "randomBytes"
    | "shares"
    | "tokens"
    | "wrapper"
  >,
  spec: InstanceSpec,
  ref: FactoryRef,
  { token: ownerToken, record }: ReturnType<typeof newOwnerToken>,
  secret: Uint8Array,
  idHash: Sha256,
): Promise<Pick<Prepared, "fresh" | "documents" | "ownerToken">> {
  // First of all, so that nothing is stored that no record names.
  await putDeliveryToken(service, ref, spec.owner.id, idHash);
  const rootPair = await service.makeRootKey(spec.keyType, spec.factory);
  const root = rootKey(rootPair.publicKey, ref.dialect);
  const onlineKeys = await makeOnlineKeys(service, ref, spec.onlineKeyType);
  const roots = makeFirstRoots(service, ref, rootPair, root, onlineKeys);
  const archive = await makeArchive(ref, rootPair, roots);
  const { roles, documents } = await signFirstRoles(service, ref, roots);
  // CMS as it is written has no authentication of its own, so it is what gets sealed.
  const content = spec.recipient?.seal(archive) ?? archive;
  await escrow(service, secret, idHash, content);
  const { owner, provisioner } = spec;
  await service.tokens.put(record);
  const recipient = spec.recipient?.fingerprint ?? null;
  const archived = { idHash, sha256: sha256(content), size: content.length, recipient };
  const byLink = spec.delivery === "link";
  const expiresAt = service.now() + service.policy.linkLifetime;
  const fresh: NewInstance = {
    instance: ref.instance,
    owner,
    provisioner,
    state: byLink ? "provisioned" : "live",
    roles,
    onlineKeys: {
      targets: onlineKeys.targets.keyid,
      snapshot: onlineKeys.snapshot.keyid,
      timestamp: onlineKeys.timestamp.keyid,
    },
    initialKey: { keyid: root.keyid, state: "escrowed" },
    delivery: byLink
      ? { mode: "link", state: "ready", ...archived, expiresAt }
      : { mode: "api", state: "escrowed", ...archived },
  };
  return { fresh, documents, ownerToken };
}

/**
 * The id of a link works like a token of one scope (deliver.ts). It also says what was begun, without a
 * link, too: nobody has an id whose hash is this one then.
 */
async function putDeliveryToken(
  service: Needs<"now" | "randomBytes" | "tokens">,
  { factory, instance }: FactoryRef,
  user: string,
  hash: Sha256,
): Promise<void> {
  const id = randomId(service);
  const bound = { factory, instance };
  const record = { hash, id, user, scopes: ["delivery"], bound, expiresAt: null } as const;
  await service.tokens.put({ ...record, madeAt: service.now() });
}

async function escrow(
  service: Needs<"archives" | "randomBytes" | "shares" | "wrapper">,
  secret: Uint8Array,
  idHash: Sha256,
  content: Uint8Array,
): Promise<void> {
  const share = service.randomBytes(SHARE_BYTES);
  const nonce = service.randomBytes(NONCE_BYTES);
  const sealed = await sealArchive(content, { secret, share }, nonce);
  await service.shares.put(idHash, await service.wrapper.wrap(share, shareContext(idHash)));
  await service.archives.put(idHash, sealed);
}

/**
 * Removes what was stored for a bootstrap that no head names. Its record goes last: until then
 * sweep-attempts.ts does the rest.
 *
 * @param tokens hashes
 * @param idHash of its delivery, the hash of its record
 */
export async function takeBackAttempt(
  service: Needs<"archives" | "attempts" | "boundary" | "report" | "shares" | "tokens">,
  ref: FactoryRef,
  tokens: readonly Sha256[],
  idHash: Sha256,
): Promise<void> {
  const settled = async (...work: readonly Promise<void>[]): Promise<boolean> => {
    const results = await Promise.allSettled(work);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      service.report(`taking back a bootstrap of ${ref.factory}`, result.reason);
    }
    return results.every(({ status }) => status === "fulfilled");
  };
  // On AWS the function that bootstraps may delete no token. These are hashes of what nobody was told.
  const deletes = service.attempts !== undefined;
  const done = await settled(
    service.shares.destroy(idHash),
    service.archives.delete(idHash),
    service.boundary.abandon(ref),
    ...(deletes ? tokens.map((hash) => service.tokens.delete(hash)) : []),
  );
  if (deletes && done) await settled(service.tokens.delete(idHash));
}

/**
 * Mails the link. The swap is done: a mail that cannot be sent is reported; the answer has the link.
 *
 * @returns where the mail is; `failed` where that is not known, or the link has ended meanwhile
 */
export async function sendLink(
  service: Needs<"heads" | "notifier" | "now" | "report">,
  { factory, owner, delivery }: Head,
  link: string,
): Promise<LinkMailed> {
  const { idHash, recipient } = delivery;
  const expiresAt = delivery.state === "ready" ? delivery.expiresAt : service.now();
  const { email } = owner;
  const mail = { factory, email, idHash, link, expiresAt, recipient, now: service.now() };
  try {
    const place = await service.notifier.sendLink(mail);
    // Another bootstrap may have ended the link, and taken back a mail that was not there yet.
    const { delivery: newest } = await readHead(service, factory);
    if (newest.idHash === idHash) return place;
    await service.notifier.withdrawLink(idHash);
  } catch (error) {
    service.report(`mail with the link of ${factory}`, error);
  }
  return "failed";
}

/** The outcome of the mail with the link, as far as the service knows. */
export type LinkMailed = MailPlace | "failed";

export type BootstrapResult = AnswerOf<typeof createFactory>;

/** The answer of a bootstrap, without its secrets. */
export function describeBootstrap(head: Head): BootstrapResult {
  const { delivery } = head;
  return {
    factory: head.factory,
    dialect: head.dialect,
    root: { version: 1, keyids: [head.initialKey.keyid], sha256: firstRoots(head) },
    delivery: {
      mode: delivery.mode,
      sha256: delivery.sha256,
      ...(delivery.recipient !== null && { recipient: delivery.recipient }),
      ...(delivery.state === "ready" && { expiresAt: formatTime(delivery.expiresAt) }),
    },
  };
}

/** The one answer that has them. */
export function withSecrets(
  result: BootstrapResult,
  { link, ownerToken }: Pick<Prepared, "link" | "ownerToken">,
  mail: LinkMailed | null,
): BootstrapResult {
  if (link === null || mail === null) return { ...result, ownerToken };
  return { ...result, delivery: { ...result.delivery, url: link, mail }, ownerToken };
}
