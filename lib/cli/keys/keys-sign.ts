/**
 * `rootward keys sign`: adds this archive's signatures to the root update in progress. The changes are
 * shown first, and signed only with --accept-changes: nobody signs a root only because a server hands it
 * out.
 */
import type { ArchivedFactory } from "../../archive/trust.ts";
import { RootwardError } from "../../error.ts";
import { channelsOf, type Channel } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import { wholeRoot, type Root } from "../../tuf/root.ts";
import { command, factoryWord } from "../../text/command.ts";
import { line, listed } from "../../text/line.ts";
import { aboutFactory, type ArchiveFile } from "./archive-file.ts";
import type { Client } from "../client.ts";
import { assertClock } from "./clock.ts";
import { rootSigners, withSignatures } from "./own-keys.ts";
import {
  acceptChanges,
  checked,
  foreignChanges,
  messageOf,
  noUpdate,
  readStagedRoots,
  stageRoots,
  type StagedRoots,
} from "../root/staged-update.ts";
import type { Terminal } from "../terminal.ts";
import { currentRoot, followFromArchive } from "../root/trusted-roots.ts";

export interface SignOptions {
  readonly factory: string | undefined;
  /** The transaction id of an update that another token started; empty for none. */
  readonly txid: string;
  /** The digest of what is staged, as a run without it shows; undefined for none. */
  readonly acceptChanges: string | undefined;
  /** The owner's word, where this machine's clock and the service's differ. */
  readonly clockIsRight: boolean;
}

export async function keysSign(
  client: Client,
  terminal: Terminal,
  file: ArchiveFile,
  options: SignOptions,
): Promise<void> {
  const about = aboutFactory(file, options.factory);
  const { factory } = about;
  const { roots, newest } = await terminal.step(
    line`verifying the chain of ${factory} from the root in the archive`,
    () => followFromArchive(client, file.entries, about, false),
  );
  const staged = await readStagedRoots(client, about, roots);
  if (staged === null) {
    throw noUpdate(factory);
  }
  const changes = [...foreignChanges(staged, roots, null), ...messageOf(staged)];
  acceptChanges(terminal, about, staged, changes, options.acceptChanges);
  const { clockIsRight } = options;
  assertClock(client, terminal, { now: Date.now(), newest, clockIsRight });
  const signed = new Map(
    channelsOf(about.dialect).map((channel) => [
      channel,
      signStaged(file, about, staged, channel, currentRoot(roots, channel)),
    ]),
  );
  const envelopes = new Map([...signed].map(([channel, { bytes }]) => [channel, bytes] as const));
  await terminal.step(line`sending the signatures of ${factory}`, () =>
    stageRoots(client, about, options.txid, envelopes),
  );
  const next = command`rootward root apply --factory ${factoryWord(factory)}`;
  const after = await readStagedRoots(client, about, roots);
  const missing = after?.errors ?? [];
  const keyids = [...new Set([...signed.values()].flatMap((one) => one.keyids))];
  terminal.result({ factory, keyids, missing }, [
    line`Factory      ${factory}: the next root is staged, and not in force yet`,
    line`signed by    ${listed(keyids)}`,
    ...missing.map((text) => line`missing      ${text}`),
    ...(missing.length === 0 && next !== null ? [line`Next: ${next}`] : []),
  ]);
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
  const signers = [...own].map(([keyid, key]) => ({ keyid, key }));
  const others = staged.signatures.get(channel) ?? [];
  const bytes = withSignatures(about.dialect, next.signed, others, signers);
  return { bytes: checked(about, current, channel, bytes).bytes, keyids: [...own.keys()] };
}
