/** When the owner is told that the root expires: early, ever more often, and weekly afterwards. */
import { ALL_CHANNELS, type Channel } from "../tuf/dialect.ts";
import type { Head } from "./head.ts";

const DAY = 86_400_000;
/** Days that are left, at which it is told. */
const STEPS = [90, 60, 30, 14, 7, 3, 1, 0];
const AFTERWARDS = 7;

interface Expiry {
  readonly channel: Channel;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** When the next step must be told, in milliseconds since 1970. */
export function nextExpiryNotice(head: Head): number {
  const { expires, version } = earliestExpiry(head);
  const told = head.expiryTold?.version === version ? head.expiryTold.days : Infinity;
  return expires - stepAfter(told) * DAY;
}

/** The root that expires first. */
export function earliestExpiry({ roles }: Head): Expiry {
  const roots = ALL_CHANNELS.flatMap((channel): readonly Expiry[] => {
    const root = roles[channel]?.root;
    return root === undefined ? [] : [{ channel, version: root.version, expires: root.expires }];
  });
  return roots.reduce((a, b) => (b.expires < a.expires ? b : a));
}

function stepAfter(days: number): number {
  return STEPS.find((step) => step < days) ?? days - AFTERWARDS;
}

/** The lowest step that is not below `left`. */
export function stepReached(left: number): number {
  if (left > 0) return STEPS.findLast((step) => step >= left) ?? left;
  return Math.ceil(left / AFTERWARDS) * AFTERWARDS;
}
