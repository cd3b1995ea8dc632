/**
 * The messages of a function: to people by SES where a sender is configured, and to programs by EventBridge
 * in either case. Both are read when there is something to tell.
 */
import type { Mailer, Notifier } from "../service/ports.ts";
import { eventSource } from "../settings.ts";
import { later } from "./later.ts";
import { logger } from "./telemetry.ts";

interface Settings {
  /** Empty for none. */
  readonly sender: string;
  readonly configurationSet: string;
  readonly publicUrl: string;
}

export function notifierOf(settings: Settings): Notifier {
  const mail = mailOf(settings);
  const events = later(async () => {
    const { announcing } = await import("../adapters/aws/events.ts");
    return announcing(eventSource(settings.publicUrl));
  });
  return {
    sendLink: (link) => mail.sendLink(link),
    withdrawLink: (idHash) => mail.withdrawLink(idHash),
    notify: (message) => mail.notify(message),
    announce: (announcement) => events.announce(announcement),
  };
}

function mailOf({ sender: from, configurationSet }: Settings): Mailer {
  if (from === "") return NO_MAIL;
  return later(async () => {
    const { mailing } = await import("../adapters/aws/notifier.ts");
    return mailing({ from, configurationSet });
  });
}

/** The answer to the provisioner has the link, and the log of the Factory what a notice would tell. */
const NO_MAIL: Mailer = {
  async sendLink({ factory }) {
    logger.warn("no sender is configured: the link was not mailed", { factory });
    return "none";
  },
  async withdrawLink() {
    // There is no mail.
  },
  async notify({ factory, event }) {
    logger.warn("no sender is configured: no notice was sent", { factory, event: event.type });
  },
};
