/**
 * The head: the one mutable record of a Factory. Everything else is immutable, and every change is
 * one compare-and-swap of this record on its revision (docs/architecture.md). Its size does not grow
 * with the history: what waits (effects, retiring keys, a staged update) is bounded.
 *
 * The schema below is the form in which it is stored (JSON); times are milliseconds since 1970.
 */
import * as v from "valibot";
import { RootwardError } from "../error.ts";
import { isSha256, type Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, DIALECTS, ONLINE_ROLES } from "../tuf/dialect.ts";
import type { KeyId } from "../tuf/keys.ts";
import { effect, toStored } from "./effect.ts";
import { isFactoryName, isInstanceId, type FactoryName, type InstanceId } from "./names.ts";

function frozen<const S extends v.GenericSchema>(schema: S) {
  return v.pipe(schema, v.readonly());
}

const sha256 = v.custom<Sha256>((value) => typeof value === "string" && isSha256(value));
const keyid = v.custom<KeyId>((value) => typeof value === "string" && isSha256(value));
const time = v.pipe(v.number(), v.safeInteger());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Which document is the newest of a role, and what a reader needs to know without opening it. */
const roleVersion = frozen(
  v.strictObject({ version: count, sha256, length: count, expires: time }),
);
export type RoleVersion = v.InferOutput<typeof roleVersion>;

/** A channel always has a root; prod has the rest only once its targets can be signed (rule 10). */
const channelRoles = frozen(
  v.strictObject({
    root: roleVersion,
    targets: v.exactOptional(roleVersion),
    snapshot: v.exactOptional(roleVersion),
    timestamp: v.exactOptional(roleVersion),
  }),
);
export type ChannelRoles = v.InferOutput<typeof channelRoles>;

const archived = {
  /** SHA-256 of the delivery id, which is a hash of the link's secret, or random without a link. */
  idHash: sha256,
  /**
   * SHA-256 of the sealed object's content: the archive, or the archive encrypted to the recipient.
   */
  sha256,
  size: count,
  /** SHA-256 of the owner's certificate (DER), where the archive is encrypted to one. */
  recipient: v.optional(v.nullable(sha256), null),
};

/** The token that the confirmation answered with, if one: its id, and how many there were before it. */
const ownerToken = frozen(
  v.strictObject({
    id: v.string(),
    /** How many tokens this confirmation answered with, this one included. */
    count,
    /** Whether a repeated confirmation may replace it. */
    repeatable: v.boolean(),
  }),
);
const deliveryCommon = { mode: v.literal("link"), ...archived };
const delivery = frozen(
  v.variant("state", [
    /** Without a link: the owner's token yields the key as long as a root lists it. */
    v.strictObject({ mode: v.literal("api"), ...archived, state: v.literal("escrowed") }),
    v.strictObject({
      mode: v.literal("api"),
      ...archived,
      state: v.literal("ended"),
      endedAt: time,
    }),
    v.strictObject({ ...deliveryCommon, state: v.literal("ready"), expiresAt: time }),
    v.strictObject({
      ...deliveryCommon,
      state: v.literal("claimed"),
      claimantHash: sha256,
      claimedAt: time,
      leaseUntil: time,
      /** When somebody else first tried; null while nobody has. */
      refusedAt: v.nullable(time),
    }),
    v.strictObject({
      ...deliveryCommon,
      state: v.literal("confirmed"),
      claimantHash: v.nullable(sha256),
      claimedAt: v.nullable(time),
      confirmedAt: time,
      refusedAt: v.nullable(time),
      ownerToken: v.optional(v.nullable(ownerToken), null),
    }),
    v.strictObject({
      ...deliveryCommon,
      state: v.literal("expired"),
      expiredAt: time,
      /** Null if nobody claimed it; the claimant may still confirm that the file arrived. */
      claimantHash: v.nullable(sha256),
      claimedAt: v.nullable(time),
    }),
  ]),
);
export type Delivery = v.InferOutput<typeof delivery>;

const onlineKey = { role: v.picklist(ONLINE_ROLES), keyid };
const onlineKeys = frozen(v.strictObject({ targets: keyid, snapshot: keyid, timestamp: keyid }));

