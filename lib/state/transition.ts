/**
 * One change of a Factory: from a head to the next, with the documents to store first, the places
 * to publish before they are superseded, and one audit event. Commands (the other files here)
 * decide what changes; this file keeps the rules that hold for every change.
 *
 * How it is carried out is service/commit.ts. A swap whose answer was lost was mine if, and only
 * if, an event with my random id is in the log since my base.
 */
import { encodeEvent, type Actor, type AuditEvent, type EventType } from "./event.ts";
import { ALL_CHANNELS, ROLES } from "../tuf/dialect.ts";
import type { JsonObject } from "../tuf/json.ts";
import {
  eventPlace,
  rolePlace,
  storedDocument,
  type DocumentAddress,
  type StoredDocument,
} from "./documents.ts";
import type { Effect } from "./effect.ts";
import type { Head } from "./head.ts";
import { dueAt, type RefreshPolicy } from "./schedule.ts";
import { messagesOf } from "./messages.ts";
import { withoutDone, withMessages } from "./waiting-messages.ts";

/** The facts that pure code cannot know. */
export interface EventContext {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** A time that has certainly come, while the clock is in doubt. Irreversible steps use it. */
  readonly floor?: number;
  /** 128 fresh random bits in hex. */
  readonly eventId: string;
  readonly actor: Actor;
  readonly policy: RefreshPolicy;
}

/** Whether a time is over for good: only then something is destroyed for it. */
export function isOver(time: number, { now, floor = now }: EventContext): boolean {
  return time <= floor;
}

export interface Transition {
  /** Null for the creation. */
  readonly base: Head | null;
  readonly head: Head;
  readonly documents: readonly StoredDocument[];
  /** The documents that `base` names and `head` does not, and those that come between the two. */
  readonly superseded: readonly DocumentAddress[];
  readonly eventId: string;
}

export interface Change {
  readonly head: Partial<Omit<Head, "factory" | "revision" | "log" | "dueAt" | "pending">>;
  readonly documents?: readonly StoredDocument[];
  /** Documents to publish that no head ever named; they come before what `base` names there. */
  readonly published?: readonly DocumentAddress[];
  /** Effects to add to those still pending. */
  readonly effects?: readonly Effect[];
  /** Effects that are done and leave `pending`. */
  readonly done?: readonly Effect[];
  readonly type: EventType;
  readonly details: JsonObject;
  /** Tell people and programs of this event. */
  readonly notify?: boolean;
}

/** The transition that makes `change` to `base`. */
export function advance(base: Head, change: Change, context: EventContext): Transition {
  const event: AuditEvent = {
    factory: base.factory,
    seq: base.log.seq + 1,
    previous: base.log.sha256,
    id: context.eventId,
    time: context.now,
    type: change.type,
    actor: context.actor,
    details: change.details,
  };
  const logged = eventDocument(base, event);
  const done = change.done ?? [];
  const people = { ...base, ...change.head };
  const messages = change.notify ? messagesOf(event.seq, people, event.details) : [];
  const next: Head = {
    ...base,
    ...change.head,
    revision: base.revision + 1,
    pending: withMessages(
      [...withoutDone(base.pending, done), ...(change.effects ?? [])],
      messages,
      event.type,
    ),
    log: { seq: event.seq, sha256: logged.address.sha256 },
  };
  return {
    base,
    head: { ...next, dueAt: dueAt(next, context.policy, context.floor) },
    documents: [...(change.documents ?? []), logged],
    superseded: withPublished(change.published, supersededBy(base, next), next),
    eventId: event.id,
  };
}

/** A place is published once: a document that the new chain has another version of has none. */
function withPublished(
  published: readonly DocumentAddress[] | undefined,
  superseded: readonly DocumentAddress[],
  { roles }: Head,
): readonly DocumentAddress[] {
  if (published === undefined) return superseded;
  const taken = (address: DocumentAddress): boolean =>
    published.some((one) => samePlace(one, address)) ||
    ALL_CHANNELS.some(
      (channel) =>
        channel === address.channel &&
        address.role === "root" &&
        roles[channel]?.root.version === address.version,
    );
  return [...published, ...superseded.filter((address) => !taken(address))];
}

function samePlace(a: DocumentAddress, b: DocumentAddress): boolean {
  return a.channel === b.channel && a.role === b.role && a.version === b.version;
}

/** The transition that creates a Factory: its head has revision 1 and one event. */
export function create(
  first: Omit<Head, "revision" | "log" | "dueAt">,
  documents: readonly StoredDocument[],
  details: JsonObject,
  context: EventContext,
): Transition {
  const event: AuditEvent = {
    factory: first.factory,
    seq: 1,
    previous: null,
    id: context.eventId,
    time: context.now,
    type: "factory-created",
    actor: context.actor,
    details,
  };
  const logged = eventDocument(first, event);
  const head: Head = {
    ...first,
    revision: 1,
    log: { seq: 1, sha256: logged.address.sha256 },
    dueAt: 0,
  };
  return {
    base: null,
    head: { ...head, dueAt: dueAt(head, context.policy, context.floor) },
    documents: [...documents, logged],
    superseded: [],
    eventId: event.id,
  };
}

function eventDocument({ factory }: Pick<Head, "factory">, event: AuditEvent): StoredDocument {
  return storedDocument(eventPlace(factory, event.seq), encodeEvent(event));
}

function supersededBy(base: Head, next: Head): readonly DocumentAddress[] {
  const roles = ALL_CHANNELS.flatMap((channel) =>
    ROLES.flatMap((role): readonly DocumentAddress[] => {
      const before = base.roles[channel]?.[role];
      if (before === undefined || next.roles[channel]?.[role]?.sha256 === before.sha256) return [];
      const { version, sha256 } = before;
      return [{ ...rolePlace(base, channel, role, version), sha256 }];
    }),
  );
  const { factory, log } = base;
  return [...roles, { ...eventPlace(factory, log.seq), sha256: log.sha256 }];
}
