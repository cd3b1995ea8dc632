/**
 * When a Factory needs attention, and how long its metadata lives. A fleet must
 * never meet expired metadata because of us, so roles are signed again long before they expire.
 */
import { ALL_CHANNELS, ONLINE_ROLES, type Channel, type OnlineRole } from "../tuf/dialect.ts";
import { nextExpiryNotice } from "./expiry.ts";
import type { Head } from "./head.ts";

const DAY = 86_400_000;

export interface RefreshPolicy {
  readonly roles: Readonly<Record<OnlineRole, { lifetime: number; refreshWhenLeft: number }>>;
  /** The lifetime of root version 1; the service never signs another root. */
  readonly rootLifetime: number;
  /** How long an unclaimed link works. When one was made is reckoned from it (delivery.ts). */
  readonly linkLifetime: number;
  /** How long the first claimant may fetch the archive again. */
  readonly claimLease: number;
  /**
   * How long online keys outlive their last signature, in a root update or when the Factory is
   * bootstrapped again: backups from before may need them.
   */
  readonly keyRetention: number;
}

/** Milliseconds throughout. */
export const DEFAULT_REFRESH: RefreshPolicy = {
  roles: {
    targets: { lifetime: 180 * DAY, refreshWhenLeft: 60 * DAY },
    snapshot: { lifetime: 30 * DAY, refreshWhenLeft: 15 * DAY },
    timestamp: { lifetime: 7 * DAY, refreshWhenLeft: 5 * DAY },
  },
  rootLifetime: 365 * DAY,
  linkLifetime: 7 * DAY,
  claimLease: 60 * 60_000,
  keyRetention: 35 * DAY,
};

/** Online roles count whole seconds from here, so versions rise even after a restore. */
const VERSION_EPOCH = Date.UTC(2025, 0, 1);

/** Clients that keep a version in a signed 32-bit integer read no higher one. */
export const MAX_VERSION = 2_147_483_647;
/** Ten years of seconds below the end. No clock that is right comes here before the year 2083. */
export const FAR = MAX_VERSION - 10 * 365 * 86_400;

/** The version that an online role gets now: above the last, and not below the clock. */
export function onlineVersion(previous: number, now: number): number {
  return Math.max(previous + 1, Math.floor((now - VERSION_EPOCH) / 1000));
}

/** When an online role was signed with this version, at the earliest; milliseconds since 1970. */
export function versionTime(version: number): number {
  return VERSION_EPOCH + version * 1000;
}

/**
 * How many versions publishing leaves free below the boundary's limit: those are for the schedule and for
 * root updates, which no publisher can use up.
 */
export const SPARE_VERSIONS = 1800;

/** @param jitter from 0 up to 1: takes up to a tenth off, so that Factories do not fall due at once */
export function onlineExpiry(
  policy: RefreshPolicy,
  role: OnlineRole,
  now: number,
  jitter: number,
): number {
  const { lifetime } = policy.roles[role];
  return Math.floor((now + lifetime * (1 - jitter / 10)) / 1000) * 1000;
}

/** How soon a Factory is looked at again that was changed while the clock was in doubt. */
const LOOK_AGAIN = 60 * 60_000;

/**
 * The earliest time at which something must be done for this Factory; 0 while effects are pending.
 *
 * @param floor a time that has certainly come, while the clock is in doubt: what is signed then may last
 *   too long, so the Factory is looked at again soon
 */
export function dueAt(head: Head, policy: RefreshPolicy, floor?: number): number {
  const due = dueByHead(head, policy);
  return floor === undefined ? due : Math.min(due, floor + LOOK_AGAIN);
}

function dueByHead(head: Head, policy: RefreshPolicy): number {
  if (head.pending.length > 0) return 0;
  const times = published(head).map(
    ({ role, expires }) => expires - policy.roles[role].refreshWhenLeft,
  );
  if (head.state === "live") times.push(nextExpiryNotice(head));
  times.push(...head.retiring.map(({ notBefore }) => notBefore));
  times.push(...head.replaced.map(({ notBefore }) => notBefore));
  if (head.delivery.state === "ready") times.push(head.delivery.expiresAt);
  if (head.delivery.state === "claimed") times.push(head.delivery.leaseUntil);
  return Math.min(...times);
}

/**
 * The channels in which some role must be signed again, each with the roles to sign: long before they
 * expire, and what was signed while the clock was in doubt, once it is not. That may last too long, and its
 * number does not count seconds.
 *
 * @param certain whether the clock is believed
 */
export function rolesToRefresh(
  head: Head,
  policy: RefreshPolicy,
  now: number,
  certain = true,
): ReadonlyMap<Channel, ReadonlySet<OnlineRole>> {
  const due = new Map<Channel, Set<OnlineRole>>();
  const doubted = certain && head.dueAt < dueByHead(head, policy);
  for (const { channel, role, expires } of published(head)) {
    const { lifetime, refreshWhenLeft } = policy.roles[role];
    const lasts = certain && expires > now + lifetime + LOOK_AGAIN;
    const again = lasts || (doubted && role === "timestamp");
    if (expires - refreshWhenLeft > now && !again) continue;
    const roles = due.get(channel) ?? new Set();
    due.set(channel, roles.add(role));
  }
  return due;
}

function published(head: Head): readonly { channel: Channel; role: OnlineRole; expires: number }[] {
  return ALL_CHANNELS.flatMap((channel) =>
    ONLINE_ROLES.flatMap((role) => {
      const version = head.roles[channel]?.[role];
      return version === undefined ? [] : [{ channel, role, expires: version.expires }];
    }),
  );
}