/** The one root update that is under way; the roots that it stages are documents. */
const rootUpdate = frozen(
  v.strictObject({
    /** SHA-256 of the secret that others than its initiator show. */
    txidHash: sha256,
    /** The token that started it. */
    startedBy: v.string(),
    createdBy: v.string(),
    createdAt: time,
    updatedBy: v.string(),
    updatedAt: time,
    firstTime: v.boolean(),
    /** The staged root of each channel. */
    staged: frozen(
      v.strictObject({
        main: v.exactOptional(sha256),
        ci: v.exactOptional(sha256),
        prod: v.exactOptional(sha256),
      }),
    ),
    /** The online keys that the staged roots list, and those of them that were made for it. */
    onlineKeys,
    made: frozen(v.array(frozen(v.strictObject({ ...onlineKey, fingerprint: sha256 })))),
    /** New root keys that signed only in the request that brought them. */
    unproven: frozen(v.array(keyid)),
  }),
);
export type StagedRootUpdate = v.InferOutput<typeof rootUpdate>;

/** An online key that signs no more, and when it may be destroyed: after the backups that need it. */
const retiringKey = frozen(v.strictObject({ ...onlineKey, fingerprint: sha256, notBefore: time }));

const instance = v.custom<InstanceId>((value) => typeof value === "string" && isInstanceId(value));
const replacedInstance = frozen(v.strictObject({ instance, notBefore: time }));

const person = frozen(v.strictObject({ id: v.string(), email: v.string() }));

const head = frozen(
  v.strictObject({
    factory: v.custom<FactoryName>((value) => typeof value === "string" && isFactoryName(value)),
    instance,
    revision: count,
    dialect: v.picklist(DIALECTS),
    owner: person,
    /** The provisioner, who gets messages about the delivery. */
    provisioner: v.optional(
      v.nullable(frozen(v.strictObject({ id: v.string(), email: v.nullable(v.string()) }))),
      null,
    ),
    /** The Idempotency-Key that made this Factory, hashed; null if there was none. */
    createdWith: v.nullable(sha256),
    state: v.picklist(["provisioned", "live"]),
    roles: frozen(
      v.strictObject({
        main: v.exactOptional(channelRoles),
        ci: v.exactOptional(channelRoles),
        prod: v.exactOptional(channelRoles),
      }),
    ),
    onlineKeys,
    retiring: v.optional(frozen(v.array(retiringKey)), []),
    /** Earlier bootstraps, and when what is left of them may be destroyed. */
    replaced: v.optional(frozen(v.array(replacedInstance)), []),
    /** The root key of version 1, and where its private half is as far as the service knows. */
    initialKey: frozen(
      v.strictObject({ keyid, state: v.picklist(["escrowed", "delivered", "destroyed"]) }),
    ),
    delivery,
    rootUpdate: v.optional(v.nullable(rootUpdate), null),
    /** The root update that was applied last: its repetition, when an answer was lost, is no error. */
    applied: v.optional(
      v.nullable(
        frozen(v.strictObject({ txidHash: sha256, startedBy: v.string(), appliedAt: time })),
      ),
      null,
    ),
    /** For which root, and at how many days left, its owner was last told that it expires. */
    expiryTold: v.optional(
      v.nullable(frozen(v.strictObject({ version: count, days: v.pipe(v.number(), v.integer()) }))),
      null,
    ),
    pending: frozen(v.array(effect)),
    /** The newest audit event: its number and the SHA-256 of its bytes. */
    log: frozen(v.strictObject({ seq: count, sha256 })),
    /** When the schedule must look at this Factory next. */
    dueAt: time,
  }),
);
export type Head = v.InferOutput<typeof head>;

export function encodeHead(value: Head): string {
  return JSON.stringify({ ...value, pending: value.pending.map(toStored) });
}

/** @throws RootwardError `internal`: a head that we did not write means a damaged store */
export function decodeHead(text: string): Head {
  const parsed = v.safeParse(head, JSON.parse(text));
  if (parsed.success) return parsed.output;
  const path = parsed.issues[0].path?.map(({ key }) => String(key)).join(".") ?? "";
  throw new RootwardError("internal", `stored head is damaged at ${path}`);
}

/** Whether its link may still be claimed, or what it yields fetched again. */
export function isOpenLink({ delivery }: Head): boolean {
  return delivery.state === "ready" || delivery.state === "claimed";
}

/** Whether another version 1 may still take the place of this one. */
export function isReplaceable({ delivery, roles }: Head): boolean {
  return delivery.mode === "link" && !wasRotated(roles);
}

export function wasRotated(roles: Head["roles"]): boolean {
  return ALL_CHANNELS.some((channel) => (roles[channel]?.root.version ?? 1) > 1);
}
