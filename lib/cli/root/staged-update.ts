/**
 * The staged root update as this tool drives it: started, looked at, staged, applied. The service's staged
 * root is a proposal: the current root with the next version and the change message in it. Anything else in
 * it is shown, and signed only where the owner says so.
 */
import * as v from "valibot";
import { applyUpdate, reviewUpdate, stageUpdate, startUpdate } from "../../api/root-updates.ts";
import type { ArchivedFactory } from "../../archive/trust.ts";
import { verifySignature } from "../../crypto/verify.ts";
import { isRootwardError, RootwardError, type ErrorCode } from "../../error.ts";
import { sha256, sha256Text } from "../../tuf/bytes.ts";
import { strictPolicy } from "../../tuf/chain.ts";
import { channelsOf, rootLimits, rootMember, type Channel } from "../../tuf/dialect.ts";
import type { KeyId } from "../../tuf/keys.ts";
import { parseExpires } from "../../tuf/expires.ts";
import { isJsonObject, parseJson, type JsonValue } from "../../tuf/json.ts";
import { show } from "../../tuf/show.ts";
import { rootChanges, type RootChange } from "../../tuf/root-diff.ts";
import type { Root, RootDraft } from "../../tuf/root.ts";
import { verifySuccessor } from "../../tuf/submitted-root.ts";
import { readSignedRoot, wholeSignedRoot } from "../../tuf/signed-root.ts";
import type { Signature } from "../../tuf/signatures.ts";
import { line } from "../../text/line.ts";
import type { Client } from "../client.ts";
import type { VerifiedRoot } from "./remote-chain.ts";
import type { Terminal } from "../terminal.ts";
import { currentRoot, type Roots } from "./trusted-roots.ts";

