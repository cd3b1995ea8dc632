/**
 * Commands beside `keys tuf updates`: those that begin, change and apply a root update in one go, and
 * those that only read.
 */
import { writeFileSync } from "node:fs";
import { tarball, type TarEntry } from "../cli-tar.ts";
import { getOnlineTargetsKey, getRoot, getUpdates, putUpdates } from "./api.ts";
import { decodeKey, encodeCanonically, keyidsOf } from "./documents.ts";
import { GoError, statusOf } from "./go-error.ts";
import { indent } from "./json-reader.ts";
import { readArchive, saveArchive } from "./key-archive.ts";
import { parseKeyType } from "./key-pair.ts";
import { inOneYear, type Shell } from "./shell.ts";
import { finalize, openStaged, signStaged } from "./staged-root.ts";
import { rotateOfflineKey, type OfflineRole } from "./updates-offline-keys.ts";
import { rotateOnlineKey, sign } from "./updates-signing.ts";
import { apply, init } from "./updates-transaction.ts";

export interface RotateKeyArgs {
  readonly role: OfflineRole;
  readonly keys: string;
  readonly targetsKeys?: string;
  /** Fetches the first root key into `keys`. */
  readonly firstTime?: boolean;
  readonly keyType?: string;
  readonly changelog?: string;
}

/** `keys tuf rotate-offline-key`, and the former `keys rotate-root` and `keys rotate-targets`. */
export async function rotateKey(shell: Shell, args: RotateKeyArgs): Promise<void> {
  const { role, keys, targetsKeys, firstTime = false, keyType = "ED25519" } = args;
  shell.shortcut = "not initialized";
  parseKeyType(keyType);
  if (firstTime && role !== "root") {
    throw new GoError("The --first-time option is only valid for the first TUF root key rotation.");
  }
  if (targetsKeys !== undefined && role !== "targets") {
    throw new GoError("The --targets-keys option is only valid for the TUF targets key rotation.");
  }
  const changelog = args.changelog ?? `Rotate TUF ${role} offline signing key`;
  shell.print("= Creating new TUF updates transaction");
  await init(shell, firstTime ? { changelog, firstTime, keys } : { changelog });
  const places = { keys, ...(targetsKeys !== undefined && { targetsKeys }) };
  await rotateOfflineKey(shell, { role, ...places, keyType, sign: true });
  shell.print("= Applying staged TUF root changes");
  await apply(shell);
}

export interface RotateAllArgs {
  readonly keys: string;
  readonly targetsKeys?: string;
  readonly firstTime?: boolean;
  readonly keyType?: string;
  readonly changelog?: string;
}

export async function rotateAllKeys(shell: Shell, args: RotateAllArgs): Promise<void> {
  const { keys, targetsKeys = keys, firstTime = false, keyType = "ED25519" } = args;
  shell.shortcut = "not initialized";
  parseKeyType(keyType);
  const changelog = args.changelog ?? "Rotate all TUF root signing keys";
  shell.print("= Creating new TUF updates transaction");
  await init(shell, firstTime ? { changelog, firstTime, keys } : { changelog });
  await rotateOfflineKey(shell, { role: "root", keys, keyType });
  await rotateOfflineKey(shell, { role: "targets", keys: targetsKeys, keyType });
  await rotateOnlineKey(shell, { roles: ["targets", "snapshot", "timestamp"], keyType });
  await sign(shell, { keys });
  shell.print("= Applying staged TUF root changes");
  await apply(shell);
}

export interface ResignArgs {
  readonly keys: string;
  readonly changelog?: string;
}

/** `keys resign-root`, hidden: another year, with the same keys. */
export async function resignRoot(shell: Shell, args: ResignArgs): Promise<void> {
  const { keys, changelog = "Refresh TUF root expiration by 1 year" } = args;
  shell.shortcut = "not initialized";
  const archive = readArchive(keys);
  shell.print("= Creating new TUF updates transaction");
  await init(shell, { changelog });
  shell.print("= Extending TUF root expiration");
  const { current, ci, prod } = openStaged(await getUpdates(shell.client));
  const extended = { ...ci, signed: { ...ci.signed, expires: inOneYear(shell) } };
  const roots = signStaged(shell, current, finalize(shell, extended, prod), archive);
  shell.print("= Uploading new TUF root");
  await putUpdates(shell.client, { txid: "", ...roots });
  shell.print("= Applying staged TUF root changes");
  await apply(shell);
}

export async function showRoot(shell: Shell, { prod = false } = {}): Promise<void> {
  shell.print(indent(encodeCanonically(await getRoot(shell.client, { prod }))));
}

/** Every version from 1 on, into a tarball, until there is none. */
export async function downloadRoots(
  shell: Shell,
  { archive, prod = false }: { readonly archive: string; readonly prod?: boolean },
): Promise<void> {
  const entries: TarEntry[] = [];
  writeFileSync(archive, "");
  for (let version = 1; ; version += 1) {
    const root = await getRoot(shell.client, { prod, version }).catch((error: unknown) => {
      if (statusOf(error) === 404) return null;
      throw error;
    });
    if (root === null) break;
    shell.print(`= Adding ${version}.root.json`);
    entries.push({
      name: `${version}.root.json`,
      body: encodeCanonically(root),
      mode: 0o644,
    });
  }
  writeFileSync(archive, tarball(entries));
}

/** `keys copy-targets`, hidden: the first offline targets key found, into an archive of its own. */
export async function copyTargets(
  shell: Shell,
  { keys, targetsKeys }: { readonly keys: string; readonly targetsKeys: string },
): Promise<void> {
  const archive = readArchive(keys);
  const root = await getRoot(shell.client);
  const online = await getOnlineTargetsKey(shell.client);
  for (const id of keyidsOf(root, "targets")) {
    const text = root.signed.keys?.[id]?.keyval.public ?? "";
    if (text === online.keyval.public) continue;
    const pub = [...archive].find(
      ([name, body]) =>
        name.endsWith(".pub") && decodeKey(body.toString()).keyval.public.trim() === text.trim(),
    );
    if (pub === undefined) continue;
    const secret = pub[0].replace(".pub", ".sec");
    saveArchive(targetsKeys, new Map([pub, [secret, archive.get(secret) ?? Buffer.alloc(0)]]));
    return;
  }
  throw new GoError("Unable to find offline Target key for Factory");
}
