/**
 * Signing the online roles of a channel through the boundary. A snapshot describes targets and a
 * timestamp describes a snapshot, so what is signed again pulls what follows it along.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { rolePlace, storedDocument, type DocumentAddress } from "../factory/documents.ts";
import type { ChannelRoles, Head, RoleVersion } from "../factory/head.ts";
import type { SignedRole } from "../factory/roles.ts";
import { onlineExpiry, onlineVersion } from "../factory/schedule.ts";
import {
  channelsOf,
  ONLINE_ROLES,
  type Channel,
  type OnlineRole,
  type Role,
} from "../tuf/dialect.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../tuf/json.ts";
import { MAX_ROLE_BYTES } from "../tuf/role-document.ts";
import type { MetaEntry } from "../tuf/roles.ts";
import { behind, isBehind } from "./behind.ts";
import { LostRace, waitForSwap } from "./lost-race.ts";
import type { ChannelRef, RoleContent } from "./ports.ts";
import type { Service } from "./service.ts";

/** How often a version is taken anew that somebody else took first. */
const MAX_ROUNDS = 20;

/** What is to be signed for one channel. */
export interface SigningJob {
  readonly ref: ChannelRef;
  /** The roles as they are; for a new Factory only the root. */
  readonly roles: ChannelRoles;
  /** The first role to sign; those after it follow. */
  readonly from: OnlineRole;
  /** The content of targets where it is signed; otherwise unused. */
  readonly targets: JsonObject;
  /** The root that becomes current together with them, where there is one. UTF-8. */
  readonly nextRoot?: Uint8Array;
}

/**
 * @returns the signed roles from `job.from` on, in order; nothing is committed
 * @throws LostRace where others signed and swapped first; `busy` where no version is to be had
 */
export async function signRoles(service: Service, job: SigningJob): Promise<readonly SignedRole[]> {
  const signed: SignedRole[] = [];
  let below: RoleVersion | undefined;
  for (const role of ONLINE_ROLES) {
    if (ONLINE_ROLES.indexOf(role) < ONLINE_ROLES.indexOf(job.from)) {
      below = job.roles[role];
      continue;
    }
    const next = await signRole(service, job, content(role, job.targets, below));
    signed.push(next);
    const { address, bytes } = next.document;
    below = { ...address, length: bytes.length, expires: next.expires };
  }
  return signed;
}

function content(
  role: OnlineRole,
  targets: JsonObject,
  below: RoleVersion | undefined,
): RoleContent {
  if (role === "targets") return { role, targets };
  if (below === undefined) throw new RootwardError("internal", `nothing for ${role} to describe`);
  const meta: MetaEntry = { version: below.version, length: below.length, sha256: below.sha256 };
  return { role, meta };
}

async function signRole(
  service: Service,
  { ref, roles, from, nextRoot }: SigningJob,
  roleContent: RoleContent,
): Promise<SignedRole> {
  const { role } = roleContent;
  const now = service.now();
  const jitter = (service.randomBytes(1)[0] ?? 0) / 256;
  const expires = onlineExpiry(service.policy, role, now, jitter);
  const sign = async (version: number): Promise<SignedRole> => {
    const request = { ...ref, content: roleContent, version, expires };
    const bytes = await service.boundary.sign({ ...request, ...(nextRoot && { nextRoot }) });
    const place = rolePlace(ref, ref.channel, role, version);
    return { channel: ref.channel, role, document: storedDocument(place, bytes), expires };
  };
  // An attempt whose swap was lost has used up its version.
  let last = roles[role]?.version ?? 0;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const version = onlineVersion(last, now);
    try {
      return await sign(version);
    } catch (error) {
      const facts = isRootwardError(error) ? error.details.facts : undefined;
      const [taken, limit] = [facts?.["last"], facts?.["limit"]];
      if (typeof limit === "number") throw usedUp(ref, role, version - limit);
      if (typeof taken !== "number") throw error;
      // At the first role one learns of the other; whoever goes on from there has waited.
      if (role === from) await waitForSwap(service.heads, ref, role, roles[role]?.version);
      last = taken;
    }
  }
  throw new RootwardError("busy", `${role} of ${ref.factory} is being signed by others: try again`);
}

