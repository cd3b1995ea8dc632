/**
 * Every read of what is stored of a Factory: its head, the documents that the head names, and older ones
 * by the published index. Nothing here signs, writes or decides.
 */
import { RootwardError } from "../error.ts";
import { eventPlace, rolePlace, type DocumentAddress } from "../state/documents.ts";
import { decodeEvent, type LoggedEvent } from "../state/event.ts";
import type { Head, StagedRootUpdate } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { stagedPlace } from "../state/root-update.ts";
import { FAR, MAX_VERSION } from "../state/schedule.ts";
import { readChainRoot } from "../tuf/chain.ts";
import type { Channel, Role } from "../tuf/dialect.ts";
import { isJsonObject, parseJson, type JsonObject } from "../tuf/json.ts";
import { MAX_ROLE_BYTES } from "../tuf/role-document.ts";
import type { Root } from "../tuf/root.ts";
import type { Ports } from "./ports.ts";

type Documents = Pick<Ports, "documents">;

/** @throws RootwardError `not-found` where there is no such Factory */
export async function readHead(
  { heads }: Pick<Ports, "heads">,
  factory: FactoryName,
): Promise<Head> {
  const head = await heads.read(factory);
  if (head === null) throw new RootwardError("not-found", `there is no Factory ${factory}`);
  return head;
}

/** Whether another change came since `head` was read. */
export async function isSuperseded(
  { heads }: Pick<Ports, "heads">,
  { factory, revision }: Head,
): Promise<boolean> {
  return (await heads.read(factory))?.revision !== revision;
}

/**
 * Where one version of a role lies: the newest by the head, an older one by the published index. A newer
 * one does not exist, which is what devices ask for most: it costs no read.
 *
 * @throws RootwardError `not-found`
 */
export async function findVersion(
  { documents }: Documents,
  head: Head,
  channel: Channel,
  role: Role,
  version: number,
): Promise<DocumentAddress> {
  const place = rolePlace(head, channel, role, version);
  const newest = head.roles[channel]?.[role];
  if (newest?.version === version) return { ...place, sha256: newest.sha256 };
  // A root that gave online versions a new beginning left far ones behind (signing/role-record.ts).
  const isFar = role !== "root" && version > FAR && version <= MAX_VERSION;
  const isOlder = version < (newest?.version ?? 0) || isFar;
  const sha256 = isOlder ? await documents.published(place) : null;
  if (sha256 !== null) return { ...place, sha256 };
  throw new RootwardError(
    "not-found",
    `${head.factory} ${channel} has no ${role} version ${version}`,
  );
}

/**
 * The bytes of one version of a role. UTF-8.
 *
 * @throws RootwardError `not-found`
 */
export async function readVersion(
  service: Documents,
  head: Head,
  channel: Channel,
  role: Role,
  version: number,
): Promise<Uint8Array> {
  const address = await findVersion(service, head, channel, role, version);
  const bytes = await service.documents.get(address);
  if (bytes !== null) return bytes;
  throw new RootwardError("not-found", `${head.factory} ${channel} ${role} ${version} is gone`);
}

/** The newest root of each channel that the head names; its signatures were verified when it was accepted. */
export async function currentRoot(service: Documents, head: Head, channel: Channel): Promise<Root> {
  return rootOf(service, head, channel, head.roles[channel]?.root.version ?? 0);
}

export async function rootOf(
  service: Documents,
  head: Head,
  channel: Channel,
  version: number,
): Promise<Root> {
  const bytes = await readVersion(service, head, channel, "root", version);
  return readChainRoot(bytes, { dialect: head.dialect, channel, reading: "lenient" }).root;
}

/** The `targets` member of a stored version of targets, to sign it again or to change it. */
export async function readTargetsOf(
  service: Documents,
  head: Head,
  channel: Channel,
  version: number,
): Promise<JsonObject> {
  return targetsOf(await readVersion(service, head, channel, "targets", version));
}

/** @param bytes a stored targets document. UTF-8 */
export function targetsOf(bytes: Uint8Array): JsonObject {
  const body = parseJson(bytes, { maxBytes: MAX_ROLE_BYTES });
  const signed = isJsonObject(body) ? body["signed"] : undefined;
  const targets = isJsonObject(signed) ? signed["targets"] : undefined;
  if (!isJsonObject(targets)) throw new RootwardError("internal", "stored targets are damaged");
  return targets;
}

/** The exact text of one audit event, UTF-8: the newest from the head, an older one from the published index. */
export async function readEvent(
  service: Documents,
  { factory, log }: Head,
  seq: number,
): Promise<Uint8Array> {
  const place = eventPlace(factory, seq);
  const sha256 = seq === log.seq ? log.sha256 : await service.documents.published(place);
  const bytes = sha256 === null ? null : await service.documents.get({ ...place, sha256 });
  if (bytes === null) throw new RootwardError("internal", `audit event ${seq} is missing`);
  return bytes;
}

/** The events of the log from the newest back to the one after `base`, each by the hash that the next one names. */
export async function* eventsSince(
  { documents }: Documents,
  { factory, log }: Head,
  base: number,
): AsyncGenerator<LoggedEvent> {
  let { seq, sha256 } = log;
  while (seq > base) {
    const bytes = await documents.get({ ...eventPlace(factory, seq), sha256 });
    if (bytes === null) throw new RootwardError("internal", `audit event ${seq} is missing`);
    const event = decodeEvent(bytes);
    yield event;
    if (event.previous === null) return;
    seq -= 1;
    sha256 = event.previous;
  }
}

/** The staged root of a channel, as it is stored. UTF-8. */
export async function readStagedRoot(
  { documents }: Documents,
  head: Head,
  channel: Channel,
  { staged }: StagedRootUpdate,
): Promise<Uint8Array> {
  const sha256 = staged[channel];
  const bytes = sha256 && (await documents.get({ ...stagedPlace(head, channel), sha256 }));
  if (!bytes) throw new RootwardError("internal", `the staged ${channel} root is missing`);
  return bytes;
}

/** A document by the address that {@link findVersion} gave. UTF-8. */
export async function readDocument(
  { documents }: Documents,
  address: DocumentAddress,
): Promise<Uint8Array> {
  const bytes = await documents.get(address);
  if (bytes === null) throw new RootwardError("internal", "a named document is missing");
  return bytes;
}
