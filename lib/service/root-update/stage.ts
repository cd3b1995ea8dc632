/**
 * Staging roots: a signer sends both roots as they shall be, signed or not. What can never become
 * good is refused here; what is only not finished yet is kept, and the review says what is missing.
 */
import { RootwardError } from "../../error.ts";
import type { FactoryName } from "../../factory/names.ts";
import { editableRootUpdate, stageRoots } from "../../factory/root-update.ts";
import { channelsOf, firstChannel, type Channel } from "../../tuf/dialect.ts";
import { isJsonArray, isJsonObject, type JsonValue } from "../../tuf/json.ts";
import { isKeyId, type KeyId } from "../../tuf/keys.ts";
import type { Root } from "../../tuf/root.ts";
import { isDeferred, judgeStagedRoots, type StagedJudgement } from "../../tuf/staged-root.ts";
import type { Principal } from "../authorize.ts";
import { update } from "../commit.ts";
import { moment, type Service } from "../service.ts";
import {
  changelogOf,
  readStaged,
  stagedDocument,
  stagedRefused,
  stagedUpdate,
  type Envelopes,
} from "./staged.ts";

export interface StageRequest {
  readonly factory: FactoryName;
  readonly principal: Principal;
  readonly txid: string;
  /** The strictly parsed envelope of each channel. */
  readonly roots: Envelopes;
}

/** @throws RootwardError `no-root-update`, `forbidden`; `root-refused` with every finding */
export async function stageUpdate(service: Service, request: StageRequest): Promise<void> {
  const { factory, principal, txid, roots } = request;
  await update(service, factory, async (head) => {
    const now = moment(service, principal.actor);
    const staged = editableRootUpdate(head, txid, now);
    const before = await readStaged(service, head, staged);
    const changelog = changelogOf(before, head.dialect);
    const facts = await stagedUpdate(service, head, staged, roots, changelog);
    const judged = judgeStagedRoots(facts, service.verify);
    const errors = judged.errors.filter((finding) => !isDeferred(finding));
    if (errors.length > 0) throw stagedRefused(head, "staged root", errors);
    const documents = channelsOf(head.dialect).map((channel) => {
      const document = judged.roots.get(channel)?.document;
      if (!document) throw new RootwardError("internal", `no ${channel} root was judged`);
      return stagedDocument(head, channel, document);
    });
    const first = firstChannel(head.dialect);
    const current = facts.channels[0]?.current;
    const unproven = current ? stillUnproven(staged.unproven, first, before, judged, current) : [];
    const editor = { user: principal.token.user, txid };
    return { transition: stageRoots(head, editor, documents, unproven, now) };
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

function signatureBy(keyid: KeyId, of: JsonValue | undefined): JsonValue {
  const list = isJsonObject(of) ? of["signatures"] : of;
  const all = isJsonArray(list) ? list : [];
  const own = all.find((one) => isJsonObject(one) && one["keyid"] === keyid);
  return isJsonObject(own) ? (own["sig"] ?? null) : null;
}
