/**
 * `rootward keys download`: claims a link and saves the archive as an owner would who wants to be
 * sure. Confirming destroys the service's copy, so it comes last: after the file was written, synced
 * with its folder, read back from disk, compared and opened.
 *
 * The claimant is drawn before the claim and noted beside the output, and so is the file once it is
 * safe; a run that was killed anywhere is continued by the next one.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { createFile, removeFile, replaceFile } from "../adapters/embedded/files.ts";
import { readArchive } from "../archive/archive.ts";
import { archivedKeys } from "../archive/keys.ts";
import { archivedFactory, trustedRootEntry } from "../archive/trust.ts";
import { verifySignature } from "../crypto/verify.ts";
import { claimAnswer, confirmAnswer, type ClaimAnswer } from "../delivery/claim.ts";
import { deliveryId, parseLink, type DeliveryLink } from "../delivery/link.ts";
import { openArchive } from "../delivery/sealing.ts";
import { isRootwardError, RootwardError, type ErrorCode } from "../error.ts";
import { fromBase64Url, sha256, sha256Text } from "../tuf/bytes.ts";
import { readTrustedRoot } from "../tuf/chain.ts";
import { channelsOf } from "../tuf/dialect.ts";
import { Client } from "./client.ts";
import type { Terminal } from "./terminal.ts";

/** Refusals after which there is nothing to go on with; anything else may be tried again. */
const FINAL: readonly ErrorCode[] = [
  "not-found",
  "delivery-used",
  "delivery-expired",
  "delivery-replaced",
];

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
  const folder = output === undefined ? process.cwd() : dirname(resolve(output));
  const noteFile = join(folder, `.rootward-claim-${sha256Text(id).slice(0, 16)}`);
  // A file that is there already is one of an earlier run of this very download, or not ours.
  if (output !== undefined && existsSync(output) && !existsSync(noteFile)) {
    throw new RootwardError("file-exists", `${output} exists already; nothing was claimed`);
  }
  const { claimant, file: earlier } = await readNote(noteFile);
  const saved = await claimAndSave(terminal, client, link, { id, claimant }, output).catch(
    async (error: unknown) => {
      if (!isRootwardError(error) || !FINAL.includes(error.code)) throw error;
      // The archive was saved and perhaps confirmed before an earlier run was cut off.
      if (earlier !== null) return readBack(earlier, null);
      await removeFile(noteFile);
      throw error;
    },
  );
  await replaceFile(noteFile, new TextEncoder().encode(`${claimant}\n${saved.file}\n`));
  const confirmed = await terminal.step("confirming: the service destroys its copy", () =>
    client.postJson("/download/confirm", { id, claimant, sha256: saved.sha256 }, confirmAnswer),
  );
  await removeFile(noteFile);
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
}

/** The claimant of this download, drawn once, and where an earlier run saved the archive. */
async function readNote(noteFile: string): Promise<{ claimant: string; file: string | null }> {
  await createFile(noteFile, new TextEncoder().encode(randomBytes(24).toString("base64url")));
  const [claimant = "", file = null] = (await readFile(noteFile, "utf8")).split("\n");
  return { claimant, file };
}

async function claimAndSave(
  terminal: Terminal,
  client: Client,
  link: DeliveryLink,
  request: { readonly id: string; readonly claimant: string },
  output: string | undefined,
): Promise<SavedArchive> {
  const claim = await terminal.step("claiming the link", () =>
    client.postJson("/download/claim", request, claimAnswer),
  );
  const file = resolve(output ?? claim.filename);
  await terminal.step(`fetching and opening ${claim.filename}`, () =>
    fetchTo(client, link, claim, file),
  );
  return terminal.step(`reading back ${file}`, () => readBack(file, claim));
}

async function fetchTo(
  client: Client,
  link: DeliveryLink,
  claim: ClaimAnswer,
  file: string,
): Promise<void> {
  const object = await client.find(claim.archiveUrl);
  const share = fromBase64Url(claim.share);
  if (object === null || share === null) {
    throw new RootwardError("server-refused", "the sealed archive could not be fetched: run again");
  }
  const archive = await openArchive(object, { secret: link.secret, share });
  if (sha256(archive) !== claim.sha256) {
    throw new RootwardError("archive-invalid", "the archive is not the one that was announced");
  }
  if (await createFile(file, archive)) return;
  if (sha256(await readFile(file)) !== claim.sha256) {
    throw new RootwardError("file-exists", `${file} exists already and is something else`);
  }
}

/**
 * Reads the file from disk again and checks that it holds what version 1 of the root needs.
 *
 * @param claim null for a file that an earlier run saved and checked against its claim
 */
async function readBack(file: string, claim: ClaimAnswer | null): Promise<SavedArchive> {
  const bytes = await readFile(file);
  const hash = sha256(bytes);
  if (claim !== null && hash !== claim.sha256) {
    throw new RootwardError(
      "archive-invalid",
      `${file} reads back different from what was written`,
    );
  }
  const entries = await readArchive(bytes);
  const about = archivedFactory(entries);
  if (about === null || (claim !== null && about.factory !== claim.factory)) {
    throw new RootwardError("archive-invalid", "the archive is of another Factory");
  }
  const held = new Set(archivedKeys(entries).map(({ publicKey }) => publicKey.fingerprint));
  const keyids = new Set<string>();
  for (const channel of channelsOf(about.dialect)) {
    const policy = { dialect: about.dialect, channel, forms: "strict" } as const;
    const root = entries.get(trustedRootEntry(channel));
    if (root === undefined)
      throw new RootwardError("archive-invalid", "the archive lacks its root");
    const { keys, roles } = readTrustedRoot(root, policy, verifySignature);
    for (const keyid of roles.root.keyids) {
      const key = keys.get(keyid)?.key;
      if (key === undefined || !held.has(key.fingerprint)) {
        throw new RootwardError("archive-invalid", `the archive lacks the private key ${keyid}`);
      }
      keyids.add(keyid);
    }
  }
  return { file, sha256: hash, keyids: [...keyids] };
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
