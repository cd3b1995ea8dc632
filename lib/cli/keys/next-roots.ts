/**
 * The roots that `keys rotate` signs. Each value of the next root is made here or comes from the current root,
 * which is verified: version, expiry, keys, thresholds, consistent_snapshot and members that we do not
 * know. The service writes the change message; it is signed without a question only where it says what
 * the owner said, just now. Everything else that is staged is shown, and signed only under its digest.
 *
 * A run that was cut off left the roots that it signed in the archive. The next run goes on with
 * exactly these, and says where the service holds something else.
 */
import { pendingRoot, type ArchivedFactory } from "../../archive/trust.ts";
import { isRootwardError } from "../../error.ts";
import { line, type Line } from "../../text/line.ts";
import { strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, firstChannel, rootLimits, type Channel } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import { jsonObject, parseJson, sameJson, type JsonObject } from "../../tuf/json.ts";
import type { KeyId, RootKey } from "../../tuf/keys.ts";
import { rotatedRoot, withTargetsThreshold } from "../../tuf/roles.ts";
import { keyOwners, rootChanges } from "../../tuf/root-diff.ts";
import { sameRoot, type Root } from "../../tuf/root.ts";
import { show } from "../../tuf/show.ts";
import { readSignedRoot } from "../../tuf/signed-root.ts";
import type { Signature } from "../../tuf/signatures.ts";
import type { VerifiedRoot } from "../root/remote-chain.ts";
import type { Job } from "./rotation-job.ts";
import {
  acceptChanges,
  checked,
  foreignChanges,
  isOwnMessage,
  messageOf,
  type StagedRoots,
} from "../root/staged-update.ts";
import { currentRoot, type Roots } from "../root/trusted-roots.ts";

/** How long a rotated root is valid: a year, as with fioctl. */
const ROOT_LIFETIME = 365 * 86_400_000;

/** A root to sign, and the signatures of others that stay on it. */
export interface Unsigned {
  readonly signed: JsonObject;
  readonly others: readonly Signature[];
}

/** The key that leaves the root role, and the one that takes its place. */
export interface Swap {
  readonly old: KeyId;
  readonly added: RootKey;
}

/**
 * The next root of each channel.
 *
 * @throws RootwardError `update-in-progress` where what is staged was not accepted
 */
export function nextRoots(
  job: Job,
  roots: Roots,
  staged: StagedRoots,
  swap: Swap,
): ReadonlyMap<Channel, Unsigned> {
  const { about, options, terminal } = job;
  const remembered = rememberedRoots(job, roots, staged, swap);
  if (remembered !== null && isStaged(remembered, staged)) return withOthers(remembered, staged);
  const foreign = [
    ...foreignChanges(staged, roots, { old: swap.old, added: swap.added.keyid }),
    ...foreignWords(job, roots, staged, swap.old),
  ];
  for (const text of differences(remembered, roots, staged)) terminal.note(text);
  if (foreign.length > 0) acceptChanges(terminal, about, staged, foreign, options.acceptChanges);
  else if (remembered !== null) return withOthers(remembered, null);
  return builtRoots(job, roots, staged, swap, foreign.length > 0);
}

/** From the current roots; with what others staged, where that was accepted. */
function builtRoots(
  { about, options, user }: Job,
  roots: Roots,
  staged: StagedRoots,
  { old, added }: Swap,
  accepted: boolean,
): ReadonlyMap<Channel, Unsigned> {
  const first = firstChannel(about.dialect);
  const current = currentRoot(roots, first);
  const proposed = staged.roots.get(first) ?? current;
  const now = options.now();
  const rotated = rotatedRoot(
    accepted
      ? { ...current, signed: proposed.signed, roles: { ...current.roles, ...proposed.roles } }
      : current,
    {
      remove: [old, added.keyid],
      add: added,
      expires: now + ROOT_LIFETIME,
      changelog: { user, message: options.reason, time: now },
    },
  );
  const signed = jsonObject({ ...rotated, "x-changelog": proposed.signed["x-changelog"] });
  return new Map(
    channelsOf(about.dialect).map((channel) => {
      const own = currentRoot(roots, channel).roles.targets.threshold;
      const there = staged.roots.get(channel)?.roles.targets?.threshold ?? own;
      const threshold = accepted ? there : own;
      return [channel, { signed: withTargetsThreshold(signed, threshold), others: [] }];
    }),
  );
}

