/**
 * Signing the online roles of a channel through the boundary. A snapshot describes targets and a
 * timestamp describes a snapshot, so what is signed again pulls what follows it along.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { rolePlace, storedDocument } from "../state/documents.ts";
import type { ChannelRoles, Head, RoleVersion } from "../state/head.ts";
import type { SignedRole } from "../state/roles.ts";
import { onlineExpiry, onlineVersion, SPARE_VERSIONS } from "../state/schedule.ts";
import { channelsOf, ONLINE_ROLES, type Channel, type OnlineRole } from "../tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import type { MetaEntry } from "../tuf/roles.ts";
import { behind, isBehind } from "./roots/behind.ts";
import type { ChannelRef, RoleContent } from "./ports.ts";
import { inRounds, LostRace, waitForSwap } from "./rounds.ts";
import type { Needs, Signs } from "./service.ts";
import { readTargetsOf, readVersion } from "./store.ts";

/** A request to sign roles of one channel. */
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
  /** Versions that publishing leaves free, for the schedule and for root updates. */
  readonly spare?: number;
}

/**
 * @returns the signed roles from `job.from` on, in order; nothing is committed
 * @throws LostRace where others signed and swapped first; `busy` where no version is to be had
 */
export async function signRoles(
  service: Needs<"boundary" | "clock" | "heads" | "now" | "policy" | "randomBytes">,
  job: SigningJob,
): Promise<readonly SignedRole[]> {
  const signed: SignedRole[] = [];
  let below: RoleVersion | undefined;
  for (const role of ONLINE_ROLES) {
    if (ONLINE_ROLES.indexOf(role) < ONLINE_ROLES.indexOf(job.from)) {
      below = job.roles[role];
      continue;
    }
    try {
      signed.push(await signRole(service, job, content(role, job.targets, below)));
    } catch (error) {
      // Another writer has signed since: the document signed here is no longer the last.
      if (signed.length > 0 && unsignedBelow(error) !== null) throw new LostRace(job.ref.factory);
      throw error;
    }
    const next = signed[signed.length - 1];
    if (next === undefined) continue;
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
  service: Needs<"boundary" | "clock" | "heads" | "now" | "policy" | "randomBytes">,
  { ref, roles, from, nextRoot, spare: left = 0 }: SigningJob,
  roleContent: RoleContent,
): Promise<SignedRole> {
  const { role } = roleContent;
  // The first role decides: once it is signed the others must be, or its version is lost.
  const spare = role === from ? left : 0;
  const now = service.now();
  // Numbers never run ahead by a clock that is in doubt.
  const counted = service.clock.floor();
  const jitter = (service.randomBytes(1)[0] ?? 0) / 256;
  const expires = onlineExpiry(service.policy, role, now, jitter);
  const sign = async (version: number): Promise<SignedRole> => {
    const request = { ...ref, content: roleContent, version, expires };
    const more = { ...(nextRoot && { nextRoot }), ...(spare > 0 && { spare }) };
    const bytes = await service.boundary.sign({ ...request, ...more });
    const place = rolePlace(ref, ref.channel, role, version);
    return { channel: ref.channel, role, document: storedDocument(place, bytes), expires };
  };
  // An attempt whose swap was lost has used up its version.
  let last = roles[role]?.version ?? 0;
  let version = onlineVersion(last, counted);
  const next = async (error: unknown): Promise<void> => {
    const [taken, limit, begin] = ["last", "limit", "begin"].map((name) => fact(error, name));
    if (typeof begin === "number") {
      last = begin;
      version = onlineVersion(last, counted);
    } else if (typeof limit === "number") {
      // The boundary's clock may say less than this one: then versions count on from the last.
      const needed = Math.max(last + 1, Number(fact(error, "needed") ?? 0));
      const lower = Math.max(last + 1, limit - SPARE_VERSIONS);
      if (needed > limit || version <= lower) {
        throw usedUp(ref, role, Math.max(1, needed - limit), spare > 0);
      }
      version = lower;
    } else if (typeof taken === "number") {
      // At the first role a writer learns of the other. A writer that goes on from there has waited.
      if (role === from) await waitForSwap(service, ref, role, roles[role]?.version);
      last = taken;
      version = onlineVersion(last, counted);
    } else {
      throw error;
    }
  };
  return inRounds(async () => {
    try {
      return await sign(version);
    } catch (error) {
      await next(error);
      return null;
    }
  }, `${role} of ${ref.factory} is being signed by others: try again`);
}

function fact(error: unknown, name: string): string | number | undefined {
  return isRootwardError(error) ? error.details.facts?.[name] : undefined;
}

/** The role below whose last document is another one than the head's, by the boundary's records. */
function unsignedBelow(error: unknown): OnlineRole | null {
  const name = fact(error, "unsigned");
  return ONLINE_ROLES.find((role) => role === name) ?? null;
}

/** Versions count seconds, so that waiting helps, unless the clock was put back. */
function usedUp(
  { factory, channel }: ChannelRef,
  role: OnlineRole,
  seconds: number,
  publishing: boolean,
): RootwardError {
  const why = publishing
    ? `targets of ${factory} were published too often, and versions count seconds: try again in ` +
      `${seconds} s, and publish several targets in one request`
    : `${factory} ${channel} was signed so often that versions of ${role} are used up: try again in ` +
      `${seconds} s, or put the service's clock right`;
  return new RootwardError("busy", why);
}

/**
 * Signs what is published of a channel again, from one role on, with the content that it has.
 *
 * The boundary describes only the document that it signed last. After an attempt whose swap never came,
 * and for what an earlier release signed, that is not the head's, and the role above is signed again, too.
 *
 * @param nextRoot the root that becomes current together with it, where there is one. UTF-8
 * @returns nothing for a channel that is not published
 */
export async function signAgain(
  service: Needs<Signs>,
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
      ? await readTargetsOf(service, head, channel, roles.targets.version)
      : jsonObject({});
  try {
    return await signRoles(service, { ref, roles, from, targets, ...(nextRoot && { nextRoot }) });
  } catch (error) {
    const above = unsignedBelow(error);
    if (above === null) throw error;
    // Its signer may be about to swap.
    if (fact(error, "signed") !== undefined) {
      await waitForSwap(service, ref, above, roles[above]?.version);
    }
    return signAgain(service, head, channel, above, nextRoot);
  }
}

/**
 * Brings the boundary's trust up to the head's root of a channel.
 *
 * @throws RootwardError `roots-behind` where the boundary trusts a root that the head does not have
 */
export async function catchUp(
  service: Needs<"boundary" | "documents">,
  head: Head,
  channel: Channel,
): Promise<ChannelRef> {
  const { factory, instance, dialect } = head;
  const ref: ChannelRef = { factory, instance, dialect, channel };
  const current = head.roles[channel]?.root.version ?? 0;
  const trusted = await service.boundary.trustedRoot(ref);
  if (isBehind(head, channel, trusted)) throw behind(head, channel, trusted);
  const missing: Uint8Array[] = [];
  for (let version = trusted.version + 1; version <= current; version += 1) {
    missing.push(await readVersion(service, head, channel, "root", version));
  }
  if (missing.length > 0) await service.boundary.follow(ref, missing);
  return ref;
}

/** The same for all channels, before something is decided about roots. */
export async function catchUpAll(
  service: Needs<"boundary" | "documents">,
  head: Head,
): Promise<void> {
  for (const channel of channelsOf(head.dialect)) await catchUp(service, head, channel);
}