/** The staged roots, as the service states them. */
export interface StagedRoots {
  readonly createdBy: string;
  readonly roots: ReadonlyMap<Channel, RootDraft>;
  /** The signatures on the staged roots so far. */
  readonly signatures: ReadonlyMap<Channel, readonly Signature[]>;
  /** The steps that are missing before it can be applied. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * @param trusted the current roots, verified
 * @returns null where no update is in progress
 * @throws RootwardError `server-refused` where what is staged cannot be read
 */
export async function readStagedRoots(
  client: Client,
  { factory, dialect }: ArchivedFactory,
  trusted: Roots,
): Promise<StagedRoots | null> {
  const review = await client.call(
    reviewUpdate,
    { factory },
    {
      answer: v.pick(reviewUpdate.answer, ["status", "updated", "change-meta", "issues"]),
    },
  );
  if (review.status === "NONE" || review.updated === null) return null;
  const { updated } = review;
  const roots = new Map<Channel, RootDraft>();
  const signatures = new Map<Channel, readonly Signature[]>();
  for (const channel of channelsOf(dialect)) {
    const bytes = new TextEncoder().encode(updated[rootMember(channel)]);
    const { keys } = currentRoot(trusted, channel);
    const forms = { dialect, channel, reading: "strict", trustedKeys: keys } as const;
    const { draft } = readSignedRoot(parseJson(bytes, rootLimits(dialect)), forms);
    if (draft === null)
      throw new RootwardError("server-refused", `the staged ${channel} root is no root`);
    roots.set(channel, draft.root);
    signatures.set(channel, draft.signatures);
  }
  const { errors } = review.issues;
  // This tool archives a key before it sends it, so that none is lost with an answer.
  const warnings = review.issues.warnings.filter(({ kind }) => kind !== "key-unproven");
  const messages = (notes: readonly { message: string }[]) => notes.map(({ message }) => message);
  const createdBy = review["change-meta"]?.["created-by"] ?? "";
  return { createdBy, roots, signatures, errors: messages(errors), warnings: messages(warnings) };
}

/**
 * Starts an update; one that is in progress already is looked at by the caller.
 *
 * @returns the txid, or null where no clear answer came or an update was in progress
 */
export async function startStaged(
  client: Client,
  factory: string,
  message: string,
): Promise<string | null> {
  try {
    const answer = v.pick(startUpdate.answer, ["txid"]);
    const { txid } = await client.call(startUpdate, { factory }, { body: { message }, answer });
    return txid;
  } catch (error) {
    const underWay = isRootwardError(error) && error.code === "update-in-progress";
    if (underWay || isUnclear(error)) return null;
    throw error;
  }
}

/** Errors that say neither that the service did the request nor that it refused. */
export const NO_ANSWER: readonly ErrorCode[] = ["server-unreachable", "unavailable"];

/** Also what a gateway says in the service's place. */
const UNCLEAR: readonly ErrorCode[] = [...NO_ANSWER, "server-refused"];

/** Whether the service may have done what was asked. */
export function isUnclear(error: unknown): boolean {
  return isRootwardError(error) && UNCLEAR.includes(error.code);
}

/** A root was sent, and the chain does not have it. @param reason what the service said, if anything */
export function notInForce(version: number, reason: unknown = null): RootwardError {
  return new RootwardError(
    "server-unreachable",
    `root version ${version} was sent but is not in force; the archive is safe and holds ` +
      `the new key: run the command again`,
    { errors: isRootwardError(reason) ? [reason.message] : [] },
  );
}

/** @param envelopes of all channels, as JSON */
export async function stageRoots(
  client: Client,
  { factory, dialect }: ArchivedFactory,
  txid: string,
  envelopes: ReadonlyMap<Channel, Uint8Array>,
): Promise<void> {
  const bodies = channelsOf(dialect).map((channel) => {
    const text = new TextDecoder().decode(envelopes.get(channel));
    return [rootMember(channel), JSON.parse(text) as JsonValue] as const;
  });
  const body = { txid, "ci-root": null, ...Object.fromEntries(bodies) };
  await client.call(stageUpdate, { factory }, { body });
}

export async function applyStaged(client: Client, factory: string, txid: string): Promise<void> {
  await client.call(applyUpdate, { factory }, { body: { txid } });
}

/**
 * The changes of the current roots by `staged` besides version and change message, in words.
 *
 * @param own the caller's own rotation, which a run that was cut off may have staged already; null
 *   where the caller changes nothing
 */
export function foreignChanges(
  { roots }: StagedRoots,
  trusted: Roots,
  own: { readonly old: KeyId; readonly added: KeyId } | null,
): readonly string[] {
  const isOwn = ({ kind, role, keyid }: RootChange): boolean =>
    own !== null &&
    (kind === "expires" ||
      (role === "root" && kind === "key-added" && keyid === own.added) ||
      (role === "root" && kind === "key-removed" && keyid === own.old));
  const changes = [...roots].flatMap(([channel, root]) =>
    rootChanges(currentRoot(trusted, channel), root).filter((change) => !isOwn(change)),
  );
  return [...new Set(changes.map(({ message }) => message))];
}

/** How far the time in a change message may be from ours. */
const MESSAGE_WITHIN = 3_600_000;

/**
 * Whether the change message is the caller's own, in the form in which the service writes it, and of
 * about now.
 */
export function isOwnMessage(
  staged: StagedRoots,
  user: string,
  message: string,
  now: number,
): boolean {
  const logs = [...staged.roots.values()].map(({ signed }) => signed["x-changelog"]);
  return logs.every((log) => {
    if (!isJsonObject(log) || Object.keys(log).length !== 3) return false;
    const { timestamp } = log;
    const time = typeof timestamp === "string" ? parseExpires(timestamp) : null;
    const timely = time !== null && Math.abs(time - now) <= MESSAGE_WITHIN;
    return timely && log["polis-id"] === user && log["message"] === message;
  });
}

/** The change messages as they would be signed, in words. */
export function messageOf({ roots }: StagedRoots): readonly string[] {
  return [...new Set([...roots.values()].map(({ signed }) => logWords(signed["x-changelog"])))];
}

const LOG_MEMBERS: readonly string[] = ["message", "polis-id", "timestamp"];

function logWords(log: JsonValue | undefined): string {
  const value = isJsonObject(log) ? log : null;
  const at = (name: string): string => {
    const member = value?.[name];
    // Whole, and not as short as `show` makes it: what is signed has been read.
    return typeof member === "string" ? JSON.stringify(member) : show(member);
  };
  const others = Object.keys(value ?? {}).filter((name) => !LOG_MEMBERS.includes(name));
  const more = others.map((name) => `, ${show(name)} ${at(name)}`).join("");
  return `message ${at("message")} by ${at("polis-id")} at ${at("timestamp")}${more}`;
}

/**
 * The tool signs exactly what it showed. The digest in the refusal covers the staged roots of all channels
 * and the words that were shown, so nothing else slips in between the run that shows and the run that
 * signs.
 *
 * @throws RootwardError `update-in-progress` with every change, unless `digest` is that of `staged`
 */
export function acceptChanges(
  terminal: Terminal,
  { factory }: ArchivedFactory,
  staged: StagedRoots,
  changes: readonly string[],
  digest: string | undefined,
): void {
  const documents = [...staged.roots.values()].map(({ message }) => sha256(message));
  const own = sha256Text(JSON.stringify([documents, changes]));
  if (digest !== own) {
    const before =
      digest === undefined ? "" : "what is staged is not what you accepted: it has changed since; ";
    throw new RootwardError(
      "update-in-progress",
      `${before}nothing was signed; the root update of ${factory} in progress changes what is listed ` +
        `here: sign all of it with --accept-changes ${own}, or cancel it`,
      { errors: changes },
    );
  }
  for (const change of changes) terminal.note(line`accepted: ${change}`);
}

export function noUpdate(factory: string): RootwardError {
  return new RootwardError("no-root-update", `there is no root update of ${factory} in progress`);
}

/**
 * A root that this machine has signed, by the rules of the service: nothing may be missing of it but
 * others' signatures.
 *
 * @param bytes the envelope. UTF-8
 * @throws RootwardError `chain-broken` with every finding
 */
export function checked(
  { dialect }: ArchivedFactory,
  current: Root,
  channel: Channel,
  bytes: Uint8Array,
): VerifiedRoot {
  const forms = { ...strictPolicy(dialect, channel), trustedKeys: current.keys };
  const { draft, errors } = readSignedRoot(parseJson(bytes, rootLimits(dialect)), forms);
  const whole = wholeSignedRoot(draft);
  const found = whole ? verifySuccessor(current, whole, "strict", verifySignature) : [];
  const wrong = [...errors, ...found].filter(({ code }) => !code.endsWith("-threshold"));
  if (whole !== null && wrong.length === 0) return { root: whole.root, bytes };
  throw new RootwardError("chain-broken", `the next ${channel} root would not be valid`, {
    errors: wrong.map(({ message }) => message),
  });
}
