/**
 * Staging roots: a signer sends both roots as they shall be, signed or not. A root that can never become
 * good is refused here. An unfinished one is kept, and the review says what is missing.
 */
import { RootwardError } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { editableRootUpdate, stageRoots } from "../../state/root-update.ts";
import { channelsOf, firstChannel, type Channel } from "../../tuf/dialect.ts";
import type { Finding } from "../../tuf/findings.ts";
import { isJsonArray, isJsonObject, jsonObject, sameJson, type JsonValue } from "../../tuf/json.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import type { Root } from "../../tuf/root.ts";
import { show } from "../../tuf/show.ts";
import { isDeferred, type StagedJudgement } from "../../tuf/staged-root.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { orReturn } from "../roots/return-roots.ts";
import { rootRefused } from "../roots/root-refused.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUpAll } from "../sign-roles.ts";
import { judgeStaged, readStaged, signedOf, stagedDocument, type Envelopes } from "./staged.ts";

export interface StageRequest {
  readonly factory: FactoryName;
  readonly principal: Principal;
  readonly txid: string;
  /** The strictly parsed envelope of each channel. */
  readonly roots: Envelopes;
}

/** @throws RootwardError `no-root-update`, `forbidden`; `root-refused` with every finding */
export async function stageUpdate(
  service: Needs<Changes | Signs | "verify">,
  request: StageRequest,
): Promise<void> {
  const { factory, principal, txid, roots } = request;
  const staging = async (head: Head) => {
    await catchUpAll(service, head);
    const now = eventContext(service, principal.actor);
    const staged = editableRootUpdate(head, txid, now);
    const before = await readStaged(service, head, staged);
    const submitted = withEarlierSignatures(roots, before);
    const { facts, judged } = await judgeStaged(service, head, staged, before, submitted);
    const first = firstChannel(head.dialect);
    const owners = judged.roots.get(first)?.draft?.root.signed["x-key-owners"];
    const known = [facts.channels[0]?.current.signed, signedOf(before, first)].map(
      (signed) => signed?.["x-key-owners"],
    );
    const errors = [
      ...judged.errors.filter((finding) => !isDeferred(finding)),
      ...foreignOwners(owners, known, principal.token.user),
    ];
    if (errors.length > 0) throw rootRefused(`staged root of ${factory}`, errors);
    const documents = channelsOf(head.dialect).map((channel) => {
      const document = judged.roots.get(channel)?.document;
      if (!document) throw new RootwardError("internal", `no ${channel} root was judged`);
      return stagedDocument(head, channel, document);
    });
    const current = facts.channels[0]?.current;
    const unproven = current ? stillUnproven(staged.unproven, first, before, judged, current) : [];
    const editor = { user: principal.token.user, txid };
    return { transition: stageRoots(head, editor, documents, unproven, now) };
  };
  const spec = { factory, by: principal, effects: "afterwards" } as const;
  await orReturn(service, factory, () => change(service, spec, staging));
}

/**
 * Two signers who began with the same staged roots each send their own signature only: where a root
 * stays as it is, the signatures that came before stay with it.
 */
function withEarlierSignatures(roots: Envelopes, before: Envelopes): Envelopes {
  return new Map(
    [...roots].map(([channel, body]) => {
      const was = before.get(channel);
      if (!isJsonObject(body) || !isJsonObject(was)) return [channel, body];
      const { signatures } = body;
      if (!isJsonArray(signatures) || !isJsonArray(was["signatures"])) return [channel, body];
      if (!sameJson(body["signed"] ?? null, was["signed"] ?? null)) return [channel, body];
      const earlier = was["signatures"].filter(
        (one) => isJsonObject(one) && signatureBy(one["keyid"], signatures) === null,
      );
      return [channel, jsonObject({ ...body, signatures: [...signatures, ...earlier] })];
    }),
  );
}

/** A person who brings a key signs with their own name: co-signers read it in the review. */
function foreignOwners(
  owners: JsonValue | undefined,
  known: readonly (JsonValue | undefined)[],
  user: string,
): readonly Finding[] {
  if (!isJsonObject(owners)) return [];
  return Object.entries(owners).flatMap(([keyid, owner]): readonly Finding[] => {
    const stays = known.some((all) => isJsonObject(all) && sameJson(all[keyid] ?? null, owner));
    const name = isJsonObject(owner) ? owner["polis-id"] : undefined;
    if (stays || name === user) return [];
    const message = `x-key-owners: expected ${show(keyid)} to be of the caller, ${user}, got ${show(name)}`;
    return [{ code: "key-owners", message }];
  });
}

/**
 * New root keys of which nobody has seen a signature since the request that brought them. fioctl
 * deletes such a key again when that request seems to have failed, so applying it could lock out
 * its owner.
 */
function stillUnproven(
  before: readonly KeyId[],
  channel: Channel,
  staged: Envelopes,
  judged: StagedJudgement,
  current: Root,
): readonly KeyId[] {
  const draft = judged.roots.get(channel)?.draft;
  const was = staged.get(channel);
  const known = new Set([...current.roles.root.keyids, ...stagedRootKeyids(was)]);
  return (draft?.root.roles.root?.keyids ?? []).filter((keyid) => {
    if (!known.has(keyid)) return true;
    const fresh = signatureBy(keyid, draft?.signatures.map(({ object }) => object) ?? []);
    return before.includes(keyid) && (fresh === null || fresh === signatureBy(keyid, was));
  });
}

function stagedRootKeyids(body: JsonValue | undefined): readonly KeyId[] {
  const at = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
    isJsonObject(value) ? value[name] : undefined;
  const keyids = at(at(at(at(body, "signed"), "roles"), "root"), "keyids");
  return isJsonArray(keyids) ? keyids.filter(isKeyId) : [];
}

function signatureBy(keyid: JsonValue | undefined, of: JsonValue | undefined): JsonValue {
  const list = isJsonObject(of) ? of["signatures"] : of;
  const all = isJsonArray(list) ? list : [];
  const own = all.find((one) => isJsonObject(one) && one["keyid"] === keyid);
  return isJsonObject(own) ? (own["sig"] ?? null) : null;
}
