/**
 * `rootward keys download`: claims a link and saves the archive as an owner would who wants to be
 * sure. Confirming destroys the service's copy, so it comes last: after the file was written, synced
 * with its folder, read back from disk, compared and opened.
 *
 * The claimant and the place of the archive are noted before the claim (claim-note.ts). So the next run
 * continues one that was killed anywhere, wherever it is started.
 */
import type { KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createFile } from "../../files.ts";
import { claimDelivery, confirmDelivery } from "../../api/delivery.ts";
import { deliveredName, type ClaimAnswer } from "../../delivery/claim.ts";
import { deliveryId, parseLink, type DeliveryLink } from "../../delivery/link.ts";
import { openCommand, openedName } from "../../delivery/open-command.ts";
import { openArchive } from "../../delivery/sealing.ts";
import { isRootwardError, RootwardError, type ErrorCode } from "../../error.ts";
import { command, pathWord, tokenWord, urlWord, Word } from "../../text/command.ts";
import { line, listed, type Line } from "../../text/line.ts";
import { fromBase64Url, sha256 } from "../../tuf/bytes.ts";
import { checkDelivered, isEncrypted } from "./check-archive.ts";
import { ClaimNote } from "./claim-note.ts";
import { Client } from "../client.ts";
import { inTheWay } from "./in-the-way.ts";
import { readPrivateKey } from "./private-key-file.ts";
import type { Terminal } from "../terminal.ts";

/** Refusals of a claim after which only a file that is here already can be confirmed. */
const FINAL: readonly ErrorCode[] = ["delivery-used", "delivery-expired"];

/** A file that is safe on this machine. */
interface SavedFile {
  readonly file: string;
  readonly sha256: string;
  /**
   * The ids of the root keys in it; null where it is encrypted, and nobody here could look into it.
   */
  readonly keyids: readonly string[] | null;
  readonly encrypted: boolean;
}

export interface DownloadOptions {
  readonly output?: string;
  /** A file with the private key of the certificate that the archive is encrypted to. */
  readonly key?: string;
  /** The owner's word that the file which an earlier run saved was opened by other means, such as a card. */
  readonly opened?: boolean;
}

export async function keysDownload(
  terminal: Terminal,
  linkText: string,
  { output, key, opened = false }: DownloadOptions,
): Promise<void> {
  const link = parseLink(linkText);
  const client = new Client({ server: link.publicUrl });
  const id = deliveryId(link.secret);
  const note = await ClaimNote.open(id);
  assertOutput(output, note);
  // Nobody can have opened the file that this run is about to save.
  const seen = opened && note.file !== null && existsSync(note.file);
  // Before the link is used up, too: a key that does not open, a passphrase that is wrong.
  const privateKey = key === undefined ? null : await readPrivateKey(terminal, key);
  const request = { id, claimant: note.claimant };
  const job = { terminal, client, link, request, note, output, privateKey };
  const saved = await claimAndSave(job).catch((error: unknown) => {
    // The archive was saved, and perhaps confirmed, before an earlier run was cut off.
    const refused = isRootwardError(error) && FINAL.includes(error.code);
    if (refused && note.file !== null && existsSync(note.file))
      return readBack(job, note.file, null);
    throw error;
  });
  // Confirming destroys the only other copy of what nobody has seen open yet.
  if (saved.keyids === null && !seen) return reportUnopened(terminal, saved);
  const confirmed = await terminal.step(line`confirming: the service destroys its copy`, () =>
    client.call(confirmDelivery, {}, { body: { ...request, sha256: saved.sha256 } }),
  );
  const token = confirmed.ownerToken;
  terminal.result({ ...confirmed, ...saved, confirmed: true, server: client.server }, [
    line`archive      ${saved.file}`,
    line`SHA-256      ${saved.sha256}`,
    line`root key     ${saved.keyids === null ? "(in the encrypted archive)" : listed(saved.keyids)}`,
    line`Factory      ${confirmed.factory} is live since ${confirmed.confirmedAt}; the service says that its copy is destroyed`,
    line`owner token  ${token ?? "(was in the first answer only)"}`,
    ...nextSteps(saved, client.server, token, key),
  ]);
  // Only now: until the token was shown, another run would get a fresh one.
  await note.remove();
}

