/**
 * The first root key of a Factory without a link, as the head sees it: escrowed until no current root
 * lists it, and read by its owner with an event each time.
 */
import { RootwardError } from "../error.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import type { Head } from "./head.ts";
import { untoldEvents } from "./waiting-messages.ts";
import { advance, type EventContext, type Transition } from "./transition.ts";

/** Events that may wait to be told before the key is kept back. */
const MAX_UNTOLD = 100;

/**
 * The owner reads the escrowed key. The event is logged, and its message is pending, before the key is
 * handed over.
 *
 * @throws RootwardError `initial-key-gone` saying why there is none
 */
export function readInitialKey(head: Head, user: string, context: EventContext): Transition {
  assertEscrowed(head);
  assertTellable(head);
  const details = jsonObject({ keyid: head.initialKey.keyid, user });
  return advance(head, { head: {}, type: "initial-key-read", details, notify: true }, context);
}

/** Nobody reads it while its owner cannot be told: messages that wait are bounded, too. */
export function assertTellable({ factory, pending }: Head): void {
  const untold = untoldEvents(pending);
  if (untold < MAX_UNTOLD) return;
  throw new RootwardError(
    "busy",
    `the owner of ${factory} has not got the messages about ${untold} earlier events yet: try again later`,
  );
}

/** @throws RootwardError `initial-key-gone` */
export function assertEscrowed({ factory, delivery }: Head): void {
  if (delivery.state === "escrowed") return;
  throw new RootwardError(
    "initial-key-gone",
    delivery.state === "ended"
      ? `the first root key of ${factory} is no longer on the service: it was destroyed at ` +
          `${formatTime(delivery.endedAt)}, when no root listed it any longer`
      : `the first root key of ${factory} is delivered by a link, not to this command: use the ` +
          `archive from that link`,
  );
}
