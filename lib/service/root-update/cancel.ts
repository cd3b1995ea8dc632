/**
 * Cancelling a root update: nothing that was staged stays. Where its roots carry all signatures that
 * they need, they are valid for every device that is shown them, whatever the service does: the answer
 * says so, and the online keys that they list stay until another root has their number.
 */
import { isRootwardError } from "../../error.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { cancelRootUpdate } from "../../state/root-update.ts";
import { sha256, type Sha256 } from "../../tuf/bytes.ts";
import { nextInChain, strictPolicy } from "../../tuf/chain.ts";
import type { Channel } from "../../tuf/dialect.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { currentRoot } from "../store.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { readStagedBytes } from "./staged.ts";

/** A root that was dropped, and that devices would take all the same. */
export interface SignedRoot {
  readonly channel: Channel;
  readonly version: number;
  readonly sha256: Sha256;
}

/**
 * @returns the roots that stay valid for every device that is shown them
 * @throws RootwardError `no-root-update`; `unavailable` where such a root is to be remembered and the
 *   signer is away
 */
export async function cancelUpdate(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
  principal: Principal,
): Promise<readonly SignedRoot[]> {
  const { actor, token } = principal;
  const cancelling = { factory, by: principal, effects: "awaited" } as const;
  const { signed } = await change(service, cancelling, async (head) => {
    const roots = await signedRoots(service, head);
    for (const root of roots) await remember(service, head, root);
    const dropped = roots.map(({ channel, version, bytes }) => {
      return { channel, version, sha256: sha256(bytes) };
    });
    const now = eventContext(service, actor);
    return { transition: cancelRootUpdate(head, token.user, dropped, now), signed: dropped };
  });
  return signed;
}

/** The staged roots that follow from the current ones, as a device would judge. */
async function signedRoots(service: Needs<"documents" | "verify">, head: Head) {
  if (head.rootUpdate === null) return [];
  const staged = await readStagedBytes(service, head, head.rootUpdate);
  const signed = [];
  for (const [channel, bytes] of staged) {
    const current = await currentRoot(service, head, channel);
    const policy = strictPolicy(head.dialect, channel);
    try {
      const { version } = nextInChain(current, bytes, policy, service.verify).root;
      signed.push({ channel, version, bytes });
    } catch (error) {
      if (!isRootwardError(error)) throw error;
    }
  }
  return signed;
}

async function remember(
  service: Needs<"boundary" | "report">,
  { factory, instance, dialect }: Head,
  { channel, bytes }: { readonly channel: Channel; readonly bytes: Uint8Array },
): Promise<void> {
  try {
    await service.boundary.expect({ factory, instance, dialect, channel }, bytes);
  } catch (error) {
    // A cancelled update must not hold its owner: the signer may know of too many, or of newer roots.
    const passed = isRootwardError(error) && error.code !== "unavailable";
    if (!passed) throw error;
    service.report(`remembering a cancelled root of ${factory}`, error);
  }
}
