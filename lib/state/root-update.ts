/**
 * The staged root update as changes of the head: one at a time, started, staged again and again by one or
 * several signers, and then applied or cancelled (applying is `acceptRoots` in roles.ts). Staged roots are
 * named here by hash and judged elsewhere. This file keeps the rules of who may do what, and that nothing
 * of a cancelled update stays, private keys included.
 */
import { RootwardError } from "../error.ts";
import { sha256Text, type Sha256 } from "../tuf/bytes.ts";
import { channelsOf, ONLINE_ROLES, type Channel, type OnlineRole } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject } from "../tuf/json.ts";
import type { KeyId, RootKey } from "../tuf/keys.ts";
import { rolePlace, type Place, type StoredDocument } from "./documents.ts";
import type { Effect } from "./effect.ts";
import type { Head, StagedRootUpdate } from "./head.ts";
import { advance, isOver, type EventContext, type Transition } from "./transition.ts";

/** How long the repetition of an apply still gets its answer: the first may have been lost. */
const APPLY_REPEAT = 60 * 60_000;

/** The caller: the user's name, and the secret of the update where it was given. */
export interface Editor {
  readonly user: string;
  /** Empty for none. */
  readonly txid: string;
}

/** An online key that the boundary made for this update. */
export interface MadeKey {
  readonly role: OnlineRole;
  readonly keyid: KeyId;
  /** SHA-256 of its SPKI. */
  readonly fingerprint: Sha256;
}

/** Where the staged root of a channel lies: the next version, beside the roots. */
export function stagedPlace(head: Head, channel: Channel): Place {
  const version = (head.roles[channel]?.root.version ?? 0) + 1;
  return rolePlace(head, channel, "staged-root", version);
}

/** @throws RootwardError `update-in-progress` */
export function assertNoRootUpdate({ factory, rootUpdate }: Head): void {
  if (rootUpdate === null) return;
  throw new RootwardError(
    "update-in-progress",
    `a root update of ${factory} is in progress, started by ${rootUpdate.createdBy} at ` +
      `${formatTime(rootUpdate.createdAt)}: review it, then apply or cancel it`,
  );
}

/** @throws RootwardError `no-root-update` */
function currentRootUpdate({ factory, rootUpdate }: Head): StagedRootUpdate {
  if (rootUpdate !== null) return rootUpdate;
  throw new RootwardError("no-root-update", `there is no root update of ${factory} in progress`);
}

/**
 * The update, for a caller who may change or apply it: its initiator, and everyone who knows its txid. The
 * initiator is a token and not a name: the holder of another token may carry any name.
 *
 * @throws RootwardError `no-root-update`, `forbidden`
 */
export function editableRootUpdate(
  head: Head,
  txid: string,
  { actor }: EventContext,
): StagedRootUpdate {
  const update = currentRootUpdate(head);
  const mayEdit = txid === "" ? update.startedBy === actor : update.txidHash === sha256Text(txid);
  if (mayEdit) return update;
  throw new RootwardError(
    "forbidden",
    txid === ""
      ? "this root update was started with another token: give its transaction id (--txid)"
      : "the transaction id is not that of the root update in progress",
  );
}

export interface Start {
  readonly txid: string;
  readonly user: string;
  readonly message: string;
  /** Whether the answer hands over the initial root key: the owner is told. */
  readonly firstTime: boolean;
  readonly staged: readonly StoredDocument[];
}

/** @throws RootwardError `update-in-progress` */
export function startRootUpdate(head: Head, start: Start, context: EventContext): Transition {
  assertNoRootUpdate(head);
  const { txid, user, firstTime, staged } = start;
  const rootUpdate: StagedRootUpdate = {
    txidHash: sha256Text(txid),
    startedBy: context.actor,
    createdBy: user,
    createdAt: context.now,
    updatedBy: user,
    updatedAt: context.now,
    firstTime,
    staged: hashes(head, staged),
    onlineKeys: head.onlineKeys,
    made: [],
    unproven: [],
  };
  const version = staged[0]?.address.version ?? 0;
  return advance(
    head,
    {
      // The repetition of an older apply is over: it must not pass for one of this update.
      head: { rootUpdate, applied: null },
      documents: staged,
      type: "root-update-started",
      details: jsonObject({ version, user, message: start.message, firstTime }),
      notify: firstTime,
    },
    context,
  );
}

/**
 * @param unproven new root keys that have signed only in the request that brought them
 * @throws RootwardError `no-root-update`, `forbidden`
 */
export function stageRoots(
  head: Head,
  editor: Editor,
  staged: readonly StoredDocument[],
  unproven: readonly KeyId[],
  context: EventContext,
): Transition {
  const rootUpdate = {
    ...edited(editableRootUpdate(head, editor.txid, context), head, editor, staged, context),
    unproven,
  };
  return advance(
    head,
    {
      head: { rootUpdate },
      documents: staged,
      type: "root-update-staged",
      details: jsonObject({ user: editor.user, staged: jsonObject(rootUpdate.staged) }),
    },
    context,
  );
}

