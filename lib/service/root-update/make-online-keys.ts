/**
 * Rotating online keys inside a root update: the boundary makes them, and the service puts them into
 * the staged roots in the place of the ones before. Whatever was signed so far covers other roots,
 * so no signature stays.
 */
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { editableRootUpdate, stageOnlineKeys } from "../../state/root-update.ts";
import { channelsOf, type OnlineRole } from "../../tuf/dialect.ts";
import { rootKey, type KeyType, type RootKey } from "../../tuf/keys.ts";
import { withOnlineKey } from "../../tuf/roles.ts";
import { authorizeAgain } from "../authority.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { readHead } from "../store.ts";
import { orReturn } from "../roots/return-roots.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUpAll } from "../sign-roles.ts";
import { readStaged, signedOf, unsignedRoot } from "./staged.ts";

export interface OnlineKeysRequest {
  readonly factory: FactoryName;
  readonly principal: Principal;
  readonly txid: string;
  readonly roles: readonly OnlineRole[];
  readonly keyType: KeyType;
}

/** @throws RootwardError `no-root-update`, `forbidden`; `busy` where too many keys are being made */
export async function makeOnlineKeys(
  service: Needs<Changes | Signs | "verify">,
  request: OnlineKeysRequest,
): Promise<void> {
  const { factory, principal, txid, roles, keyType } = request;
  const before = await readHead(service, factory);
  await orReturn(service, factory, () => catchUpAll(service, before));
  // Before seconds of work for keys that nobody may stage, and after the signer was waited for.
  const ref = await readHead(service, factory);
  await authorizeAgain(service, principal, ref);
  editableRootUpdate(ref, txid, eventContext(service, principal.actor));
  // All at once, for a signer that makes several: an RSA key takes seconds, and somebody waits.
  const making = roles.map(async (role): Promise<[OnlineRole, RootKey]> => {
    return [role, rootKey(await service.boundary.makeKey(ref, role, keyType), ref.dialect)];
  });
  // When one is refused the others are over, too: nothing is made behind the answer.
  await Promise.allSettled(making);
  const made = new Map(await Promise.all(making));
  // Keys that end up in no head, because this fails or is killed, are swept after a week: at no
  // earlier time is it certain that a swap whose answer was lost will not name them yet.
  await change(service, { factory, by: principal, effects: "awaited" }, async (head) => {
    const now = eventContext(service, principal.actor);
    const editor = { user: principal.token.user, txid };
    const staged = await stagedWith(service, head, made, txid, now);
    const keys = [...made].map(([role, { keyid, key }]) => {
      return { role, keyid, fingerprint: key.fingerprint };
    });
    return { transition: stageOnlineKeys(head, editor, staged, keys, now) };
  });
}

async function stagedWith(
  service: Needs<"documents">,
  head: Head,
  made: ReadonlyMap<OnlineRole, RootKey>,
  txid: string,
  now: ReturnType<typeof eventContext>,
) {
  const current = editableRootUpdate(head, txid, now);
  const envelopes = await readStaged(service, head, current);
  return channelsOf(head.dialect).map((channel) => {
    let signed = signedOf(envelopes, channel);
    for (const [role, key] of made) {
      signed = withOnlineKey(signed, role, current.onlineKeys[role], key);
    }
    return unsignedRoot(head, channel, signed);
  });
}
