/**
 * What a release before v0.30 does with a root: the next version made from the current one, signed,
 * and sent twice. The ci root is in force before the prod root is sent.
 */
import { getOnlineTargetsKey, getPolisId, getRoot, getTargets, postRoot } from "./api.ts";
import {
  encodeRoot,
  keyidsOf,
  signedBytes,
  withRole,
  type RootShape,
  type TufRoot,
} from "./documents.ts";
import { GoError, statusOf } from "./go-error.ts";
import type { ClientOptions } from "./http.ts";
import { keepTemporary, saveTemporary, type KeyArchive } from "./key-archive.ts";
import { signText, type Signer } from "./key-pair.ts";
import type { Shell } from "./shell.ts";
import { signerOf, signTargets } from "./signers.ts";

export type Release = "v0.23" | "v0.27" | "v0.29";

export interface OldRun extends Shell {
  readonly release: Release;
  readonly shape: RootShape;
}

/** v0.23 has no changelog, so it need not know. */
export async function whoAmI({ client, release }: OldRun): Promise<string | null> {
  return release === "v0.23" ? null : getPolisId(client);
}

/** Version up by one, with a changelog, without unused keys; before v0.29 former signers' keys stay. */
export function nextRoot(
  run: OldRun,
  root: TufRoot,
  user: string | null,
  message: string,
): TufRoot {
  const former = run.release === "v0.29" ? [] : (root.signatures ?? []);
  const used = new Set([
    ...Object.values(root.signed.roles ?? {}).flatMap((role) => role?.keyids ?? []),
    ...former.map(({ keyid }) => keyid),
  ]);
  const keys = Object.entries(root.signed.keys ?? {}).filter(([id]) => used.has(id));
  const changelog =
    user === null ? null : { "polis-id": user, message, timestamp: localTime(run.client) };
  const signed = {
    ...root.signed,
    version: root.signed.version + 1,
    keys: Object.fromEntries(keys),
    "x-changelog": changelog,
  };
  return { ...root, signed };
}

/** Local time to the nanosecond, as time.Now() is written east of Greenwich. */
function localTime({ now = Date.now }: ClientOptions): string {
  const shifted = new Date(now() + 7_200_000).toISOString().slice(0, -1);
  return `${shifted}${String(process.hrtime.bigint() % 1_000_000n).padStart(6, "0")}`.replace(
    /\.?0*$/,
    "+02:00",
  );
}

export function sign({ shape }: OldRun, root: TufRoot, signers: readonly Signer[]): TufRoot {
  const message = signedBytes(root, shape);
  return { ...root, signatures: signers.map((signer) => signText(message, signer)) };
}

/** Compared as text, so the service must spell the key as it does in the root. */
export async function onlineTargetsId({ client }: OldRun, root: TufRoot): Promise<string> {
  const online = await getOnlineTargetsKey(client);
  const id = keyidsOf(root, "targets").find(
    (keyid) => root.signed.keys?.[keyid]?.keyval.public === online.keyval.public,
  );
  if (id === undefined) throw new GoError("Unable to find online target key for factory");
  return id;
}

/** Production targets signed again with every offline key of the new root. */
export async function withTargetsSignatures(
  { client }: OldRun,
  root: TufRoot,
  online: string,
  archive: KeyArchive,
): Promise<TufRoot> {
  const documents = await getTargets(client, "prod", { mustExist: false });
  if (documents === null) return root;
  const signers = keyidsOf(root, "targets")
    .filter((id) => id !== online)
    .map((id) => signerOf(id, root.signed.keys?.[id]?.keyval.public ?? "", archive));
  return { ...root, "targets-signatures": signTargets(documents, signers) };
}

/** The archive's `.tmp` stays where the service refused: it may hold the only copy of the new key. */
export async function submit(
  run: OldRun,
  keys: string,
  root: TufRoot,
  archive: KeyArchive,
): Promise<void> {
  saveTemporary(keys, archive);
  run.print("= Uploading rotated root");
  await postCi(run, encodeRoot(root, run.shape), `${keys}.tmp`);
  keepTemporary(keys);
  await syncProd(run, root, archive);
}

export async function postCi(
  { client, release }: OldRun,
  body: string,
  temporary?: string,
): Promise<void> {
  try {
    await postRoot(client, body);
  } catch (error) {
    if (statusOf(error) === 409) {
      const command =
        release === "v0.29"
          ? "fioctl keys tuf sync-prod-root"
          : "fioctl keys rotate-root --sync-prod";
      throw new GoError(
        `Your production root role is out of sync. Please run \`${command}\` to fix this.`,
      );
    }
    if (!(error instanceof GoError) || temporary === undefined) throw error;
    throw new GoError(
      `${error.message}\nA temporary copy of the new root was saved: ${temporary}\n` +
        "Before deleting this please ensure your factory isn't configured with this new key",
    );
  }
}

/** The prod root of the same version: targets threshold 2, signed by the keys that signed ci. */
export async function syncProd(run: OldRun, ci: TufRoot, archive: KeyArchive): Promise<void> {
  run.print("= Populating production root version");
  const { version, keys } = ci.signed;
  if (version === 1) {
    throw new GoError(
      "Unexpected error: production root version 1 can only be generated on server side",
    );
  }
  const before = await getRoot(run.client, { version: version - 1 }, run.shape);
  const signers = (ci.signatures ?? []).map(({ keyid }) => {
    const key = keys?.[keyid] ?? before.signed.keys?.[keyid];
    return signerOf(keyid, key?.keyval.public ?? "", archive);
  });
  const prod = sign(run, withRole(ci, "targets", { threshold: 2 }), signers);
  const [targets, former] = [keyidsOf(prod, "targets"), keyidsOf(before, "targets")];
  const replaced = targets.length > 1 && former.some((id) => !targets.includes(id));
  const whole = replaced
    ? await withTargetsSignatures(run, prod, await onlineTargetsId(run, prod), archive)
    : prod;
  await postRoot(run.client, encodeRoot(whole, run.shape), { prod: true });
}