/** The commands that follow; where a name has no safe form, which commands they are. */
function nextSteps(
  { file, encrypted }: SavedFile,
  server: string,
  token: string | undefined,
  key = "PRIVATE-KEY.pem",
): readonly Line[] {
  const archive = encrypted ? openedName(file) : file;
  const open = openCommand(file, key);
  const word = token === undefined ? Word.quoted("...") : tokenWord(token);
  const rotate = command`ROOTWARD_SERVER=${urlWord(server)} ROOTWARD_TOKEN=${word} rootward keys rotate ${pathWord(archive)}`;
  const heading = line`Keep the archive offline. Next, make a root key that only you ever had:`;
  if (rotate === null || open === null) {
    const steps = encrypted
      ? line`rootward keys open, then rootward keys rotate`
      : line`rootward keys rotate`;
    return [
      heading,
      line`  ${steps} (the name of the file or of the service is not fit to be pasted)`,
    ];
  }
  return [heading, ...(encrypted ? [line`  ${open}`] : []), line`  ${rotate}`];
}

/** An unconfirmed download is not done, and a script must see that. */
function reportUnopened(terminal: Terminal, { file, sha256: hash }: SavedFile): void {
  terminal.result({ file, sha256: hash, confirmed: false }, [
    line`encrypted    ${file}`,
    line`SHA-256      ${hash}`,
    line`It is encrypted to your certificate, and this run did not confirm it: the service keeps its copy`,
    line`until the lease ends, and no longer. Make sure that it opens, and confirm by running this again with`,
    line`the same link and`,
    line`  --key PRIVATE-KEY.pem   which opens it in memory, or`,
    line`  --opened                once you have opened it yourself, such as with a card (docs/delivery.md)`,
  ]);
  process.exitCode = 1;
}

interface Job {
  readonly terminal: Terminal;
  readonly client: Client;
  readonly link: DeliveryLink;
  readonly request: { readonly id: string; readonly claimant: string };
  readonly note: ClaimNote;
  readonly output: string | undefined;
  readonly privateKey: KeyObject | null;
}

/** Everything about the output that can be known before the link is used up. */
function assertOutput(output: string | undefined, note: ClaimNote): void {
  if (output === undefined) return;
  if (!existsSync(dirname(resolve(output)))) {
    throw new RootwardError("usage", `-o: there is no folder ${dirname(resolve(output))}`);
  }
  // A file that is there already is one of an earlier run of this very download, or not ours.
  if (existsSync(output) && note.file !== resolve(output)) {
    throw inTheWay(output, "; nothing was claimed");
  }
}

async function claimAndSave(job: Job): Promise<SavedFile> {
  const { terminal, client, request, output } = job;
  const claim = await terminal.step(line`claiming the link`, () =>
    client.call(claimDelivery, {}, { body: request }),
  );
  // The service names the Factory, and never the place on this disk.
  const file = resolve(output ?? deliveredName(claim.factory, claim.recipient !== null));
  await terminal.step(line`fetching and opening the archive of ${claim.factory}`, () =>
    fetchTo(job, claim, file),
  );
  return terminal.step(line`reading back ${file}`, () => readBack(job, file, claim));
}

async function fetchTo(job: Job, claim: ClaimAnswer, file: string): Promise<void> {
  const { client, link, note, privateKey } = job;
  const object = await client.findAt(claim.archiveUrl);
  const share = fromBase64Url(claim.share);
  if (object === null || share === null) {
    throw new RootwardError("server-refused", "the sealed archive could not be fetched: run again");
  }
  const delivered = await openArchive(object, { secret: link.secret, share });
  await checkDelivered(delivered, claim, privateKey);
  await note.setFile(file);
  if (await createFile(file, delivered, `${file}.part`)) return;
  if (sha256(await readFile(file)) !== claim.sha256) {
    throw inTheWay(file, " and is something else");
  }
}

/** @param claim null for a file that an earlier run checked against its claim */
async function readBack(
  { privateKey }: Job,
  file: string,
  claim: ClaimAnswer | null,
): Promise<SavedFile> {
  const bytes = await readFile(file);
  const keyids = await checkDelivered(bytes, claim, privateKey);
  return { file, sha256: sha256(bytes), keyids, encrypted: isEncrypted(bytes, claim) };
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
