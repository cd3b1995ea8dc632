/**
 * `rootward keys download`: claims a link and saves the archive as an owner would who wants to be
 * sure. Confirming destroys the service's copy, so it comes last: after the file was written, synced
 * with its folder, read back from disk, compared and opened.
 *
 * Who claims, and where the archive goes, is noted before it happens (claim-note.ts), so a run that
 * was killed anywhere is continued by the next one, wherever that is started.
 */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { isFactoryName } from "../factory/names.ts";
import { createFile } from "../files.ts";
import { readDelivered } from "../archive/delivered.ts";
import { verifySignature } from "../crypto/verify.ts";
import { claimAnswer, confirmAnswer, type ClaimAnswer } from "../delivery/claim.ts";
import { deliveryId, parseLink, type DeliveryLink } from "../delivery/link.ts";
import { openArchive } from "../delivery/sealing.ts";
import { isRootwardError, RootwardError, type ErrorCode } from "../error.ts";
import { fromBase64Url, sha256 } from "../tuf/bytes.ts";
import { readTrustedRoot, strictPolicy } from "../tuf/chain.ts";
import { ClaimNote } from "./claim-note.ts";
import { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

/** Refusals of a claim after which only a file that is here already can be confirmed. */
const FINAL: readonly ErrorCode[] = ["delivery-used", "delivery-expired", "delivery-replaced"];

/** An archive that is safe on this machine. */
interface SavedArchive {
  readonly file: string;
  readonly sha256: string;
  readonly keyids: readonly string[];
}

export async function keysDownload(
  terminal: Terminal,
  linkText: string,
  output: string | undefined,
): Promise<void> {
  const link = parseLink(linkText);
  const client = new Client({ server: link.publicUrl });
  const id = deliveryId(link.secret);
  const note = await ClaimNote.open(id);
  assertOutput(output, note);
  const request = { id, claimant: note.claimant };
  const saved = await claimAndSave(terminal, client, link, request, note, output).catch(
    (error: unknown) => {
      // The archive was saved, and perhaps confirmed, before an earlier run was cut off.
      const refused = isRootwardError(error) && FINAL.includes(error.code);
      if (refused && note.file !== null && existsSync(note.file)) return readBack(note.file, null);
      throw error;
    },
  );
  const confirmed = await terminal.step("confirming: the service destroys its copy", () =>
    client.postJson("/download/confirm", { ...request, sha256: saved.sha256 }, confirmAnswer),
  );
  const token = confirmed.ownerToken;
  const environment = `ROOTWARD_SERVER=${client.server} ROOTWARD_TOKEN=${token ?? "..."}`;
  terminal.result({ ...confirmed, ...saved, server: client.server }, [
    `archive      ${saved.file}`,
    `SHA-256      ${saved.sha256}`,
    `root key     ${saved.keyids.join(", ")}`,
    `Factory      ${confirmed.factory} is live; the service's copy was destroyed at ${confirmed.confirmedAt}`,
    `owner token  ${token ?? "(was in the first answer only)"}`,
    "Keep the archive offline. Next, make a root key that only you ever had:",
    `  ${environment} rootward keys rotate ${saved.file}`,
  ]);
  // Only now: until the token was shown, another run would get a fresh one.
  await note.remove();
}

/** Everything about the output that can be known before the link is used up. */
function assertOutput(output: string | undefined, note: ClaimNote): void {
  if (output === undefined) return;
  if (!existsSync(dirname(resolve(output)))) {
    throw new RootwardError("usage", `-o: there is no folder ${dirname(resolve(output))}`);
  }
  // A file that is there already is one of an earlier run of this very download, or not ours.
  if (existsSync(output) && note.file !== resolve(output)) {
    throw new RootwardError("file-exists", `${output} exists already; nothing was claimed`);
  }
}

async function claimAndSave(
  terminal: Terminal,
  client: Client,
  link: DeliveryLink,
  request: { readonly id: string; readonly claimant: string },
  note: ClaimNote,
  output: string | undefined,
): Promise<SavedArchive> {
  const claim = await terminal.step("claiming the link", () =>
    client.postJson("/download/claim", request, claimAnswer),
  );
  // The service names the Factory, and never the place on this disk.
  if (!isFactoryName(claim.factory)) {
    throw new RootwardError("server-refused", "the service names no Factory");
  }
  const file = resolve(output ?? `${claim.factory}.tgz`);
  await terminal.step(`fetching and opening the archive of ${claim.factory}`, () =>
    fetchTo(client, link, claim, note, file),
  );
  return terminal.step(`reading back ${file}`, () => readBack(file, claim));
}

async function fetchTo(
  client: Client,
  link: DeliveryLink,
  claim: ClaimAnswer,
  note: ClaimNote,
  file: string,
): Promise<void> {
  const object = await client.find(claim.archiveUrl);
  const share = fromBase64Url(claim.share);
  if (object === null || share === null) {
    throw new RootwardError("server-refused", "the sealed archive could not be fetched: run again");
  }
  const archive = await openArchive(object, { secret: link.secret, share });
  await checkArchive(archive, claim);
  await note.setFile(file);
  if (await createFile(file, archive, `${file}.part`)) return;
  if (sha256(await readFile(file)) !== claim.sha256) {
    throw new RootwardError("file-exists", `${file} exists already and is something else`);
  }
}

/** @param claim null for a file that an earlier run checked against its claim */
async function readBack(file: string, claim: ClaimAnswer | null): Promise<SavedArchive> {
  const bytes = await readFile(file);
  return { file, sha256: sha256(bytes), keyids: await checkArchive(bytes, claim) };
}

/**
 * Checks a delivered archive (delivered.ts), and that its roots are signed by the keys they name.
 *
 * @returns the ids of the root keys that it holds
 */
export async function checkArchive(
  bytes: Uint8Array,
  claim: ClaimAnswer | null,
): Promise<readonly string[]> {
  const { dialect, roots, keyids } = await readDelivered(bytes, claim);
  for (const [channel, root] of roots) {
    readTrustedRoot(root, strictPolicy(dialect, channel), verifySignature);
  }
  return keyids;
}

/** Reads the link from standard input, so that it is in no shell history and no process list. */
export async function readLinkFromInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    total += bytes.length;
    if (total > 8192) throw new RootwardError("link-invalid", "standard input holds no link");
    chunks.push(bytes);
    if (bytes.includes(0x0a)) break;
  }
  return Buffer.concat(chunks).toString("utf8").split("\n")[0] ?? "";
}
