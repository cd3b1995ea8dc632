/**
 * Rotating a root key by a staged root update, in both dialects: all channels change in one swap.
 *
 * The next roots are built here from the current ones, which are verified; the service's proposal
 * only says version and change message. Where another update is in progress, what it changes is
 * shown, and signed only with --accept-changes. Where one signature is not enough, the roots stay
 * staged for the other signers.
 */
import { keyEntries, rotatedKeyName } from "../archive/keys.ts";
import { pendingEntry, type ArchivedFactory } from "../archive/trust.ts";
import { makeSigningKey, type SigningKey } from "../crypto/signing-key.ts";
import { isRootwardError, RootwardError } from "../error.ts";
import { strictPolicy } from "../tuf/chain.ts";
import { channelsOf, firstChannel, type Channel } from "../tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import { rootKey, type KeyId, type KeyType, type RootKey } from "../tuf/keys.ts";
import { rotatedRoot, withTargetsThreshold } from "../tuf/roles.ts";
import { sameRoot, type RootDraft } from "../tuf/root.ts";
import type { Signature } from "../tuf/signatures.ts";
import { line } from "../text/line.ts";
import type { ArchiveFile } from "./archive-file.ts";
import type { Client } from "./client.ts";
import { keyById, ownSigner, withSignatures } from "./own-keys.ts";
import { followRemote } from "./remote-chain.ts";
import {
  acceptChanges,
  applyStaged,
  checked,
  foreignChanges,
  isOwnMessage,
  isUnclear,
  messageOf,
  noUpdate,
  notInForce,
  readStagedRoots,
  stageRoots,
  startStaged,
  type StagedRoots,
} from "./staged-update.ts";
import type { Terminal } from "./terminal.ts";
import { currentRoot, verifiedRoot, type Roots } from "./trusted-roots.ts";

export interface RotateOptions {
  readonly factory: string | undefined;
  readonly keyType: KeyType;
  readonly reason: string;
  /** Take the log as it is: the service was restored from a backup. */
  readonly acceptLog: boolean;
  /** The digest of what others staged and the owner has seen: sign it, too. */
  readonly acceptChanges: string | undefined;
  /** Of an update that another token started. */
  readonly txid: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** One run of `keys rotate`. */
export interface Job {
  readonly client: Client;
  readonly terminal: Terminal;
  readonly file: ArchiveFile;
  readonly about: ArchivedFactory;
  readonly options: RotateOptions;
  readonly user: string;
}

export type Rotation =
  | { readonly kind: "applied"; readonly roots: Roots }
  /** What is missing before it can be applied, in the service's words. */
  | { readonly kind: "staged"; readonly txid: string; readonly missing: readonly string[] };

/** How long a rotated root is valid: a year, as with fioctl. */
const ROOT_LIFETIME = 365 * 86_400_000;

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
    [...nextRoots(job, roots, staged, old.keyid, added)].map(([name, { signed, others }]) => {
      const bytes = withSignatures(about.dialect, signed, others, signers);
      return [name, checked(about, currentRoot(roots, name), name, bytes)];
    }),
  );
  if (pending === null) {
    await terminal.step(
      line`archiving the new key (the old archive stays as ${file.path}.bak)`,
      () =>
        file.replace(
          new Map([
            ...file.entries,
            ...keyEntries(rotatedKeyName(added.keyid), made.publicKey, made.toArchiveText()),
            pendingEntry(added.keyid),
          ]),
        ),
    );
  } else {
    terminal.note(
      line`the last run was cut off before its root was accepted: going on with its key ${pending}`,
    );
  }
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

/** A root to sign, and the signatures of others that stay on it. */
interface Unsigned {
  readonly signed: JsonObject;
  readonly others: readonly Signature[];
}

/**
 * The next root of each channel: from the current one; from what others staged, where accepted; or
 * as it is staged, where an earlier run staged it already and others may have signed since.
 */
function nextRoots(
  { about, options, user, terminal }: Job,
  roots: Roots,
  staged: StagedRoots,
  old: KeyId,
  added: RootKey,
): ReadonlyMap<Channel, Unsigned> {
  const foreign = [
    ...foreignChanges(staged, roots, { old, added: added.keyid }),
    ...(isOwnMessage(staged, user, options.reason) ? [] : messageOf(staged)),
  ];
  if (foreign.length > 0) acceptChanges(terminal, about, staged, foreign, options.acceptChanges);
  const first = firstChannel(about.dialect);
  const current = currentRoot(roots, first);
  const proposed = staged.roots.get(first) ?? current;
  if (holdsRotation(proposed, old, added.keyid, options.now())) {
    return new Map(
      [...staged.roots].map(([channel, { signed }]) => {
        const others = staged.signatures.get(channel) ?? [];
        return [channel, { signed, others }];
      }),
    );
  }
  const rotated = rotatedRoot(
    foreign.length > 0
      ? { ...current, signed: proposed.signed, roles: { ...current.roles, ...proposed.roles } }
      : current,
    {
      remove: [old, added.keyid],
      add: added,
      expires: options.now() + ROOT_LIFETIME,
      changelog: { user, message: options.reason, time: options.now() },
    },
  );
  const signed = jsonObject({ ...rotated, "x-changelog": proposed.signed["x-changelog"] });
  return new Map(
    channelsOf(about.dialect).map((channel) => {
      const own = currentRoot(roots, channel).roles.targets.threshold;
      const there = staged.roots.get(channel)?.roles.targets?.threshold ?? own;
      const threshold = foreign.length > 0 ? there : own;
      return [channel, { signed: withTargetsThreshold(signed, threshold), others: [] }];
    }),
  );
}

/** Whether a staged root has the new key in the place of the old one, for a year at most. */
function holdsRotation(proposed: RootDraft, old: KeyId, added: KeyId, now: number): boolean {
  const keyids = proposed.roles.root?.keyids ?? [];
  const { expires } = proposed;
  const inTime = expires !== null && expires > now && expires <= now + ROOT_LIFETIME;
  return keyids.includes(added) && !keyids.includes(old) && inTime;
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
