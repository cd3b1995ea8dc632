/**
 * `keys tuf updates rotate-online-key | set-threshold | sign | sign-prod-targets`: what needs no new
 * offline key.
 */
import {
  generateOnlineKeys,
  getTargets,
  getUpdates,
  putUpdates,
  stagedOnlineTargets,
} from "./api.ts";
import { withRole } from "./documents.ts";
import { explained, GoError } from "./go-error.ts";
import { readArchive } from "./key-archive.ts";
import { parseKeyType } from "./key-pair.ts";
import type { Shell } from "./shell.ts";
import { oneSigner, signTargets } from "./signers.ts";
import { finalize, openStaged, prodOf, signStaged, without } from "./staged-root.ts";
import type { OfflineRole } from "./updates-offline-keys.ts";
import type { Txid } from "./updates-transaction.ts";

type OnlineRole = "targets" | "snapshot" | "timestamp";

const ONLINE: readonly OnlineRole[] = ["targets", "snapshot", "timestamp"];

export interface RotateOnlineArgs extends Txid {
  readonly roles: readonly OnlineRole[];
  readonly keyType?: string;
  /** Signs at once, with the root key in this archive. */
  readonly signWith?: string;
}

export async function rotateOnlineKey(shell: Shell, args: RotateOnlineArgs): Promise<void> {
  const { roles, keyType = "ED25519", signWith, txid = "" } = args;
  const type = parseKeyType(keyType);
  openStaged(await getUpdates(shell.client));
  shell.print("= Generating new online TUF keys");
  await generateOnlineKeys(shell.client, { txid, keyType: type, roles });
  const updates = await explained("Failed to fetch new online TUF keys", () =>
    getUpdates(shell.client),
  );
  for (const role of ONLINE.filter((name) => roles.includes(name))) {
    const keyid = updates.updated?.["online-keys"]?.[role] ?? "";
    shell.print(`= New online ${role} keyid: ${keyid}`);
  }
  if (signWith === undefined) return;
  const archive = readArchive(signWith);
  const { current, ci, prod } = openStaged(updates);
  const roots = signStaged(shell, current, finalize(shell, ci, prod), archive);
  shell.print("= Uploading new TUF root");
  await putUpdates(shell.client, { txid, ...roots });
}

export interface ThresholdArgs extends Txid {
  readonly role: OfflineRole;
  readonly threshold: number;
  readonly signWith?: string;
}

/** For targets it holds in prod only. */
export async function setThreshold(shell: Shell, args: ThresholdArgs): Promise<void> {
  const { role, threshold, signWith, txid = "" } = args;
  const least = role === "root" ? 1 : 2;
  if (threshold < least) {
    const name = role === "root" ? "Root" : "Targets";
    throw new GoError(`Threshold for TUF ${name} must be greater than ${least}: ${threshold}`);
  }
  const { current, ci, prod } = openStaged(await getUpdates(shell.client));
  const made =
    role === "root"
      ? finalize(shell, withRole(ci, "root", { threshold }), prod)
      : finalize(shell, ci, withRole(prod ?? prodOf(ci), "targets", { threshold }));
  const roots =
    signWith === undefined ? made : signStaged(shell, current, made, readArchive(signWith));
  shell.print("= Uploading new TUF root");
  await putUpdates(shell.client, { txid, ...roots });
}

export interface SignArgs extends Txid {
  readonly keys: string;
}

/** Adds signatures; the staged roots stay as they are. */
export async function sign(shell: Shell, { keys, txid = "" }: SignArgs): Promise<void> {
  const archive = readArchive(keys);
  const { current, ci, prod } = openStaged(await getUpdates(shell.client));
  const roots = signStaged(shell, current, { ci, prod: prod ?? prodOf(ci) }, archive);
  shell.print("= Uploading new TUF root");
  await putUpdates(shell.client, { txid, ...roots });
}

export interface SignTargetsArgs extends SignArgs {
  readonly tags?: readonly string[];
  readonly waves?: readonly string[];
}

/** Both kinds are signed unless only one of them is named. */
export async function signProdTargets(shell: Shell, args: SignTargetsArgs): Promise<void> {
  const { keys, tags = [], waves = [], txid = "" } = args;
  const archive = readArchive(keys);
  const updates = await getUpdates(shell.client);
  const { ci, prod } = openStaged(updates);
  if (prod === null) {
    throw new GoError(
      "Please, make changes to your Factory TUF root.\n" +
        "For example, add a new offline TUF Targets key before signing production Targets with it.",
    );
  }
  const online = stagedOnlineTargets(updates);
  const signer = oneSigner(ci, archive, without(ci, "targets", online));
  shell.print("= Signing prod Targets");
  const fetch = async (kind: "prod" | "wave", names: readonly string[], what: string) =>
    explained(`Failed to fetch production ${what}:`, async () =>
      signTargets(await getTargets(shell.client, kind, { names, mustExist: true }), [signer]),
    );
  const signed = {
    targets: tags.length > 0 || waves.length === 0 ? await fetch("prod", tags, "Targets") : null,
    waves:
      waves.length > 0 || tags.length === 0 ? await fetch("wave", waves, "Wave Targets") : null,
  };
  shell.print("= Uploading new signatures");
  await putUpdates(shell.client, { txid, ci, prod, ...signed });
}
