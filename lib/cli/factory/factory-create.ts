/** `rootward factory create`: bootstraps a Factory and prints the link, which is shown only here. */
import { randomUUID } from "node:crypto";
import type * as v from "valibot";
import { createFactory } from "../../api/factories.ts";
import type { Dialect } from "../../tuf/dialect.ts";
import type { KeyType } from "../../tuf/keys.ts";
import { column, line, listed, type Line } from "../../text/line.ts";
import { assertAbout, type Client } from "../client.ts";
import type { Terminal } from "../terminal.ts";

export interface CreateOptions {
  readonly name: string;
  readonly dialect: Dialect;
  readonly keyType: KeyType;
  readonly onlineKeyType: KeyType;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly delivery: "link" | "api";
  readonly provisionerEmail?: string;
  /** X.509 PEM. */
  readonly recipientCertificate: string | null;
}

export async function factoryCreate(
  client: Client,
  terminal: Terminal,
  options: CreateOptions,
): Promise<void> {
  const { name, dialect, keyType, onlineKeyType } = options;
  const { delivery, provisionerEmail, recipientCertificate } = options;
  const owner = { id: options.ownerId, email: options.ownerEmail };
  const body = {
    name,
    dialect,
    keyType,
    onlineKeyType,
    owner,
    delivery,
    ...(provisionerEmail !== undefined && { provisioner: { email: provisionerEmail } }),
    ...(recipientCertificate !== null && { recipientCertificate }),
  };
  // One key for this one run: a request that is repeated below us creates nothing twice.
  const headers = { "Idempotency-Key": randomUUID() };
  const created = await terminal.step(
    line`creating Factory ${name} (${dialect}, ${keyType} key)`,
    () => client.call(createFactory, {}, { headers, body }),
  );
  assertAbout(created, name);
  terminal.result(created, bootstrapLines(created));
}

/** The result of a bootstrap, for a person. */
export function bootstrapLines(made: v.InferOutput<typeof createFactory.answer>): readonly Line[] {
  const { factory, dialect, root, delivery, ownerToken } = made;
  const token = line`owner token  ${ownerToken ?? "(was in the first answer)"}`;
  const lines = [
    line`Factory      ${factory} (${dialect})`,
    line`root key     ${listed(root.keyids)}`,
    ...Object.entries(root.sha256).map(
      ([channel, hash]) => line`root ${column(channel, 7)} ${hash}`,
    ),
  ];
  if (delivery.mode === "api") {
    return [
      ...lines,
      token,
      line`It is not shown again. The Factory is live, and the service can read its first root key`,
      line`until the owner rotates it: fioctl keys tuf rotate-offline-key --role root --first-time`,
    ];
  }
  const { url, expiresAt, sha256, recipient, mail } = delivery;
  return [
    ...lines,
    line`link         ${url ?? "(was in the first answer)"}`,
    line`             works once, until ${expiresAt ?? "claimed"}`,
    line`mail         ${MAIL[mail]}`,
    line`archive      SHA-256 ${sha256}`,
    ...(recipient === undefined
      ? []
      : [line`             encrypted to the certificate with SHA-256 ${recipient}`]),
    token,
    line`Neither link nor token is shown again. No device is served until the owner has confirmed the`,
    line`download.`,
  ];
}

/**
 * The state of the mail with the link as the service knows it; nothing here says that anybody has it.
 */
const MAIL = {
  outbox: line`a message with the link is in the service's outbox, for the owner`,
  ses: line`handed to Amazon SES, for the owner`,
  none: line`none: the service has no sender. Give the owner the link yourself`,
  failed: line`none: it could not be written or sent. Give the owner the link yourself`,
  unknown: line`not known: this answer does not say whether one was sent`,
} as const;
