/** The mails of the service. Plain text, short, and with the next thing to do. */
import { readLog } from "../../api/factory-state.ts";
import { pathOf } from "../../api/path.ts";
import type { Stretch } from "../../state/effect.ts";
import { formatTime } from "../../tuf/expires.ts";
import { asciiLine } from "../../text/forms.ts";
import type { MailText } from "./message.ts";
import { OWNER_NOTICES } from "./messages-owner.ts";
import {
  FORMER_OWNER_NOTICES,
  FORMER_PROVISIONER_NOTICES,
  PROVISIONER_NOTICES,
} from "./messages-provisioner.ts";
import type { LinkMail, Message } from "../ports.ts";

const NOTICES = {
  owner: OWNER_NOTICES,
  provisioner: PROVISIONER_NOTICES,
  "former-owner": FORMER_OWNER_NOTICES,
  "former-provisioner": FORMER_PROVISIONER_NOTICES,
} as const;

/** @returns null where this reader gets no message about such an event */
export function messageText(message: Message): MailText | null {
  const { event, stretch, reader } = message;
  // An actor is a word of ours and an id; the names in it are somebody's.
  const own = { ...message, event: { ...event, actor: asciiLine(event.actor) } };
  // Former readers get their farewell in any case.
  if (stretch !== undefined && !reader.startsWith("former-")) return sharedText(own, stretch);
  return NOTICES[reader][event.type]?.(own) ?? null;
}

/** The deduplication id of a message. After a restore an event may have a number again. */
export function messageId({ factory, reader, event, stretch }: Message): string {
  const { seq, type, id } = event;
  const about = stretch === undefined ? type : `events-from-${stretch.first}`;
  return `${factory}-${seq}-${id.slice(0, 8)}-${about}${reader === "owner" ? "" : `-${reader}`}`;
}

/** One message for many events, after messages could not be sent for a while. */
function sharedText({ factory, event }: Message, { first, last, count }: Stretch): MailText {
  return {
    subject: `${count} events of Factory ${factory}`,
    body: [
      `The service could not send messages about Factory ${factory} for a while. In that time there were`,
      `${count} events that it would have told you of one by one. The newest was ${event.type} at`,
      `${formatTime(event.time)}, by ${event.actor}.`,
      "",
      `They are in the audit log of the Factory, between number ${first} and number ${last}. A token of`,
      "the Factory that may read it gets them from the service:",
      "",
      `  GET ${pathOf(readLog.path, { factory })}?from=${first}`,
      "",
      "If you did not expect them, look at the tokens of the Factory first.",
    ].join("\n"),
  };
}

/** @returns the one message that holds the link; the link is alone on its line */
export function linkMailText({ factory, link, expiresAt, recipient }: LinkMail): MailText {
  return {
    subject: `Your Factory ${factory} is ready: download its root key`,
    body: [
      `Your Factory ${factory} is ready.`,
      "",
      "Its root key decides what your devices trust. Keep an offline copy of your root",
      "credentials: download them ONE TIME from this link. Once you confirm the download,",
      "they are deleted from the service, and nobody can give them to you again.",
      "",
      link,
      "",
      `The link works until ${formatTime(expiresAt)}, once, for one person.`,
      ...(recipient === null
        ? []
        : [
            "The archive is encrypted to the certificate with this SHA-256, which should be yours:",
            recipient,
          ]),
      "Do not forward this message. If somebody else uses the link before you do, that page",
      "says so: then tell the person who set up this Factory at once.",
      "",
      "Without a browser:  rootward keys download -   (and paste the link)",
      "Afterwards:         rootward keys rotate ARCHIVE  makes a root key that only you ever had.",
    ].join("\n"),
  };
}