/** The roots that a run before this one signed, where they can still become the next ones. */
function rememberedRoots(
  { about, file, options }: Job,
  roots: Roots,
  staged: StagedRoots,
  { old, added }: Swap,
): ReadonlyMap<Channel, VerifiedRoot> | null {
  const found = new Map<Channel, VerifiedRoot>();
  for (const channel of channelsOf(about.dialect)) {
    const bytes = pendingRoot(file.entries, channel);
    const own =
      bytes === null ? null : successor(about, currentRoot(roots, channel), channel, bytes);
    if (own === null) return null;
    const { roles, expires, signed } = own.root;
    const keyids = roles.root.keyids;
    const now = options.now();
    const inTime = expires > now && expires <= now + ROOT_LIFETIME;
    const log = staged.roots.get(channel)?.signed["x-changelog"] ?? null;
    const fits = keyids.includes(added.keyid) && !keyids.includes(old) && inTime;
    if (!fits || !sameJson(signed["x-changelog"] ?? null, log)) return null;
    found.set(channel, own);
  }
  return found;
}

/** Where the root in force is not the one that this tool signed with its new key, in words. */
export function acceptedOtherwise({ about, file }: Job, roots: Roots): readonly Line[] {
  return [...roots].flatMap(([channel, { root }]) => {
    const bytes = pendingRoot(file.entries, channel);
    if (bytes === null) return [];
    const forms = { ...strictPolicy(about.dialect, channel), trustedKeys: root.keys };
    const { draft } = readSignedRoot(parseJson(bytes, rootLimits(about.dialect)), forms);
    if (draft === null || sameRoot(draft.root, root)) return [];
    const changes = rootChanges(draft.root, root).map(({ message }) => message);
    return [...changes, "it is not word for word the one that this tool signed"].map(
      (message) => line`the ${channel} root in force: ${message}`,
    );
  });
}

/** A root that this machine signed; null where it no longer follows from the current one. */
function successor(
  about: ArchivedFactory,
  current: Root,
  channel: Channel,
  bytes: Uint8Array,
): VerifiedRoot | null {
  try {
    return checked(about, current, channel, bytes);
  } catch (error) {
    if (isRootwardError(error)) return null;
    throw error;
  }
}

function isStaged(own: ReadonlyMap<Channel, VerifiedRoot>, { roots }: StagedRoots): boolean {
  return [...own].every(([channel, { root }]) => {
    const there = roots.get(channel);
    return there !== undefined && sameRoot(there, root);
  });
}

/** @param staged whose signatures stay on the roots; null for none */
function withOthers(
  own: ReadonlyMap<Channel, VerifiedRoot>,
  staged: StagedRoots | null,
): ReadonlyMap<Channel, Unsigned> {
  return new Map(
    [...own].map(([channel, { root }]) => {
      const others = staged?.signatures.get(channel) ?? [];
      return [channel, { signed: root.signed, others }];
    }),
  );
}

/** Where the service says other words than the owner, or another name than the current root. */
function foreignWords(
  { about, options, user, terminal }: Job,
  roots: Roots,
  staged: StagedRoots,
  old: KeyId,
): readonly string[] {
  const { signed, version } = currentRoot(roots, firstChannel(about.dialect));
  const known = keyOwners(signed).get(old);
  if (known === undefined) {
    terminal.note(
      line`the new key's owner will be named ${user} in the root, as the service calls you`,
    );
  }
  return [
    ...(known === undefined || known === user
      ? []
      : [
          `the service calls you ${show(user)}; root version ${version} calls the owner of your key ` +
            show(known),
        ]),
    ...(isOwnMessage(staged, user, options.reason, options.now()) ? [] : messageOf(staged)),
  ];
}

/**
 * The differences between the service's roots and those that this tool signed, or is about to sign, in
 * words.
 */
function differences(
  own: ReadonlyMap<Channel, VerifiedRoot> | null,
  roots: Roots,
  staged: StagedRoots,
): readonly Line[] {
  return [...staged.roots].flatMap(([channel, there]) => {
    const current = currentRoot(roots, channel);
    const changes = rootChanges(current, there);
    if (changes.length === 0) return [];
    const root = own?.get(channel)?.root;
    if (root !== undefined) {
      return rootChanges(root, there).map(
        ({ message }) => line`staged at the service, but not what this tool signed: ${message}`,
      );
    }
    const expiry = changes.some(({ kind }) => kind === "expires");
    return expiry && there.expires !== null
      ? [
          line`the staged ${channel} root expires at ${formatTime(there.expires)}: not signed, this tool sets the expiry`,
        ]
      : [];
  });
}
