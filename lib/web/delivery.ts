/**
 * One download, from the claim to the confirmation, without a word or a button: what is fetched is
 * opened and checked before anybody sees it.
 *
 * An archive that is encrypted to the owner's certificate stays closed here: only its SHA-256 can be
 * compared, and the owner opens it.
 */
import { MAX_OPENED_BYTES } from "../archive/archive.ts";
import { readDelivered } from "../archive/delivered.ts";
import type { ClaimAnswer } from "../delivery/claim.ts";
import { openArchive, sealedSize } from "../delivery/sealing.ts";
import { RootwardError } from "../error.ts";
import { fromBase64Url, sha256 } from "../tuf/bytes.ts";
import { claimLink, fetchSealed, type Claimant } from "./service.ts";

/** The file, in this page's memory. */
export interface Held {
  readonly claim: ClaimAnswer;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The root keys that it holds; null where it is encrypted to the owner's certificate. */
  readonly keyids: readonly string[] | null;
}

export type Progress =
  | { readonly step: "claiming" | "opening" | "checking" }
  | { readonly step: "fetching"; readonly bytes: number; readonly total: number };

export async function download(
  claimant: Claimant,
  secret: Uint8Array,
  progress: (progress: Progress) => void,
): Promise<Held> {
  progress({ step: "claiming" });
  const claim = await claimLink(claimant);
  const total = sealedSize(claim.size);
  progress({ step: "fetching", bytes: 0, total });
  const sealed = await fetchSealed(claim.archiveUrl, total, (bytes) =>
    progress({ step: "fetching", bytes, total }),
  );
  progress({ step: "opening" });
  const share = fromBase64Url(claim.share) ?? new Uint8Array();
  const bytes = new Uint8Array(await openArchive(sealed, { secret, share }));
  progress({ step: "checking" });
  return { claim, bytes, keyids: await checkedKeyids(bytes, claim) };
}

async function checkedKeyids(
  bytes: Uint8Array,
  claim: ClaimAnswer,
): Promise<readonly string[] | null> {
  if (claim.recipient === null) return (await readDelivered(bytes, claim)).keyids;
  if (sha256(bytes) === claim.sha256) return null;
  throw new RootwardError("archive-invalid", "the archive is not the one that was announced");
}

/** A file that the owner picked. */
export interface PickedFile {
  readonly name: string;
  readonly sha256: string;
  readonly keyids: readonly string[] | null;
}

/** @returns null where it is another file than the one that is held */
export async function readBack(file: File, held: Held): Promise<PickedFile | null> {
  if (file.size !== held.bytes.length) return null;
  const found = sha256(new Uint8Array(await file.arrayBuffer()));
  if (found !== held.claim.sha256) return null;
  return { name: file.name, sha256: found, keyids: held.keyids };
}

/**
 * Reads a file whose claim is not at hand: the service has the last word on its SHA-256.
 *
 * @returns null for what is no root key archive
 */
export async function readUnclaimed(file: File): Promise<PickedFile | null> {
  if (file.size > MAX_OPENED_BYTES) return null;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const picked = { name: file.name, sha256: sha256(bytes) };
  if (file.name.endsWith(".p7m")) return { ...picked, keyids: null };
  try {
    return { ...picked, keyids: (await readDelivered(bytes, null)).keyids };
  } catch (error) {
    if (error instanceof RootwardError) return null;
    throw error;
  }
}
