/** Mail of a function by SES, or none where no sender is configured. */
import type { Notifier } from "../service/ports.ts";
import { later } from "./later.ts";
import { logger } from "./telemetry.ts";

export function mailOf(settings: {
  readonly sender: string;
  readonly configurationSet: string;
}): Notifier {
  const { sender: from, configurationSet } = settings;
  if (from === "") return NO_MAIL;
  return later(async () => {
    const { mailing } = await import("../adapters/aws/notifier.ts");
    return mailing({ from, configurationSet });
  });
}

/** The answer to the provisioner has the link, and the log of the Factory what a notice would tell. */
const NO_MAIL: Notifier = {
  async sendLink({ factory }) {
    logger.warn("no sender is configured: the link was not mailed", { factory });
  },
  async withdrawLink() {
    // There is no mail.
  },
  async notify({ factory, event }) {
    logger.warn("no sender is configured: nobody was told", { factory, event: event.type });
  },
};
