/**
 * What every changing command does with the staged roots: reads them, changes the ci root, drops the
 * keys that no role names, and makes the prod root anew as a copy with its own targets threshold.
 */
import { getPolisId, type RootUpdates } from "./api.ts";
import { decodeRoot, encodeRoot, keyidsOf, roleOf, withRole, type TufRoot } from "./documents.ts";
import { GoError } from "./go-error.ts";
import { withPair, type KeyArchive } from "./key-archive.ts";
import type { KeyPair } from "./key-pair.ts";
import { thisSecond, type Shell } from "./shell.ts";
import { signRoot, stagedSigners } from "./signers.ts";

export interface Staged {
  readonly current: TufRoot;
  readonly ci: TufRoot;
  /** Null until something was staged, where the service leaves it out until then. */
  readonly prod: TufRoot | null;
}

/** @throws GoError unless a root update is staged, and not being applied */
export function openStaged(updates: RootUpdates): Staged {
  if (updates.status === "NONE") {
    throw new GoError(
      "There are no TUF root updates in progress.\n" +
        "Please, run 'fioctl keys tuf updates init' to start over.",
    );
  }
  if (updates.status === "APPLYING") {
    throw new GoError("No modifications to TUF root updates allowed while they are being applied.");
  }
  const { current, ci, prod } = readRoots(updates);
  if (ci === null) throw new GoError("Updated TUF CI root not set. Please, report a bug.");
  return { current, ci, prod };
}

/** The roots in an answer, whatever its status. */
export function readRoots({ status, current, updated }: RootUpdates): {
  readonly current: TufRoot;
  readonly ci: TufRoot | null;
  readonly prod: TufRoot | null;
} {
  if (!["NONE", "STARTED", "APPLYING"].includes(status)) {
    throw new GoError(`Unexpected TUF root updates status: ${status}`);
  }
  const read = (source: string | undefined): TufRoot | null =>
    source === undefined || source === "" ? null : decodeRoot(source);
  const currentCi = read(current?.["ci-root"]);
  if (currentCi === null) throw new GoError("Current TUF CI root not set. Please, report a bug.");
  const ci = read(updated?.["ci-root"]);
  if (ci === null && status !== "NONE") {
    throw new GoError("Updated TUF CI root not set. Please, report a bug.");
  }
  return { current: currentCi, ci, prod: read(updated?.["prod-root"]) };
}

/** A copy with targets threshold 2. */
export function prodOf(ci: TufRoot): TufRoot {
  return withRole(decodeRoot(encodeRoot(ci)), "targets", { threshold: 2 });
}

/** After any change of the ci root's body: no signatures, no unused key, a new prod root. */
export function finalize(
  shell: Shell,
  ci: TufRoot,
  prod: TufRoot | null,
): { readonly ci: TufRoot; readonly prod: TufRoot } {
  const clean: TufRoot = { ...withoutUnusedKeys(shell, ci), signatures: [] };
  const made = prodOf(clean);
  if (prod === null) return { ci: clean, prod: made };
  const { threshold } = roleOf(prod, "targets");
  return { ci: clean, prod: withRole(made, "targets", { threshold }) };
}

/** Without keys that no role names, and without their owners. */
function withoutUnusedKeys(shell: Shell, root: TufRoot): TufRoot {
  const { keys, roles, "x-key-owners": owners } = root.signed;
  const used = new Set(Object.values(roles ?? {}).flatMap((role) => role?.keyids ?? []));
  const keep = <T>(entries: Readonly<Record<string, T>> | null | undefined) =>
    entries && Object.fromEntries(Object.entries(entries).filter(([id]) => used.has(id)));
  for (const id of Object.keys(keys ?? {})) {
    if (!used.has(id)) shell.print(`= Removing unused key: ${id}`);
  }
  const left = { keys: keep(keys) ?? null, "x-key-owners": keep(owners) ?? null };
  return { ...root, signed: { ...root.signed, ...left } };
}

/** Lists a new key after `others` in its role, with its owner, and files it. */
export async function addKey(
  shell: Shell,
  root: TufRoot,
  place: { readonly role: string; readonly others: readonly string[]; readonly pair: KeyPair },
  archive: KeyArchive,
): Promise<{ readonly root: TufRoot; readonly archive: KeyArchive }> {
  const { role, others, pair } = place;
  const { id } = pair.signer;
  const listed = withRole(root, role, { keyids: [...others, id] });
  const owner = { "polis-id": await getPolisId(shell.client), "created-at": thisSecond(shell) };
  const signed = {
    ...listed.signed,
    keys: { ...listed.signed.keys, [id]: pair.listed },
    "x-key-owners": { ...listed.signed["x-key-owners"], [id]: owner },
  };
  return { root: { ...listed, signed }, archive: withPair(archive, role, pair) };
}

/** The ids of a role without one. */
export function without(root: TufRoot, role: string, keyid: string): readonly string[] {
  return keyidsOf(root, role).filter((id) => id !== keyid);
}

/** Signs both roots with each fitting key of the archive. */
export function signStaged(
  shell: Shell,
  current: TufRoot,
  { ci, prod }: { readonly ci: TufRoot; readonly prod: TufRoot },
  archive: KeyArchive,
): { readonly ci: TufRoot; readonly prod: TufRoot } {
  const signers = stagedSigners(current, ci, archive);
  shell.print("= Signing new TUF root");
  return { ci: signRoot(ci, signers), prod: signRoot(prod, signers) };
}
