/**
 * Mail by SES: plain text, so that nothing counts who opened it, and through a configuration set that
 * follows no clicks: the link's secret must not pass through another host.
 *
 * The mail with the link is sent once, or not at all (once.ts). It cannot be taken back: SES keeps
 * nothing within reach. Notices may come again, and have an id by which a reader drops repeats.
 * Programs are told elsewhere (events.ts).
 */
import { SendEmailCommand, SESv2Client } from "@aws-sdk/client-sesv2";
import { linkMailText, messageId, messageText } from "../../service/messages/mail.ts";
import type { LinkMail, Mailer, MailPlace, Message } from "../../service/ports.ts";
import { clientOptions } from "./clients.ts";
import { once } from "./once.ts";

/** The same in a message that comes again. SES makes each one's Message-ID itself. */
export const ID_HEADER = "X-Rootward-Id";

interface Sender {
  readonly ses: SESv2Client;
  /** An address that SES may send from. */
  readonly from: string;
  /** The name of a configuration set without click tracking. */
  readonly configurationSet: string;
}

export class SesNotifier implements Mailer {
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
  }

  async sendLink(mail: LinkMail): Promise<MailPlace> {
    await this.#sender.ses.send(
      once(this.#command({ to: mail.email, id: mail.idHash, ...linkMailText(mail) })),
    );
    return "ses";
  }

  async withdrawLink(): Promise<void> {
    // The mail is out of reach.
  }

  async notify(message: Message): Promise<void> {
    const text = messageText(message);
    if (text === null) return;
    await this.#sender.ses.send(
      this.#command({ to: message.email, id: messageId(message), ...text }),
    );
  }

  #command(mail: { to: string; id: string; subject: string; body: string }): SendEmailCommand {
    const { from, configurationSet } = this.#sender;
    return new SendEmailCommand({
      FromEmailAddress: from,
      Destination: { ToAddresses: [mail.to] },
      ConfigurationSetName: configurationSet,
      Content: {
        Simple: {
          Subject: { Data: mail.subject, Charset: "UTF-8" },
          Body: { Text: { Data: mail.body, Charset: "UTF-8" } },
          Headers: [{ Name: ID_HEADER, Value: mail.id }],
        },
      },
    });
  }
}

/** By AWS's own SES. */
export function mailing(sender: Omit<Sender, "ses">): Mailer {
  return new SesNotifier({ ...sender, ses: new SESv2Client(clientOptions()) });
}
