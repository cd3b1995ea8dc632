/**
 * `rootward keys sign`: adds this archive's signatures to the root update in progress. What it changes
 * is shown first, and signed only with --accept-changes: nobody signs what a server merely hands out.
 */
import type { ArchivedFactory } from "../archive/trust.ts";
import { RootwardError } from "../error.ts";
import { channelsOf, firstChannel, type Channel } from "../tuf/dialect.ts";
import { isJsonObject } from "../tuf/json.ts";
import { canonicalize } from "../tuf/canonical.ts";
import type { KeyId } from "../tuf/keys.ts";
import { envelope } from "../tuf/roles.ts";
import { wholeRoot, type Root } from "../tuf/root.ts";
import { signatureObject } from "../tuf/signatures.ts";
import { aboutFactory, type ArchiveFile } from "./archive-file.ts";
import type { Client } from "./client.ts";
import { rootSigners } from "./own-keys.ts";
import {
  checked,
  foreignChanges,
  readStagedRoots,
  stageRoots,
  type StagedRoots,
} from "./staged-update.ts";
import type { Terminal } from "./terminal.ts";
import { currentRoot, followFromArchive, type Roots } from "./trusted-roots.ts";

export interface SignOptions {
  readonly factory: string | undefined;
  /** Of an update that another token started; empty for none. */
  readonly txid: string;
  readonly acceptChanges: boolean;
}

export async function keysSign(
  client: Client,
  terminal: Terminal,
  file: ArchiveFile,
  options: SignOptions,
): Promise<void> {
  const about = aboutFactory(file, options.factory);
  const { factory } = about;
  const { roots } = await terminal.step(
    `verifying the chain of ${factory} from the root in the archive`,
    () => followFromArchive(client, file.entries, about, false),
  );
  const staged = await readStagedRoots(client, about, roots);
  if (staged === null) {
    throw new RootwardError("no-root-update", `there is no root update of ${factory} in progress`);
  }
  showChanges(terminal, about, staged, roots, options.acceptChanges);
  const signed = new Map(
    channelsOf(about.dialect).map((channel) => [
      channel,
      signStaged(file, about, staged, channel, currentRoot(roots, channel)),
    ]),
  );
  const envelopes = new Map([...signed].map(([channel, { bytes }]) => [channel, bytes] as const));
  await terminal.step(`sending the signatures of ${factory}`, () =>
    stageRoots(client, about, options.txid, envelopes),
  );
  const after = await readStagedRoots(client, about, roots);
  const missing = after?.errors ?? [];
  const keyids = [...new Set([...signed.values()].flatMap((one) => one.keyids))];
  terminal.result({ factory, keyids, missing }, [
    `Factory      ${factory}: the next root is staged, and not in force yet`,
    `signed by    ${keyids.join(", ")}`,
    ...missing.map((text) => `missing      ${text}`),
    ...(missing.length === 0 ? [`Next: rootward root apply --factory ${factory}`] : []),
  ]);
}

/** @throws RootwardError `update-in-progress` with every change, unless they are accepted */
function showChanges(
  terminal: Terminal,
  { factory, dialect }: ArchivedFactory,
  staged: StagedRoots,
  roots: Roots,
  accepted: boolean,
): void {
  const log = staged.roots.get(firstChannel(dialect))?.signed["x-changelog"];
  const message = isJsonObject(log) && typeof log["message"] === "string" ? log["message"] : "";
  const changes = [
    ...foreignChanges(staged, roots, null),
    `message: ${JSON.stringify(message)}, by ${staged.createdBy}`,
  ];
  if (!accepted) {
    throw new RootwardError(
      "update-in-progress",
      `nothing was signed: this is what the root update of ${factory} changes; sign it with ` +
        `--accept-changes`,
      { errors: changes },
    );
  }
  for (const change of changes) terminal.note(`accepted: ${change}`);
}

/** The staged root of a channel as it is, with the signatures so far and this archive's own. */
function signStaged(
  file: ArchiveFile,
  about: ArchivedFactory,
  staged: StagedRoots,
  channel: Channel,
  current: Root,
): { readonly bytes: Uint8Array; readonly keyids: readonly KeyId[] } {
  const next = wholeRoot(staged.roots.get(channel) ?? null);
  if (next === null) {
    throw new RootwardError("server-refused", `the staged ${channel} root cannot be read`);
  }
  const listed = [...rootSigners(file.entries, current), ...rootSigners(file.entries, next)];
  const own = new Map(listed.map(({ keyid, key }) => [keyid, key] as const));
  if (own.size === 0) {
    throw new RootwardError(
      "archive-invalid",
      `the archive holds no root key of root version ${current.version} or ${next.version}`,
    );
  }
  const message = canonicalize(next.signed, about.dialect);
  const others = (staged.signatures.get(channel) ?? []).filter(({ keyid }) => !own.has(keyid));
  const bytes = envelope(next.signed, [
    ...others.map(({ object }) => object),
    ...[...own].map(([keyid, key]) =>
      signatureObject(keyid, key.publicKey, key.sign(message), about.dialect),
    ),
  ]);
  return { bytes: checked(about, current, channel, bytes).bytes, keyids: [...own.keys()] };
}
