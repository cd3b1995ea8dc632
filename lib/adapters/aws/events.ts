/**
 * Events for programs, on the account's default bus: rules there hand them to whatever an operator wants to
 * start. Each is sent until EventBridge has it, so it may come more than once, and a program knows it by
 * its Factory and id. Its content is decided in announcement.ts, and none of it is secret.
 */
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { RootwardError } from "../../error.ts";
import { announcedType, announcementOf } from "../../service/messages/announcement.ts";
import type { Announcement, Notifier } from "../../service/ports.ts";
import { clientOptions } from "./clients.ts";

interface Announcer {
  readonly client: EventBridgeClient;
  /** The source by which rules know this installation. */
  readonly source: string;
}

export class EventBus implements Pick<Notifier, "announce"> {
  readonly #announcer: Announcer;

  constructor(announcer: Announcer) {
    this.#announcer = announcer;
  }

  async announce(announcement: Announcement): Promise<void> {
    const { client, source } = this.#announcer;
    const { time } = announcement.event;
    // An entry may have 256 KB, and the log takes no event of more than 64 (state/event.ts).
    const entry = {
      Source: source,
      DetailType: announcedType(announcement),
      Time: new Date(time),
      Detail: JSON.stringify(announcementOf(announcement)),
    };
    const answer = await client.send(new PutEventsCommand({ Entries: [entry] }));
    // The call succeeds also where its entry did not.
    if (answer.FailedEntryCount === 0) return;
    const code = answer.Entries?.[0]?.ErrorCode ?? "without a reason";
    throw new RootwardError("internal", `EventBridge did not take the event: ${code}`);
  }
}

/** By AWS's own EventBridge. */
export function announcing(source: string): EventBus {
  return new EventBus({ source, client: new EventBridgeClient(clientOptions()) });
}
