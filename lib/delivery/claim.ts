/**
 * The messages between a claimant and the service (`POST /download/claim`, `/download/confirm`):
 * one definition for the page, the CLI and the service.
 */
import * as v from "valibot";
import * as form from "../text/forms.ts";

/** 16 to 64 characters that the client drew at random: who may ask again until the lease ends. */
const claimant = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{16,64}$/, "expected 16 to 64 letters, digits, _ or -"),
);

const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "expected 64 lower-case hex digits"));

export const claimRequest = v.strictObject({ id: hex64, claimant });

export const confirmRequest = v.strictObject({
  id: hex64,
  claimant,
  /** SHA-256 of the opened archive as it was read back from where the owner keeps it. */
  sha256: hex64,
});

/** The file that the owner saves: `FACTORY.tgz`, or with a recipient `FACTORY.tgz.p7m`. */
export function deliveredName(factory: string, encrypted: boolean): string {
  return `${factory}.tgz${encrypted ? ".p7m" : ""}`;
}

export const claimAnswer = v.object({
  factory: form.factoryName,
  /** Works for at most 60 seconds; ask again for another. */
  archiveUrl: v.pipe(v.string(), v.regex(/^(?:https?:\/)?\/[!-~]{1,4000}$/)),
  /** R, base64url. */
  share: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,100}$/)),
  /** SHA-256 of the file that the owner saves, the content of the sealed object; `size` is its bytes. */
  sha256: hex64,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** See {@link deliveredName}. */
  filename: form.words,
  /**
   * SHA-256 of the DER of the certificate that the archive is encrypted to: the file is then CMS
   * EnvelopedData (DER), which only the owner of that certificate opens. Null: the file is the archive.
   */
  recipient: v.nullable(hex64),
  /** SHA-256 of root version 1 as served, by channel: the roots in the archive are these. */
  roots: v.record(form.channel, hex64),
  leaseUntil: form.time,
});
export type ClaimAnswer = v.InferOutput<typeof claimAnswer>;

export const confirmAnswer = v.object({
  factory: form.factoryName,
  state: v.literal("live"),
  confirmedAt: form.time,
  /** In answers within an hour of the confirmation; scopes root:read, root:update, targets:update. */
  ownerToken: v.optional(form.ownerToken),
});
export type ConfirmAnswer = v.InferOutput<typeof confirmAnswer>;
