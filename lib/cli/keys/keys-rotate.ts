/**
 * `rootward keys rotate`: makes a root key on this machine, signs the next roots with the old and the
 * new key, and has them applied. It signs nothing that a server hands it: the next root is built here
 * from the current one, which must follow from the root that the archive trusts, and the audit log
 * must still hold the event that was last seen.
 *
 * Order, and why a crash at any moment loses nothing:
 *   1. the new key and a mark go into the archive     no root lists the key yet
 *   2. the signed roots are staged and applied        the archive holds old and new key
 *   3. the archive notes the new root and drops the mark
 * A run that finds the mark asks the service what is true: either the root with that key was
 * accepted, and step 3 follows, or the same key is used again from step 2 on.
 */
import * as v from "valibot";
import { readSelf } from "../../api/fioctl.ts";
import { submitRoot } from "../../api/roots.ts";
import {
  factoryEntry,
  logEntry,
  pendingKeyid,
  trustedRootEntry,
  withoutPending,
} from "../../archive/trust.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { isRootwardError } from "../../error.ts";
import { nextInChain, strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, firstChannel, type Channel } from "../../tuf/dialect.ts";
import { withTargetsThreshold } from "../../tuf/roles.ts";
import { sameRoot } from "../../tuf/root.ts";
import { line, listed } from "../../text/line.ts";
import { aboutFactory, type ArchiveFile } from "./archive-file.ts";
import { channelQuery, type Client } from "../client.ts";
import { assertClock } from "./clock.ts";
import { acceptedOtherwise } from "./next-roots.ts";
import { rootSigners, signRoot } from "./own-keys.ts";
import { followRemote, readRemoteLog } from "../root/remote-chain.ts";
import type { Job, RotateOptions } from "./rotation-job.ts";
import { rotateStaged, type Rotation } from "./staged-rotation.ts";
import { NO_ANSWER, notInForce } from "../root/staged-update.ts";
import type { Terminal } from "../terminal.ts";
import { currentRoot, followFromArchive, verifiedRoot, type Roots } from "../root/trusted-roots.ts";

export async function keysRotate(
  client: Client,
  terminal: Terminal,
  file: ArchiveFile,
  options: RotateOptions,
): Promise<void> {
  const about = aboutFactory(file, options.factory);
  const { factory, dialect } = about;
  const { roots, logEnd, newest } = await terminal.step(
    line`verifying the chain of ${factory} from the root in the archive`,
    () => followFromArchive(client, file.entries, about, options.acceptLog),
  );
  const job: Job = { client, terminal, file, about, options, user: await ownId(client, factory) };
  const { clockIsRight } = options;
  assertClock(client, terminal, { now: options.now(), newest, clockIsRight });
  const first = firstChannel(dialect);
  let current = await followProd(job, roots);
  const pending = pendingKeyid(file.entries);
  const { version, roles } = currentRoot(current, first);
  const accepted = pending !== null && roles.root.keyids.includes(pending);
  if (accepted) {
    terminal.note(
      line`the last run was cut off after the service had accepted its root: root version ${version} with key ${pending} is in force`,
    );
    for (const text of acceptedOtherwise(job, current)) terminal.warn(text);
  } else {
    const rotation = await rotateStaged(job, current, pending);
    if (rotation.kind === "staged") {
      reportStaged(job, rotation);
      return;
    }
    current = rotation.roots;
  }
  const log = await readRemoteLog(client, factory, logEnd);
  await terminal.step(line`noting the new root in the archive`, () =>
    file.replace(
      new Map([
        ...withoutPending(file.entries),
        factoryEntry(about),
        ...[...current].map(([channel, { bytes }]) => [trustedRootEntry(channel), bytes] as const),
        logEntry(log.end),
      ]),
    ),
  );
  report(job, current, accepted);
}

/** The user of the token. It goes into what is signed, so it has a form that every client takes. */
async function ownId(client: Client, factory: string): Promise<string> {
  const answer = v.pick(readSelf.answer, ["polis-id"]);
  return (await client.call(readSelf, { factory }, { answer }))["polis-id"];
}

/** In ats: where prod is one root behind ci, signs the same root for prod and sends it. */
async function followProd(job: Job, roots: Roots): Promise<Roots> {
  const { about, file } = job;
  if (about.dialect !== "ats") return roots;
  const [ci, prod] = [currentRoot(roots, "ci"), currentRoot(roots, "prod")];
  if (ci.version === prod.version) return roots;
  const signed = withTargetsThreshold(ci.signed, prod.roles.targets.threshold);
  const signers = [...rootSigners(file.entries, prod), ...rootSigners(file.entries, ci)];
  const once = new Map(signers.map((signer) => [signer.keyid, signer]));
  return submit(job, roots, "prod", signRoot(about.dialect, signed, [...once.values()]));
}

/** Sends a signed root; where no clear answer comes, asks the service what is true. */
async function submit(job: Job, roots: Roots, channel: Channel, bytes: Uint8Array): Promise<Roots> {
  const { client, terminal, file, about } = job;
  const before = verifiedRoot(roots, channel);
  const policy = strictPolicy(about.dialect, channel);
  const { root } = nextInChain(before.root, bytes, policy, verifySignature);
  await terminal.step(line`sending root version ${root.version} (${channel})`, async () => {
    // From here on the new key may be all that can sign the next root.
    await file.assertUnchanged();
    let refusal: unknown = null;
    try {
      const { warnings } = await client.call(
        submitRoot,
        { factory: about.factory },
        {
          query: channelQuery(channel),
          body: bytes,
          answer: v.pick(submitRoot.answer, ["version", "warnings"]),
        },
      );
      // Prod gets the same advice as ci: once is enough.
      const advice = channel === firstChannel(about.dialect) ? warnings : [];
      for (const { message } of advice) terminal.warn(line`${message}`);
    } catch (error) {
      // Also an answer of a gateway's: only the chain tells.
      refusal = error;
    }
    const chain = await followRemote(client, about.factory, policy, before);
    if (chain[1] && sameRoot(chain[1].root, root)) return;
    if (isRootwardError(refusal) && !NO_ANSWER.includes(refusal.code)) throw refusal;
    throw notInForce(root.version, refusal);
  });
  return new Map([...roots, [channel, { root, bytes }]]);
}

/** Where one signature is not enough, the roots wait for the others. */
function reportStaged(
  { terminal, file, about }: Job,
  { txid, missing }: Rotation & { kind: "staged" },
): void {
  const { factory } = about;
  terminal.result({ factory, staged: true, txid, missing, archive: file.path }, [
    line`Factory      ${factory}: the next root is staged, and not in force yet`,
    ...missing.map((message) => line`missing      ${message}`),
    line`transaction  ${txid || "(known to the token that started it)"}; other signers need it`,
    line`archive      ${file.path} holds the new key (before: ${file.path}.bak)`,
    line`Once it is applied, run this command again: it notes the new root in the archive.`,
  ]);
}

function report({ terminal, file, about }: Job, roots: Roots, resumed: boolean): void {
  const channels = channelsOf(about.dialect);
  const { version, roles, signed } = currentRoot(roots, firstChannel(about.dialect));
  const expires = typeof signed["expires"] === "string" ? signed["expires"] : "";
  const { keyids } = roles.root;
  const { factory } = about;
  const result = { factory, channels, version, keyids, expires, archive: file.path, resumed };
  terminal.result(result, [
    line`Factory      ${factory} (${listed(channels)})`,
    line`root         version ${version}, until ${expires}`,
    line`root key     ${listed(keyids)}`,
    line`archive      ${file.path} (before: ${file.path}.bak); keep both offline`,
  ]);
}
