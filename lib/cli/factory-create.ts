/** `rootward factory create`: bootstraps a Factory and prints the link, which is shown only here. */
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import type { Dialect } from "../tuf/dialect.ts";
import type { KeyType } from "../tuf/keys.ts";
import type { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

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

export const bootstrapAnswer = v.object({
  factory: v.string(),
  dialect: v.string(),
  root: v.object({
    version: v.number(),
    keyids: v.array(v.string()),
    sha256: v.record(v.string(), v.string()),
  }),
  delivery: v.object({
    mode: v.string(),
    url: v.optional(v.string()),
    expiresAt: v.optional(v.string()),
    sha256: v.string(),
    recipient: v.optional(v.string()),
  }),
  ownerToken: v.optional(v.string()),
});

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
  const created = await terminal.step(`creating Factory ${name} (${dialect}, ${keyType} key)`, () =>
    client.postJson("/ota/factories/", body, bootstrapAnswer, headers),
  );
  terminal.result(created, bootstrapLines(created));
}

/** What a bootstrap made, for a person. */
export function bootstrapLines(made: v.InferOutput<typeof bootstrapAnswer>): readonly string[] {
  const { factory, dialect, root, delivery, ownerToken } = made;
  const token = `owner token  ${ownerToken ?? "(was in the first answer)"}`;
  const lines = [
    `Factory      ${factory} (${dialect})`,
    `root key     ${root.keyids.join(", ")}`,
    ...Object.entries(root.sha256).map(([channel, hash]) => `root ${channel.padEnd(7)} ${hash}`),
  ];
  if (delivery.mode === "api") {
    return [
      ...lines,
      token,
      "It is not shown again. The Factory is live, and the service can read its first root key",
      "until the owner rotates it: fioctl keys tuf rotate-offline-key --role root --first-time",
    ];
  }
  const { url, expiresAt, sha256, recipient } = delivery;
  return [
    ...lines,
    `link         ${url ?? "(mailed to the owner)"}`,
    `             works once, until ${expiresAt ?? "claimed"}; mailed to the owner`,
    `archive      SHA-256 ${sha256}`,
    ...(recipient === undefined
      ? []
      : [`             encrypted to the certificate with SHA-256 ${recipient}`]),
    token,
    "Neither link nor token is shown again. No device is served until the owner has confirmed the",
    "download.",
  ];
}