/** Versions count seconds, so that waiting helps, unless the clock went back by itself. */
function usedUp({ factory, channel }: ChannelRef, role: OnlineRole, seconds: number) {
  return new RootwardError(
    "busy",
    `${factory} ${channel} was signed so often that versions of ${role} are used up: try again in ` +
      `${seconds} s, or put the service's clock right`,
  );
}

/**
 * Signs what is published of a channel again, from one role on, with the content that it has.
 *
 * @param nextRoot the root that becomes current together with it, where there is one. UTF-8
 * @returns nothing for a channel that is not published
 */
export async function signAgain(
  service: Service,
  head: Head,
  channel: Channel,
  from: OnlineRole,
  nextRoot?: Uint8Array,
): Promise<readonly SignedRole[]> {
  const roles = head.roles[channel];
  if (roles?.targets === undefined) return [];
  const ref = await catchUp(service, head, channel);
  const targets =
    from === "targets"
      ? targetsOf(await readVersion(service, head, channel, "targets", roles.targets.version))
      : jsonObject({});
  return signRoles(service, { ref, roles, from, targets, ...(nextRoot && { nextRoot }) });
}

/**
 * Brings the boundary's trust up to the head's root of a channel.
 *
 * @throws RootwardError `roots-behind` where the boundary trusts a root that the head does not have
 */
export async function catchUp(service: Service, head: Head, channel: Channel): Promise<ChannelRef> {
  const { factory, instance, dialect } = head;
  const ref: ChannelRef = { factory, instance, dialect, channel };
  const current = head.roles[channel]?.root.version ?? 0;
  const trusted = await service.boundary.trustedRoot(ref);
  if (isBehind(head, channel, trusted)) {
    // The boundary follows a swap: where one came since this head was read, nothing is behind.
    const newest = await service.heads.read(factory);
    if (newest?.revision !== head.revision) throw new LostRace(factory);
    throw behind(head, channel, trusted);
  }
  const missing: Uint8Array[] = [];
  for (let version = trusted.version + 1; version <= current; version += 1) {
    missing.push(await readVersion(service, head, channel, "root", version));
  }
  if (missing.length > 0) await service.boundary.follow(ref, missing);
  return ref;
}

/** The same for all channels, before something is decided about roots. */
export async function catchUpAll(service: Service, head: Head): Promise<void> {
  for (const channel of channelsOf(head.dialect)) await catchUp(service, head, channel);
}

/**
 * Where one version of a role lies: the newest by the head, an older one by the published index. A newer
 * one does not exist, which is what devices ask for most: it costs no read.
 *
 * @throws RootwardError `not-found`
 */
export async function findVersion(
  service: Pick<Service, "documents">,
  head: Head,
  channel: Channel,
  role: Role,
  version: number,
): Promise<DocumentAddress> {
  const place = rolePlace(head, channel, role, version);
  const newest = head.roles[channel]?.[role];
  if (newest?.version === version) return { ...place, sha256: newest.sha256 };
  const isOlder = version < (newest?.version ?? 0);
  const sha256 = isOlder ? await service.documents.published(place) : null;
  if (sha256 !== null) return { ...place, sha256 };
  throw new RootwardError(
    "not-found",
    `${head.factory} ${channel} has no ${role} version ${version}`,
  );
}

/**
 * The bytes of one version of a role.
 *
 * @throws RootwardError `not-found`
 */
export async function readVersion(
  service: Pick<Service, "documents">,
  head: Head,
  channel: Channel,
  role: Role,
  version: number,
): Promise<Uint8Array> {
  const bytes = await service.documents.get(
    await findVersion(service, head, channel, role, version),
  );
  if (bytes !== null) return bytes;
  throw new RootwardError("not-found", `${head.factory} ${channel} ${role} ${version} is gone`);
}

/** The `targets` member of a stored targets document, to sign it again unchanged. */
export function targetsOf(bytes: Uint8Array): JsonObject {
  const body = parseJson(bytes, { maxBytes: MAX_ROLE_BYTES });
  const signed = isJsonObject(body) ? body["signed"] : undefined;
  const targets = isJsonObject(signed) ? signed["targets"] : undefined;
  if (!isJsonObject(targets)) throw new RootwardError("internal", "stored targets are damaged");
  return targets;
}
