/**
 * Effects: work that must follow a swap. The swap that needs one names it in the head, it is idempotent,
 * and a later swap takes it off. In the stored head and in the audit log an effect is a kind and a `ref`, two
 * texts; only this file reads and writes that form.
 */
import * as v from "valibot";
import { isSha256, type Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, ONLINE_ROLES, type Channel, type OnlineRole } from "../tuf/dialect.ts";
import { isKeyId, type KeyId } from "../tuf/keys.ts";
import { isInstanceId, type InstanceId } from "./names.ts";

/** The people who get messages, each in other words. The former ones where a Factory got others. */
export const READERS = ["owner", "provisioner", "former-owner", "former-provisioner"] as const;
export type Reader = (typeof READERS)[number];

/** Part of the log, whose events of one reader became one notice. */
export interface Stretch {
  /** Numbers of the first event in it and of the last. */
  readonly first: number;
  readonly last: number;
  /** The number of events between them that the notice is about. */
  readonly count: number;
}

/** The events of one notice: nearly always a single one (waiting-messages.ts). */
export interface Events extends Stretch {
  /** Whether later events of the same reader join it. */
  readonly shared: boolean;
}

/** The boundary follows this root. */
interface FollowRoots {
  readonly kind: "follow-roots";
  readonly channel: Channel;
  readonly version: number;
}

interface EndDelivery {
  readonly kind: "destroy-share" | "destroy-archive" | "withdraw-link";
  readonly idHash: Sha256;
}

interface DestroyKey {
  readonly kind: "destroy-key";
  readonly role: OnlineRole;
  readonly keyid: KeyId;
}

/** Keys and tokens of an earlier bootstrap are removed. */
interface ForgetInstance {
  readonly kind: "forget-instance";
  readonly instance: InstanceId;
}

interface Notify {
  readonly kind: "notify";
  /** Null in an effect of an early release: every reader. */
  readonly reader: Reader | null;
  readonly events: Events;
}

interface Announce {
  readonly kind: "announce";
  readonly events: Events;
}

interface EndToken {
  readonly kind: "end-token";
  /** The hash of a token that was revoked, or all tokens of the Factory that have ended. */
  readonly token: Sha256 | "ended";
}

/** Its `ref` has a form that only a later release knows: it stays until that release runs. */
interface Later {
  readonly kind: "later";
  readonly stored: StoredEffect;
}

export type MessageEffect = Notify | Announce;
export type Effect =
  FollowRoots | EndDelivery | DestroyKey | ForgetInstance | MessageEffect | EndToken | Later;

const KINDS = [
  "follow-roots",
  "destroy-share",
  "destroy-archive",
  "destroy-key",
  "forget-instance",
  "withdraw-link",
  "notify",
  "announce",
  "end-token",
] as const satisfies readonly Effect["kind"][];

const storedEffect = v.pipe(
  v.strictObject({ kind: v.picklist(KINDS), ref: v.string() }),
  v.readonly(),
);
/** Every effect, as the schedule carries them out. */
export const EFFECT_KINDS: readonly Effect["kind"][] = [...KINDS, "later"];

export type StoredEffect = v.InferOutput<typeof storedEffect>;

/** Schema of an effect in a stored head. */
export const effect = v.pipe(storedEffect, v.transform(readEffect));

function sameEffect(one: Effect, other: Effect): boolean {
  const [a, b] = [toStored(one), toStored(other)];
  return a.kind === b.kind && a.ref === b.ref;
}

/** Whether `one` is among `effects`. */
export function includesEffect(effects: readonly Effect[], one: Effect): boolean {
  return effects.some((other) => sameEffect(other, one));
}

/** The stored form. Where `ref` has two parts, a space is between them. */
export function toStored(one: Effect): StoredEffect {
  const { kind } = one;
  switch (kind) {
    case "follow-roots":
      return { kind, ref: `${one.channel} ${one.version}` };
    case "destroy-share":
    case "destroy-archive":
    case "withdraw-link":
      return { kind, ref: one.idHash };
    case "destroy-key":
      return { kind, ref: `${one.role} ${one.keyid}` };
    case "forget-instance":
      return { kind, ref: one.instance };
    case "notify": {
      const events = eventsText(one.events);
      return { kind, ref: one.reader === null ? events : `${events} ${one.reader}` };
    }
    case "announce":
      return { kind, ref: eventsText(one.events) };
    case "end-token":
      return { kind, ref: one.token };
    case "later":
      return one.stored;
  }
}

function readEffect(stored: StoredEffect): Effect {
  return known(stored) ?? { kind: "later", stored };
}

function known({ kind, ref }: StoredEffect): Effect | null {
  const [first = "", second, ...more] = ref.split(" ");
  if (more.length > 0) return null;
  switch (kind) {
    case "follow-roots": {
      const channel = ALL_CHANNELS.find((name) => name === first);
      const isVersion = /^[1-9]\d{0,9}$/.test(second ?? "");
      return channel !== undefined && isVersion ? { kind, channel, version: Number(second) } : null;
    }
    case "destroy-share":
    case "destroy-archive":
    case "withdraw-link":
      return isSha256(ref) ? { kind, idHash: ref } : null;
    case "destroy-key": {
      const role = ONLINE_ROLES.find((name) => name === first);
      return role !== undefined && isKeyId(second) ? { kind, role, keyid: second } : null;
    }
    case "forget-instance":
      return isInstanceId(ref) ? { kind, instance: ref } : null;
    case "notify": {
      const events = readEvents(first);
      if (events === null) return null;
      if (second === undefined) return { kind, reader: null, events };
      const reader = READERS.find((name) => name === second);
      return reader === undefined ? null : { kind, reader, events };
    }
    case "announce": {
      const events = readEvents(ref);
      return events === null ? null : { kind, events };
    }
    case "end-token":
      return ref === "ended" || isSha256(ref) ? { kind, token: ref } : null;
  }
}

/** SEQ for one event of its own, FIRST-LAST/COUNT for a shared notice. */
function eventsText({ first, last, count, shared }: Events): string {
  return shared ? `${first}-${last}/${count}` : `${first}`;
}

function readEvents(text: string): Events | null {
  const [whole, first, last, count] = /^(\d{1,15})(?:-(\d{1,15})\/(\d{1,15}))?$/.exec(text) ?? [];
  if (whole === undefined) return null;
  const shared = last !== undefined;
  return {
    first: Number(first),
    last: Number(last ?? first),
    count: Number(count ?? 1),
    shared,
  };
}
