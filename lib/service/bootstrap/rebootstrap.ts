/**
 * Bootstrapping a Factory again, in the same head: where the link was lost, was used by somebody else,
 * or has ended. The old link and every token of the Factory die with the swap; what is left of them is
 * destroyed after it.
 */
import { isRootwardError, RootwardError } from "../../error.ts";
import { assertReplaceable, bootstrapAgain } from "../../state/bootstrap.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { isGone } from "../../state/tokens.ts";
import { sha256Text } from "../../tuf/bytes.ts";
import { firstChannel } from "../../tuf/dialect.ts";
import type { KeyId, KeyType } from "../../tuf/keys.ts";
import type { Root } from "../../tuf/root.ts";
import { authorizeAgain, isUsable, type Principal } from "../authority.ts";
import { change } from "../change.ts";
import { readHead } from "../store.ts";
import { currentRoot } from "../store.ts";
import {
  describeBootstrap,
  prepareInstance,
  sendLink,
  withSecrets,
  type BootstrapResult,
  type InstanceSpec,
} from "./new-instance.ts";
import type { Recipient } from "../ports.ts";
import { orReturn } from "../roots/return-roots.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUpAll } from "../sign-roles.ts";

export interface RebootstrapRequest {
  readonly factory: FactoryName;
  readonly principal: Principal;
  /** SHA-256 of the root version 1 that is to be replaced, of whichever channel. */
  readonly replaces: string;
  /** Where the archive was confirmed. A secret. */
  readonly ownerToken: string | null;
  /** The word that no device was built on the root that is to be replaced. */
  readonly noDeviceExists: boolean;
  /** As before where it is null. */
  readonly keyType: KeyType | null;
  readonly onlineKeyType: KeyType | null;
  /** Its id and its address, each as before unless given. */
  readonly owner: {
    readonly id?: string | undefined;
    readonly email?: string | undefined;
  } | null;
  readonly provisionerEmail: string | null;
  /** Null for none; undefined where the request does not say. */
  readonly recipient: Recipient | null | undefined;
}

/**
 * @returns with the new link and owner token, in this answer only
 * @throws RootwardError `not-replaceable`, `update-in-progress`, `version-conflict`, `forbidden`,
 *   `malformed` where an encrypted archive would silently be followed by one that is not
 */
export async function rebootstrap(
  service: Needs<
    | Changes
    | Signs
    | "archives"
    | "attempts"
    | "makeRootKey"
    | "notifier"
    | "publicUrl"
    | "shares"
    | "verify"
    | "wrapper"
  >,
  request: RebootstrapRequest,
): Promise<BootstrapResult> {
  const { factory, principal } = request;
  const before = await readHead(service, factory);
  await authorizeAgain(service, principal, before);
  // Before seconds of work for keys that nobody may put in place.
  assertReplaceable(before, await agreement(service, request, before));
  // A second root that was signed and lost with a backup rules it out, as one in the head does.
  await orReturn(service, factory, () => assertNotBehind(service, before));
  const prepared = await prepareInstance(service, await specOf(service, request, before));
  const { transition } = await change(
    service,
    { factory, by: principal, effects: "awaited", abandon: prepared.takeBack },
    async (head) => {
      const agreed = await agreement(service, request, head);
      await assertNotBehind(service, head);
      const now = eventContext(service, principal.actor);
      return { transition: bootstrapAgain(head, agreed, prepared.fresh, prepared.documents, now) };
    },
  );
  const { link } = prepared;
  const mail = link === null ? null : await sendLink(service, transition.head, link);
  return withSecrets(describeBootstrap(transition.head), prepared, mail);
}

/** A signer that was restored may not know the instance: what it does not have is no reason to keep it. */
async function assertNotBehind(
  service: Needs<"boundary" | "documents">,
  head: Head,
): Promise<void> {
  try {
    await catchUpAll(service, head);
  } catch (error) {
    if (!isRootwardError(error) || error.code !== "signing-refused") throw error;
  }
}

/**
 * The owner's agreement, as the request proves it for this head: the token must belong to the bootstrap
 * that goes.
 */
async function agreement(
  service: Needs<"now" | "tokens">,
  { replaces, ownerToken, noDeviceExists }: RebootstrapRequest,
  head: Head,
) {
  const token = ownerToken === null ? null : await service.tokens.find(sha256Text(ownerToken));
  const agreed =
    noDeviceExists &&
    token !== null &&
    token.bound?.factory === head.factory &&
    token.bound.instance === head.instance &&
    token.scopes.includes("root:update") &&
    isUsable(token, service.now()) &&
    !isGone(head, token);
  return { replaces, agreedBy: agreed ? token.id : null };
}

async function specOf(
  service: Needs<"documents">,
  request: RebootstrapRequest,
  head: Head,
): Promise<InstanceSpec> {
  const { factory, dialect, delivery, owner, provisioner } = head;
  const { principal, recipient } = request;
  if (recipient === undefined && delivery.recipient !== null) {
    throw new RootwardError(
      "malformed",
      `recipientCertificate: the archive of ${factory} was encrypted to the certificate ` +
        `${delivery.recipient}: send it again, or null to deliver without`,
    );
  }
  const root = await currentRoot(service, head, firstChannel(dialect));
  const email = request.provisionerEmail ?? provisioner?.email ?? null;
  return {
    factory,
    dialect,
    keyType: request.keyType ?? keyTypeOf(root, head.initialKey.keyid),
    onlineKeyType: request.onlineKeyType ?? keyTypeOf(root, head.onlineKeys.targets),
    owner: { id: request.owner?.id ?? owner.id, email: request.owner?.email ?? owner.email },
    provisioner: { id: principal.token.user, email },
    delivery: "link",
    recipient: recipient ?? null,
  };
}

function keyTypeOf({ keys }: Root, keyid: KeyId): KeyType {
  const listed = keys.get(keyid);
  if (listed === undefined) {
    throw new RootwardError("internal", `root version 1 does not list ${keyid}`);
  }
  return listed.key.algorithm === "ed25519" ? "ed25519" : "rsa";
}
