/**
 * Rotating a root key by a staged root update, in both dialects: all channels change in one swap. The roots
 * to sign come from next-roots.ts; they are in the archive before they are sent. Where one signature is not
 * enough, the roots stay staged for the other signers.
 */
import { keyEntries, rotatedKeyName } from "../../archive/keys.ts";
import { pendingEntry, pendingRootEntry } from "../../archive/trust.ts";
import { makeSigningKey, type SigningKey } from "../../crypto/signing-key.ts";
import { isRootwardError, RootwardError } from "../../error.ts";
import { equalBytes } from "../../tuf/bytes.ts";
import { strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, firstChannel } from "../../tuf/dialect.ts";
import { rootKey, type KeyId, type RootKey } from "../../tuf/keys.ts";
import { sameRoot } from "../../tuf/root.ts";
import { line } from "../../text/line.ts";
import { keyById, ownSigner, withSignatures } from "./own-keys.ts";
import { nextRoots } from "./next-roots.ts";
import type { Job } from "./rotation-job.ts";
import { followRemote } from "../root/remote-chain.ts";
import {
  applyStaged,
  checked,
  isUnclear,
  noUpdate,
  notInForce,
  readStagedRoots,
  stageRoots,
  startStaged,
  type StagedRoots,
} from "../root/staged-update.ts";
import { currentRoot, verifiedRoot, type Roots } from "../root/trusted-roots.ts";

export type Rotation =
  | { readonly kind: "applied"; readonly roots: Roots }
  /** The steps that are missing before it can be applied, in the service's words. */
  | { readonly kind: "staged"; readonly txid: string; readonly missing: readonly string[] };

/** @param pending the key of a run that was cut off, where there was one */
export async function rotateStaged(
  job: Job,
  roots: Roots,
  pending: KeyId | null,
): Promise<Rotation> {
  const { terminal, file, about, client } = job;
  const channel = firstChannel(about.dialect);
  const old = ownSigner(file.entries, currentRoot(roots, channel));
  const key = pending === null ? null : keyById(file.entries, about.dialect, pending);
  const { staged, txid } = await terminal.step(
    line`starting a root update of ${about.factory}`,
    () => begin(job, roots),
  );
  const made = key ?? (await newKey(job));
  const added = rootKey(made.publicKey, about.dialect);
  const signers = [old, { keyid: added.keyid, key: made }];
  const next: Roots = new Map(
    [...nextRoots(job, roots, staged, { old: old.keyid, added })].map(
      ([name, { signed, others }]) => {
        const bytes = withSignatures(about.dialect, signed, others, signers);
        return [name, checked(about, currentRoot(roots, name), name, bytes)];
      },
    ),
  );
  if (pending !== null) {
    terminal.note(
      line`the last run was cut off before its root was accepted: going on with its key ${pending}`,
    );
  }
  await archiveBeforeSending(job, made, added, next);
  // From here on the new key may be all that can sign the next root.
  await file.assertUnchanged();
  const version = currentRoot(roots, channel).version + 1;
  const where = channelsOf(about.dialect).join(", ");
  await terminal.step(line`staging root version ${version} (${where})`, () =>
    stage(job, roots, txid, next),
  );
  const after = await readStagedRoots(client, about, roots);
  for (const message of after?.warnings ?? []) terminal.warn(line`${message}`);
  if (after !== null && after.errors.length > 0)
    return { kind: "staged", txid, missing: after.errors };
  await terminal.step(line`applying root version ${version} (${where})`, () =>
    apply(job, roots, txid, next),
  );
  return { kind: "applied", roots: next };
}

/** The key, and the very roots: the next run goes on with what this one signed, and with nothing else. */
async function archiveBeforeSending(
  { terminal, file }: Job,
  made: SigningKey,
  added: RootKey,
  next: Roots,
): Promise<void> {
  const fresh = keyEntries(rotatedKeyName(added.keyid), made.publicKey, made.toArchiveText());
  const keys = fresh.some(([name]) => !file.entries.has(name)) ? fresh : [];
  const marks = [
    pendingEntry(added.keyid),
    ...[...next].map(([channel, { bytes }]) => [pendingRootEntry(channel), bytes] as const),
  ];
  const noted = marks.every(([name, bytes]) => {
    const there = file.entries.get(name);
    return there !== undefined && equalBytes(there, bytes);
  });
  if (keys.length === 0 && noted) return;
  await terminal.step(line`archiving the new key (the old archive stays as ${file.path}.bak)`, () =>
    file.replace(new Map([...file.entries, ...keys, ...marks])),
  );
}

async function newKey({ terminal, options }: Job): Promise<SigningKey> {
  const kind = options.keyType === "rsa" ? "RSA-4096" : "Ed25519";
  return terminal.step(line`making a new ${kind} root key on this machine`, () =>
    makeSigningKey(options.keyType),
  );
}

/** Starts an update, or finds the one in progress. An empty txid: the token must be the starter's. */
async function begin(
  { client, about, options }: Job,
  roots: Roots,
): Promise<{ readonly staged: StagedRoots; readonly txid: string }> {
  const started = options.txid ?? (await startStaged(client, about.factory, options.reason)) ?? "";
  const staged = await readStagedRoots(client, about, roots);
  if (staged !== null) return { staged, txid: started };
  if (options.txid !== undefined) throw noUpdate(about.factory);
  throw new RootwardError(
    "server-unreachable",
    "no root update could be started; nothing has changed: run the command again",
  );
}

/** Sends the roots; where no clear answer comes, asks the service what it has. */
async function stage({ client, about }: Job, roots: Roots, txid: string, next: Roots) {
  try {
    const envelopes = new Map([...next].map(([channel, { bytes }]) => [channel, bytes] as const));
    await stageRoots(client, about, txid, envelopes);
  } catch (error) {
    if (!isUnclear(error)) throw error;
    const staged = await readStagedRoots(client, about, roots);
    const arrived = [...next].every(([channel, { root }]) => {
      const there = staged?.roots.get(channel);
      return there !== undefined && sameRoot(there, root);
    });
    if (!arrived) throw notInForce(versionOf(next), error);
  }
}

async function apply({ client, about }: Job, roots: Roots, txid: string, next: Roots) {
  let refusal: unknown = null;
  try {
    await applyStaged(client, about.factory, txid);
  } catch (error) {
    // Also an answer of a gateway's: only the chain tells.
    refusal = error;
  }
  for (const [channel, { root }] of next) {
    const policy = strictPolicy(about.dialect, channel);
    const chain = await followRemote(client, about.factory, policy, verifiedRoot(roots, channel));
    if (chain[1] && sameRoot(chain[1].root, root)) continue;
    if (isRootwardError(refusal) && !isUnclear(refusal)) throw refusal;
    throw notInForce(versionOf(next), refusal);
  }
}

function versionOf(next: Roots): number {
  const [version = 0] = [...next.values()].map(({ root }) => root.version);
  return version;
}
