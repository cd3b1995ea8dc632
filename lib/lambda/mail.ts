/** Mail of a function by SES, or none where no sender is configured. */
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { clientOptions } from "../adapters/aws/clients.ts";
import { SesNotifier } from "../adapters/aws/notifier.ts";
import type { Notifier } from "../service/ports.ts";
import { logger } from "./telemetry.ts";

export function mailOf(settings: {
  readonly sender: string;
  readonly configurationSet: string;
}): Notifier {
  const { sender: from, configurationSet } = settings;
  if (from === "") return NO_MAIL;
  return new SesNotifier({ ses: new SESv2Client(clientOptions()), from, configurationSet });
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
