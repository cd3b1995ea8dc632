/** Looks into what was delivered, as far as it can: an encrypted file only with the owner's key. */
import type { KeyObject } from "node:crypto";
import { readDelivered, type Announced } from "../../archive/delivered.ts";
import { openEnvelope } from "../../crypto/envelope.ts";
import { verifySignature } from "../../crypto/verify.ts";
import type { ClaimAnswer } from "../../delivery/claim.ts";
import { RootwardError } from "../../error.ts";
import { sha256 } from "../../tuf/bytes.ts";
import { readTrustedRoot, strictPolicy } from "../../tuf/chain.ts";

/** The first byte of a gzipped file; CMS in DER begins otherwise. */
const GZIP = 0x1f;

/**
 * Checks an archive (delivered.ts), and that its roots are signed by the keys they name.
 *
 * @param announced null for a file whose claim is not at hand
 * @returns the ids of the root keys that it holds
 */
export async function checkArchive(
  bytes: Uint8Array,
  announced: Announced | null,
): Promise<readonly string[]> {
  const { dialect, roots, keyids } = await readDelivered(bytes, announced);
  for (const [channel, root] of roots) {
    readTrustedRoot(root, strictPolicy(dialect, channel), verifySignature);
  }
  return keyids;
}

/** Whether a file is encrypted to its owner: as it was announced, or else by its first byte. */
export function isEncrypted(bytes: Uint8Array, claim: ClaimAnswer | null): boolean {
  return claim === null ? bytes[0] !== GZIP : claim.recipient !== null;
}

/**
 * Checks a file as it was delivered: the archive, or one that is encrypted to the owner.
 *
 * @param claim null for a file that an earlier run checked against its claim
 * @param privateKey of the certificate that it is encrypted to, or null
 * @returns the ids of the root keys that it holds; null for an encrypted file without the key to it
 * @throws RootwardError `archive-invalid`
 */
export async function checkDelivered(
  bytes: Uint8Array,
  claim: ClaimAnswer | null,
  privateKey: KeyObject | null,
): Promise<readonly string[] | null> {
  if (!isEncrypted(bytes, claim)) return checkArchive(bytes, claim);
  if (claim !== null && sha256(bytes) !== claim.sha256) {
    throw new RootwardError("archive-invalid", "the file is not the one that was announced");
  }
  if (privateKey === null) return null;
  const archive = openEnvelope(bytes, privateKey);
  return checkArchive(archive, claim && { ...claim, sha256: sha256(archive) });
}
