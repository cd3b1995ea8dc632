/**
 * `keys tuf updates add-offline-key | delete-offline-key | rotate-offline-key`: the keys that the
 * service never holds. Whatever makes a key writes it beside the archive, stages the root that lists
 * it, and only then puts it in place.
 */
import { existsSync } from "node:fs";
import { getTargets, getUpdates, putUpdates, stagedOnlineTargets } from "./api.ts";
import { keyidsOf, withRole, type TufTargets } from "./documents.ts";
import { explained, GoError } from "./go-error.ts";
import {
  assertWritable,
  dropTemporary,
  keepTemporary,
  openOrMake,
  readArchive,
  saveTemporary,
  type KeyArchive,
} from "./key-archive.ts";
import { makeKeyPair, parseKeyType } from "./key-pair.ts";
import { inOneYear, type Shell } from "./shell.ts";
import { assertNoSigner, oneSigner, signTargets } from "./signers.ts";
import { addKey, finalize, openStaged, signStaged, without } from "./staged-root.ts";
import type { Txid } from "./updates-transaction.ts";

export type OfflineRole = "root" | "targets";

export interface AddArgs extends Txid {
  readonly role: OfflineRole;
  /** Made where it is not there yet. */
  readonly keys: string;
  readonly keyType?: string;
}

export async function addOfflineKey(shell: Shell, args: AddArgs): Promise<void> {
  const { role, keys, keyType = "ED25519", txid = "" } = args;
  const type = parseKeyType(keyType);
  if (existsSync(keys)) assertWritable(keys);
  const archive = openOrMake(keys);
  const updates = await getUpdates(shell.client);
  const staged = openStaged(updates);
  const others = keyidsOf(staged.ci, role);
  if (role === "root") {
    assertNoSigner(staged.ci, archive, others);
  } else {
    const online = stagedOnlineTargets(updates);
    if (others.length > 1) assertNoSigner(staged.ci, archive, without(staged.ci, role, online));
  }
  const pair = makeKeyPair(type);
  const added = await addKey(shell, staged.ci, { role, others, pair }, archive);
  shell.print(`= New ${role} keyid: ${pair.signer.id}`);
  const roots = finalize(shell, added.root, staged.prod);
  shell.print("= Uploading new TUF root");
  await upload(keys, added.archive, () => putUpdates(shell.client, { txid, ...roots }));
}

export interface DeleteArgs extends Txid {
  readonly role: OfflineRole;
  /** Either the archive with the key, or its id. */
  readonly keys?: string;
  readonly keyId?: string;
}

export async function deleteOfflineKey(shell: Shell, args: DeleteArgs): Promise<void> {
  const { role, keys, keyId, txid = "" } = args;
  if (keys === undefined && keyId === undefined) {
    throw new GoError(
      "Either --keys or --key-id option is required to delete the offline TUF key.",
    );
  }
  const archive = keys === undefined ? null : readArchive(keys);
  const updates = await getUpdates(shell.client);
  const staged = openStaged(updates);
  const online = role === "targets" ? stagedOnlineTargets(updates) : "";
  if (role === "targets" && keyId === online) {
    throw new GoError(`It is not allowed to delete an online TUF targets key: ${online}`);
  }
  const valid = without(staged.ci, role, online);
  if (keyId !== undefined && !valid.includes(keyId)) {
    const name = role === "root" ? "Root" : "Targets";
    throw new GoError(`Key ID ${keyId} not found in TUF ${name} role keys: [${valid.join(" ")}]`);
  }
  const id = keyId ?? oneSigner(staged.ci, archive ?? new Map(), valid).id;
  shell.print(`= Delete keyid: ${id}`);
  const ci = withRole(staged.ci, role, { keyids: without(staged.ci, role, id) });
  const roots = finalize(shell, ci, staged.prod);
  shell.print("= Uploading new TUF root");
  await putUpdates(shell.client, { txid, ...roots });
}

export interface RotateArgs extends Txid {
  readonly role: OfflineRole;
  readonly keys?: string;
  /** Where targets keys live, if not in `keys`. */
  readonly targetsKeys?: string;
  readonly keyType?: string;
  readonly sign?: boolean;
}

export async function rotateOfflineKey(shell: Shell, args: RotateArgs): Promise<void> {
  await (args.role === "root" ? rotateRootKey(shell, args) : rotateTargetsKey(shell, args));
}

