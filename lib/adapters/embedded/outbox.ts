/**
 * Mail as files: one plain-text `.eml` a message in a folder that an operator's mailer, or a person,
 * picks up. The folder is outside the data folder, because a message with a link holds T: with the
 * data folder and such a message together, an archive can be opened until it is confirmed.
 */
import { join } from "node:path";

import { linkMailText, messageId, messageText } from "../../service/messages/mail.ts";
import type { LinkMail, MailPlace, Message, Notifier } from "../../service/ports.ts";
import { asciiLine } from "../../text/forms.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { createFile, makeFolder, removeFile, removeTemporaries } from "../../files.ts";
import { stored } from "./sqlite-errors.ts";

/** Longer than writing a mail takes, however busy the disk is. */
const BEING_WRITTEN_MS = 60 * 60_000;

export class Outbox implements Notifier {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    makeFolder(folder);
    // Several services may share an outbox: what one is writing right now stays.
    removeTemporaries(folder, BEING_WRITTEN_MS);
  }

  async sendLink(mail: LinkMail): Promise<MailPlace> {
    await this.#write(this.#linkFile(mail.idHash), {
      to: mail.email,
      id: mail.idHash,
      time: mail.now,
      ...linkMailText(mail),
    });
    return "outbox";
  }

  async withdrawLink(idHash: Sha256): Promise<void> {
    await stored(removeFile(this.#linkFile(idHash)));
  }

  async notify(message: Message): Promise<void> {
    const { email, event } = message;
    const text = messageText(message);
    if (text === null) return;
    const id = messageId(message);
    await this.#write(join(this.#folder, `${id}.eml`), {
      to: email,
      id,
      time: event.time,
      ...text,
    });
  }

  async announce(): Promise<void> {
    // One machine has no bus: a program that follows a Factory reads its audit log.
  }

  #linkFile(idHash: Sha256): string {
    return join(this.#folder, `download-${idHash.slice(0, 32)}.eml`);
  }

  async #write(
    file: string,
    mail: { to: string; id: string; time: number; subject: string; body: string },
  ): Promise<void> {
    const lines = [
      "From: Rootward <rootward@localhost>",
      `To: ${asciiLine(mail.to)}`,
      `Subject: ${asciiLine(mail.subject)}`,
      `Date: ${new Date(mail.time).toUTCString().replace("GMT", "+0000")}`,
      `Message-ID: <${mail.id}@rootward>`,
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: 8bit",
      "",
      ...mail.body.split("\n"),
      "",
    ];
    await stored(createFile(file, new TextEncoder().encode(lines.join("\r\n"))));
  }
}