/** The update with other roots staged, by whom and when. */
function edited(
  rootUpdate: StagedRootUpdate,
  head: Head,
  { user }: Editor,
  staged: readonly StoredDocument[],
  { now }: EventContext,
): StagedRootUpdate {
  return { ...rootUpdate, staged: hashes(head, staged), updatedBy: user, updatedAt: now };
}

/**
 * Puts new online keys in place of the staged ones. Those that were made for this update before and
 * are replaced again are destroyed.
 *
 * @param staged the staged roots with the new keys; nobody has signed them yet
 */
export function stageOnlineKeys(
  head: Head,
  editor: Editor,
  staged: readonly StoredDocument[],
  made: readonly MadeKey[],
  context: EventContext,
): Transition {
  const rootUpdate = editableRootUpdate(head, editor.txid, context);
  const replaced = new Set(made.map(({ role }) => role));
  const kept = rootUpdate.made.filter(({ role }) => !replaced.has(role));
  const dropped = rootUpdate.made.filter(({ role }) => replaced.has(role));
  const keyids = Object.fromEntries(made.map(({ role, keyid }) => [role, keyid]));
  return advance(
    head,
    {
      head: {
        rootUpdate: {
          ...edited(rootUpdate, head, editor, staged, context),
          onlineKeys: { ...rootUpdate.onlineKeys, ...keyids },
          made: [...kept, ...made],
        },
      },
      documents: staged,
      effects: dropped.map(destroyKey),
      type: "online-keys-made",
      details: jsonObject({ user: editor.user, keyids: jsonObject(keyids) }),
    },
    context,
  );
}

/**
 * Anybody who may change roots may cancel: an initiator may have lost token and txid.
 *
 * @param signed its roots that carry all signatures that they need; the log names them
 */
export function cancelRootUpdate(
  head: Head,
  user: string,
  signed: readonly { readonly channel: Channel; readonly sha256: Sha256 }[],
  context: EventContext,
): Transition {
  const { made, createdBy } = currentRootUpdate(head);
  return advance(
    head,
    {
      head: { rootUpdate: null },
      effects: made.map(destroyKey),
      type: "root-update-cancelled",
      details: jsonObject({
        user,
        startedBy: createdBy,
        ...(signed.length > 0 && {
          signed: jsonObject(Object.fromEntries(signed.map((root) => [root.channel, root.sha256]))),
        }),
      }),
    },
    context,
  );
}

/**
 * Whether this is the repetition of an apply that was done: the answer to the first may be lost.
 */
export function wasApplied(head: Head, txid: string, { actor, now }: EventContext): boolean {
  const { rootUpdate, applied } = head;
  if (rootUpdate !== null || applied === null) return false;
  if (now >= applied.appliedAt + APPLY_REPEAT) return false;
  return txid === "" ? applied.startedBy === actor : applied.txidHash === sha256Text(txid);
}

/**
 * The part of an applied update that the head keeps.
 *
 * @param keys of the root that is replaced
 */
export function appliedUpdate(
  head: Head,
  keys: ReadonlyMap<KeyId, RootKey>,
  { now, policy }: EventContext,
): Pick<Head, "rootUpdate" | "applied" | "onlineKeys" | "retiring"> {
  const { txidHash, startedBy, onlineKeys } = currentRootUpdate(head);
  const left = ONLINE_ROLES.filter((role) => onlineKeys[role] !== head.onlineKeys[role]);
  const notBefore = now + policy.keyRetention;
  const retired = left.flatMap((role) => {
    const keyid = head.onlineKeys[role];
    const fingerprint = keys.get(keyid)?.key.fingerprint;
    return fingerprint === undefined ? [] : [{ role, keyid, fingerprint, notBefore }];
  });
  return {
    rootUpdate: null,
    applied: { txidHash, startedBy, appliedAt: now },
    onlineKeys,
    retiring: [...head.retiring, ...retired],
  };
}

/** Destroys retired online keys whose time has come; null while there is none. */
export function retireKeys(head: Head, context: EventContext): Transition | null {
  const over = head.retiring.filter(({ notBefore }) => isOver(notBefore, context));
  if (over.length === 0) return null;
  return advance(
    head,
    {
      head: { retiring: head.retiring.filter(({ notBefore }) => !isOver(notBefore, context)) },
      effects: over.map(destroyKey),
      type: "key-retired",
      details: jsonObject({ keys: over.map(({ role, keyid }) => jsonObject({ role, keyid })) }),
    },
    context,
  );
}

function destroyKey({ role, keyid }: { role: OnlineRole; keyid: KeyId }): Effect {
  return { kind: "destroy-key", role, keyid };
}

function hashes(head: Head, staged: readonly StoredDocument[]): StagedRootUpdate["staged"] {
  return Object.fromEntries(
    channelsOf(head.dialect).flatMap((channel) =>
      staged
        .filter(({ address }) => address.channel === channel)
        .map(({ address }) => [channel, address.sha256]),
    ),
  );
}
