/** The parts that the tables of messages share. */
import type { EventType } from "../../state/event.ts";
import { asciiLine } from "../../text/forms.ts";
import { isJsonObject } from "../../tuf/json.ts";
import type { Message } from "../ports.ts";

export interface MailText {
  readonly subject: string;
  readonly body: string;
}

/**
 * The text about an event; null where an event of this type needs none. Events without a row are not told.
 */
export type Notices = Readonly<
  Record<string, ((message: Message) => MailText | null) | undefined> &
    Partial<Record<EventType, (message: Message) => MailText | null>>
>;

/** A detail of an event, as a word: requests chose some of them, so each is one line of ASCII. */
export function word({ details }: Message["event"], name: string): string {
  const value = details[name];
  return typeof value === "string" || typeof value === "number" ? asciiLine(`${value}`) : "?";
}

/** A line for each root that came back (state/return-roots.ts). */
export function returnedRoots({ details }: Message["event"]): readonly string[] {
  const { roots } = details;
  return Object.entries(isJsonObject(roots) ? roots : {}).flatMap(([channel, root]) => {
    if (!isJsonObject(root)) return [];
    const { version, sha256 } = root;
    if (typeof version !== "number" || typeof sha256 !== "string") return [];
    return [`  ${asciiLine(channel)} root ${version}, SHA-256 ${asciiLine(sha256)}`];
  });
}
