/**
 * MessageEffect the owner that the root expires. The service never renews it, since it cannot sign one, so
 * it says so in time: devices refuse new metadata from then on. An expired root can still be rotated
 * (TUF specification 5.3).
 *
 * Each step is one event of the audit log, named in the head, so it is told once; its number is the
 * id by which a reader knows a message that comes again.
 */
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import { earliestExpiry, nextExpiryNotice, stepReached } from "./expiry.ts";
import type { Head } from "./head.ts";
import { advance, isOver, type EventContext, type Transition } from "./transition.ts";

const DAY = 86_400_000;

/** The notice that is due; null while none is. Only the last of several steps that were missed. */
export function noticeExpiry(head: Head, context: EventContext): Transition | null {
  if (head.state !== "live" || !isOver(nextExpiryNotice(head), context)) return null;
  const { channel, version, expires } = earliestExpiry(head);
  const days = stepReached(Math.ceil((expires - (context.floor ?? context.now)) / DAY));
  return advance(
    head,
    {
      head: { expiryTold: { version, days } },
      type: "root-expiring",
      details: jsonObject({ channel, version, expires: formatTime(expires), passed: days <= 0 }),
      notify: true,
    },
    context,
  );
}
