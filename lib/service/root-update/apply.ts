/**
 * Applying a root update: every rule is judged again, online roles whose keys change are signed
 * under the new root, and roots and roles of all channels become current in one swap. A crash
 * before it changed nothing, after it everything; asking again is always safe, and a race is never
 * the caller's problem (fioctl takes 409 for an update that is half applied).
 */
import { RootwardError } from "../../error.ts";
import { rolePlace, storedDocument } from "../../state/documents.ts";
import type { Head, StagedRootUpdate } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { acceptRoots, type AcceptedRoot, type SignedRole } from "../../state/roles.ts";
import { appliedUpdate, editableRootUpdate, wasApplied } from "../../state/root-update.ts";
import { channelsOf, ONLINE_ROLES, type OnlineRole } from "../../tuf/dialect.ts";
import { wholeRoot } from "../../tuf/root.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { findUnsigned } from "../roots/published-roles.ts";
import { expectRoots } from "../roots/expect-roots.ts";
import { orReturn } from "../roots/return-roots.ts";
import { rootRefused } from "../roots/root-refused.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUpAll, signAgain } from "../sign-roles.ts";
import { judgeStaged, readStaged } from "./staged.ts";

/**
 * @throws RootwardError `no-root-update`, `forbidden`; `root-refused` with every finding; `busy` where
 *   others keep coming first
 */
export async function applyUpdate(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
  txid: string,
  principal: Principal,
): Promise<void> {
  // The roots are in force whatever becomes of the effects.
  const applying = { factory, by: principal, effects: "awaited" } as const;
  await orReturn(service, factory, () =>
    change(service, applying, (head) => decide(service, head, txid, principal)),
  );
}

async function decide(
  service: Needs<Signs | "verify">,
  head: Head,
  txid: string,
  { actor, token }: Principal,
) {
  const now = eventContext(service, actor);
  if (wasApplied(head, txid, now)) return { transition: null };
  await catchUpAll(service, head);
  const staged = editableRootUpdate(head, txid, now);
  const envelopes = await readStaged(service, head, staged);
  const { facts, judged } = await judgeStaged(service, head, staged, envelopes);
  if (judged.errors.length > 0) throw rootRefused(`root update of ${head.factory}`, judged.errors);
  const accepted = channelsOf(head.dialect).map((channel): AcceptedRoot => {
    const { draft, document } = judged.roots.get(channel) ?? {};
    const root = wholeRoot(draft?.root ?? null);
    if (root === null || !document) throw new RootwardError("internal", "judged root is not whole");
    const place = rolePlace(head, channel, "root", root.version);
    return { channel, root, document: storedDocument(place, document) };
  });
  const changed = ONLINE_ROLES.filter((role) => staged.onlineKeys[role] !== head.onlineKeys[role]);
  if (changed.length > 0) await assertHeld(service, head, staged, changed);
  const signed = [];
  for (const one of accepted) signed.push(...(await signUnder(service, head, one, changed)));
  await expectRoots(service, head, accepted);
  const { keyid } = head.initialKey;
  const initialKeyListed = accepted.some(({ root }) => root.roles.root.keyids.includes(keyid));
  const keys = facts.channels[0]?.current.keys ?? new Map();
  const change = { accepted, signed, initialKeyListed, update: appliedUpdate(head, keys, now) };
  return { transition: acceptRoots(head, { ...change, user: token.user }, now) };
}

/** After a restore the signer may lack keys that it made for this update, or destroyed at a cancel. */
async function assertHeld(
  service: Needs<"boundary">,
  head: Head,
  { onlineKeys }: StagedRootUpdate,
  changed: readonly OnlineRole[],
): Promise<void> {
  const held = await service.boundary.heldKeys(head);
  const lacking = changed.filter((role) => !held.includes(onlineKeys[role]));
  if (lacking.length === 0) return;
  const message =
    `the signer no longer has the online keys of this update (${lacking.join(", ")}): ` +
    "cancel the update and start it again";
  throw rootRefused(`root update of ${head.factory}`, [{ code: "online-keys", message }]);
}

/** Published roles of a channel verify under its new root, as they are or signed again. */
async function signUnder(
  service: Needs<Signs | "verify">,
  head: Head,
  { channel, root, document }: AcceptedRoot,
  changed: readonly OnlineRole[],
): Promise<readonly SignedRole[]> {
  const [from] = changed;
  const kept =
    from === undefined ? ONLINE_ROLES : ONLINE_ROLES.slice(0, ONLINE_ROLES.indexOf(from));
  const errors = await findUnsigned(service, head, channel, root, kept);
  if (errors.length > 0) throw rootRefused(`root update of ${head.factory}`, errors);
  return from === undefined ? [] : signAgain(service, head, channel, from, document.bytes);
}