async function rotateRootKey(shell: Shell, args: RotateArgs): Promise<void> {
  const { keys, targetsKeys, keyType = "ED25519", sign = false, txid = "" } = args;
  const type = parseKeyType(keyType);
  if (keys === undefined) {
    throw new GoError("The --keys option is required to rotate the offline TUF root key.");
  }
  if (targetsKeys !== undefined) {
    throw new GoError(
      "The --targets-keys option is only valid to rotate the offline TUF targets key.",
    );
  }
  const archive = readArchive(keys);
  assertWritable(keys);
  const { current, ci, prod } = openStaged(await getUpdates(shell.client));
  const old = oneSigner(ci, archive, keyidsOf(ci, "root"));
  const pair = makeKeyPair(type);
  const place = { role: "root", others: without(ci, "root", old.id), pair };
  const added = await addKey(shell, ci, place, archive);
  const signed = { ...added.root.signed, expires: inOneYear(shell) };
  shell.print(`= New root keyid: ${pair.signer.id}`);
  const made = finalize(shell, { ...added.root, signed }, prod);
  const roots = sign ? signStaged(shell, current, made, added.archive) : made;
  shell.print("= Uploading new TUF root");
  await upload(keys, added.archive, () => putUpdates(shell.client, { txid, ...roots }));
}

async function rotateTargetsKey(shell: Shell, args: RotateArgs): Promise<void> {
  const { keys, keyType = "ED25519", sign = false, txid = "" } = args;
  const type = parseKeyType(keyType);
  const file = args.targetsKeys ?? keys;
  if (file === undefined) {
    throw new GoError(
      "The --keys or --targets-keys option is required to rotate the offline TUF Targets key.",
    );
  }
  if (sign && keys === undefined) {
    throw new GoError("The --keys option is required to sign the new TUF root.");
  }
  if (existsSync(file)) assertWritable(file);
  const archive = openOrMake(file);
  const rootArchive = keys === undefined || keys === file ? null : readArchive(keys);
  const updates = await getUpdates(shell.client);
  const { current, ci, prod } = openStaged(updates);
  const online = stagedOnlineTargets(updates);
  const listed = keyidsOf(ci, "targets");
  // The first rotation finds the online key alone, and takes nothing away.
  const old =
    listed.length > 1 ? oneSigner(ci, archive, without(ci, "targets", online)).id : undefined;
  const pair = makeKeyPair(type);
  const others = listed.filter((id) => id !== old);
  const added = await addKey(shell, ci, { role: "targets", others, pair }, archive);
  shell.print(`= New Target keyid: ${pair.signer.id}`);
  const made = finalize(shell, added.root, prod);
  shell.print("= Re-signing prod Targets");
  // By the current root, so that a key may be rotated twice in one root update.
  const oldest =
    keyidsOf(current, "targets").length > 1
      ? oneSigner(current, archive, without(current, "targets", online)).id
      : "";
  const fetch = async (kind: "prod" | "wave", what: string) =>
    explained(`Failed to fetch production ${what}:`, async () =>
      signTargets(
        onlySignedBy(oldest, await getTargets(shell.client, kind, { mustExist: false })),
        [pair.signer],
      ),
    );
  const targets = await fetch("prod", "Targets");
  const waves = await fetch("wave", "Wave Targets");
  const roots = sign ? signStaged(shell, current, made, rootArchive ?? added.archive) : made;
  shell.print("= Uploading new TUF root");
  await upload(file, added.archive, () =>
    putUpdates(shell.client, { txid, ...roots, targets, waves }),
  );
}

function onlySignedBy(
  keyid: string,
  documents: Readonly<Record<string, TufTargets>> | null,
): Readonly<Record<string, TufTargets>> | null {
  if (documents === null) return null;
  const signed = ({ signatures }: TufTargets): boolean =>
    (signatures ?? []).some((signature) => signature.keyid === keyid);
  return Object.fromEntries(Object.entries(documents).filter(([, document]) => signed(document)));
}

/** Any error, a lost answer too, costs the new key. */
async function upload(file: string, archive: KeyArchive, put: () => Promise<void>): Promise<void> {
  saveTemporary(file, archive);
  try {
    await put();
  } catch (error) {
    dropTemporary(file);
    throw error;
  }
  keepTemporary(file);
}
