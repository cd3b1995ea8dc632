/**
 * Telling the owner that the root expires. The service never renews it, since it cannot sign one, so
 * it says so early, ever more often, and every week once it is too late: devices refuse new metadata
 * from then on, and an expired root can still be rotated (TUF specification 5.3).
 *
 * Each step is one event of the audit log, named in the head, so it is told once; its number is the
 * id by which a reader knows a message that comes again.
 */
import { ALL_CHANNELS, type Channel } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import type { Head } from "./head.ts";
import { advance, type Moment, type Transition } from "./transition.ts";

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
  const { expires, version } = earliest(head);
  const told = head.expiryTold?.version === version ? head.expiryTold.days : Infinity;
  return expires - stepAfter(told) * DAY;
}

/** The notice that is due; null while none is. Of several steps that were missed only the last. */
export function noticeExpiry(head: Head, moment: Moment): Transition | null {
  if (head.state !== "live" || moment.now < nextExpiryNotice(head)) return null;
  const { channel, version, expires } = earliest(head);
  const days = stepReached(Math.ceil((expires - moment.now) / DAY));
  return advance(
    head,
    {
      head: { expiryTold: { version, days } },
      type: "root-expiring",
      details: jsonObject({ channel, version, expires: formatTime(expires), passed: days <= 0 }),
      notify: true,
    },
    moment,
  );
}

/** The root that expires first. */
function earliest({ roles }: Head): Expiry {
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
function stepReached(left: number): number {
  if (left > 0) return STEPS.findLast((step) => step >= left) ?? left;
  return Math.ceil(left / AFTERWARDS) * AFTERWARDS;
}
