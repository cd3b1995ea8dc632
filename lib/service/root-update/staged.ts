/**
 * The reads that all steps of a root update share: current roots, staged ones, and their judgement.
 */
import { RootwardError } from "../../error.ts";
import { storedDocument, type StoredDocument } from "../../state/documents.ts";
import type { Head, StagedRootUpdate } from "../../state/head.ts";
import { stagedPlace } from "../../state/root-update.ts";
import {
  channelsOf,
  firstChannel,
  rootLimits,
  type Channel,
  type Dialect,
} from "../../tuf/dialect.ts";
import { isJsonObject, parseJson, type JsonObject } from "../../tuf/json.ts";
import type { JsonValue } from "../../tuf/json.ts";
import { envelope } from "../../tuf/roles.ts";
import {
  judgeStagedRoots,
  type StagedJudgement,
  type StagedUpdate,
} from "../../tuf/staged-root.ts";
import type { Needs } from "../service.ts";
import { currentRoot, readStagedRoot } from "../store.ts";

/** An envelope of each channel. */
export type Envelopes = ReadonlyMap<Channel, JsonValue>;

/** The staged envelopes. */
export async function readStaged(
  service: Needs<"documents">,
  head: Head,
  update: StagedRootUpdate,
): Promise<Envelopes> {
  return parsedEnvelopes(await readStagedBytes(service, head, update), head.dialect);
}

export function parsedEnvelopes(
  staged: ReadonlyMap<Channel, Uint8Array>,
  dialect: Dialect,
): Envelopes {
  return new Map(
    [...staged].map(([channel, bytes]) => [channel, parseJson(bytes, rootLimits(dialect))]),
  );
}

/** The staged roots as they are stored. UTF-8. */
export async function readStagedBytes(
  service: Needs<"documents">,
  head: Head,
  update: StagedRootUpdate,
): Promise<ReadonlyMap<Channel, Uint8Array>> {
  const all = new Map<Channel, Uint8Array>();
  for (const channel of channelsOf(head.dialect)) {
    all.set(channel, await readStagedRoot(service, head, channel, update));
  }
  return all;
}

/**
 * Judges roots that are staged, or are to be.
 *
 * @param before what is staged; it has the changelog that the service wrote
 * @param submitted what is judged
 * @returns with the facts that they were judged by
 */
export async function judgeStaged(
  service: Needs<"documents" | "now" | "verify">,
  head: Head,
  update: StagedRootUpdate,
  before: Envelopes,
  submitted = before,
): Promise<{ readonly facts: StagedUpdate; readonly judged: StagedJudgement }> {
  const channels = [];
  for (const channel of channelsOf(head.dialect)) {
    const current = await currentRoot(service, head, channel);
    channels.push({ channel, current, submitted: submitted.get(channel) ?? null });
  }
  const facts: StagedUpdate = {
    channels,
    now: service.now(),
    onlineKeys: update.onlineKeys,
    madeKeys: new Map(update.made.map(({ keyid, fingerprint }) => [keyid, fingerprint])),
    retiringKeys: new Set(head.retiring.map(({ fingerprint }) => fingerprint)),
    initialKey: head.initialKey.keyid,
    changelog: signedOf(before, firstChannel(head.dialect))["x-changelog"] ?? null,
  };
  return { facts, judged: judgeStagedRoots(facts, service.verify) };
}

/** The `signed` of an envelope that we stored. */
export function signedOf(envelopes: Envelopes, channel: Channel): JsonObject {
  const body = envelopes.get(channel);
  const signed = isJsonObject(body) ? body["signed"] : undefined;
  if (isJsonObject(signed)) return signed;
  throw new RootwardError("internal", `the staged ${channel} root is damaged`);
}

/** A root to stage that nobody has signed yet. */
export function unsignedRoot(head: Head, channel: Channel, signed: JsonObject): StoredDocument {
  return stagedDocument(head, channel, envelope(signed, []));
}

export function stagedDocument(head: Head, channel: Channel, bytes: Uint8Array): StoredDocument {
  return storedDocument(stagedPlace(head, channel), bytes);
}
