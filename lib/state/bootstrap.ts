/**
 * A Factory's first head, and the one that replaces it when the Factory is bootstrapped again: a new root
 * key, version 1, link and instance in the *same* head, whose log goes on. Everything of the instance
 * before ends in that swap: its link, its tokens, its documents as far as readers see them.
 *
 * It may be replaced only as long as no device can have been built on its root: before the owner
 * confirmed, or with the owner's word. Nothing replaces a root that its keys have signed on.
 */
import { RootwardError } from "../error.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, ONLINE_ROLES, type Dialect } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import { jsonObject, type JsonObject } from "../tuf/json.ts";
import { destruction } from "./delivery.ts";
import type { StoredDocument } from "./documents.ts";
import { wasRotated, type Head } from "./head.ts";
import type { FactoryName } from "./names.ts";
import { firstRoots } from "./roles.ts";
import { assertNoRootUpdate } from "./root-update.ts";
import { versionTime } from "./schedule.ts";
import { isFarewell, messagesOf } from "./messages.ts";
import { advance, create, isOver, type EventContext, type Transition } from "./transition.ts";

/** How many earlier bootstraps may wait until what is left of them is destroyed. */
const MAX_REPLACED = 100;
/** Beyond the key retention: how far ahead of the clock the versions of an instance may be. */
const VERSIONS_AHEAD = 2 * 3_600_000;

/** The parts of a Factory that each bootstrap makes anew. */
export type NewInstance = Pick<
  Head,
  | "instance"
  | "owner"
  | "provisioner"
  | "state"
  | "roles"
  | "onlineKeys"
  | "initialKey"
  | "delivery"
>;

/** @param createdWith the hashed Idempotency-Key, or null */
export function createFactory(
  factory: FactoryName,
  dialect: Dialect,
  createdWith: Sha256 | null,
  fresh: NewInstance,
  documents: readonly StoredDocument[],
  context: EventContext,
): Transition {
  // Where there is a link, the mail with it tells the owner.
  const told = fresh.delivery.mode !== "link" || typeof fresh.provisioner?.email === "string";
  const first = {
    factory,
    dialect,
    createdWith,
    ...fresh,
    retiring: [],
    replaced: [],
    rootUpdate: null,
    applied: null,
    expiryTold: null,
  };
  const details = jsonObject({ dialect, ...described(first) });
  const pending = told ? messagesOf(1, fresh, details) : [];
  return create({ ...first, pending }, documents, details, context);
}

export interface Replacement {
  /** SHA-256 of a root version 1 that is to be replaced. */
  readonly replaces: string;
  /** The id of the owner's token that came with the word that no device exists; null without. */
  readonly agreedBy: string | null;
}

/**
 * @throws RootwardError `not-replaceable`, `update-in-progress`, `version-conflict` for another version
 *   1, `forbidden` where the owner must agree
 */
export function assertReplaceable(head: Head, { replaces, agreedBy }: Replacement): void {
  const { factory, delivery } = head;
  const no = (why: string): RootwardError =>
    new RootwardError("not-replaceable", `Factory ${factory} cannot be bootstrapped again: ${why}`);
  if (delivery.mode !== "link") {
    throw no(
      "its first key is not delivered by a link, so nothing of it can be lost on the way; its owner " +
        "rotates it (fioctl keys tuf rotate-offline-key --role root --first-time)",
    );
  }
  if (wasRotated(head.roles)) {
    throw no("its root was rotated, so only its root keys decide from here on");
  }
  assertNoRootUpdate(head);
  const current = firstRoots(head);
  if (!Object.values(current).some((hash) => hash === replaces)) {
    throw new RootwardError(
      "version-conflict",
      `root version 1 of ${factory} is another one by now: it was bootstrapped again, perhaps by a ` +
        "request of yours whose answer was lost; look at it, and name the one that is to go",
      { facts: Object.fromEntries(Object.entries(current).map(([name, hash]) => [name, hash])) },
    );
  }
  if (delivery.state === "confirmed" && agreedBy === null) {
    throw new RootwardError(
      "forbidden",
      `the archive of ${factory} was confirmed at ${formatTime(delivery.confirmedAt)}, so devices may ` +
        "have been built on its root: send the owner's token as ownerToken, and noDeviceExists: true",
    );
  }
  if (head.replaced.length >= MAX_REPLACED) {
    throw no(`that was done ${MAX_REPLACED} times within weeks; the next one must wait`);
  }
}

/** @throws RootwardError as {@link assertReplaceable} */
export function bootstrapAgain(
  head: Head,
  replacement: Replacement,
  fresh: NewInstance,
  documents: readonly StoredDocument[],
  context: EventContext,
): Transition {
  assertReplaceable(head, replacement);
  const { instance, owner, provisioner, delivery } = head;
  const notBefore = lastSigned(head, context) + context.policy.keyRetention + VERSIONS_AHEAD;
  const told = provisioner?.email ?? null;
  return advance(
    head,
    {
      head: {
        ...fresh,
        retiring: [],
        replaced: [...head.replaced, { instance, notBefore }],
        applied: null,
        expiryTold: null,
      },
      documents,
      effects: destruction(delivery.idHash),
      // The message about this swap is complete, and its online keys go with the instance.
      done: head.pending.filter(
        (effect) =>
          ["notify", "announce", "destroy-key"].includes(effect.kind) && !isFarewell(effect),
      ),
      type: "factory-bootstrapped-again",
      details: jsonObject({
        ...described(fresh),
        replaced: jsonObject(firstRoots(head)),
        wasLive: head.state === "live",
        // The token that carried the owner's word that no device exists: an admin may have made it.
        ...(replacement.agreedBy !== null && { agreedBy: replacement.agreedBy }),
        // The readers of the message besides the present ones.
        ...(owner.email !== fresh.owner.email && { formerOwner: owner.email }),
        ...(told !== null && told !== fresh.provisioner?.email && { formerProvisioner: told }),
      }),
      notify: true,
    },
    context,
  );
}

/** As the boundary will see it: by the versions, where the clock went back since. */
function lastSigned({ roles }: Head, { now }: EventContext): number {
  const versions = ALL_CHANNELS.flatMap((channel) =>
    ONLINE_ROLES.map((role) => roles[channel]?.[role]?.version ?? 0),
  );
  return Math.max(now, ...versions.map(versionTime));
}

function described({
  roles,
  initialKey,
  delivery,
}: Pick<NewInstance, "roles" | "initialKey" | "delivery">) {
  const { mode, sha256, recipient } = delivery;
  return {
    keyids: [initialKey.keyid],
    roots: jsonObject(firstRoots({ roles })),
    archive: sha256,
    ...(recipient !== null && { recipient }),
    delivery: mode,
  } satisfies JsonObject;
}

/** Gives up earlier bootstraps whose time is over; null while there is none. */
export function retireInstances(head: Head, context: EventContext): Transition | null {
  const over = head.replaced.filter(({ notBefore }) => isOver(notBefore, context));
  if (over.length === 0) return null;
  return advance(
    head,
    {
      head: { replaced: head.replaced.filter(({ notBefore }) => !isOver(notBefore, context)) },
      effects: over.map(({ instance }) => ({ kind: "forget-instance" as const, instance })),
      type: "instance-retired",
      details: jsonObject({ instances: over.map(({ instance }) => instance) }),
    },
    context,
  );
}
