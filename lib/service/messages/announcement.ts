/**
 * Events for programs: each event of the log without its personal details. Everyone who may make rules in
 * the account can receive them. So this file names every detail that leaves the log, and any other stays
 * there. Events contain hashes, versions, times, ids and fixed strings, never an address, a chosen name or
 * a written text.
 */
import type { EventType } from "../../state/event.ts";
import { formatTime } from "../../tuf/expires.ts";
import { jsonObject, type JsonObject } from "../../tuf/json.ts";
import type { Announcement } from "../ports.ts";

/** The details of every bootstrap, the first included. */
const BOOTSTRAP = ["keyids", "roots", "archive", "recipient", "delivery"];

/** The details that are told. A type without a row does not compile: somebody must decide. */
const TOLD: Readonly<Record<EventType, readonly string[]>> = {
  "factory-created": ["dialect", ...BOOTSTRAP],
  // Not who was told before: formerOwner and formerProvisioner are addresses.
  "factory-bootstrapped-again": [...BOOTSTRAP, "replaced", "wasLive", "agreedBy"],
  "delivery-claimed": ["leaseUntil"],
  "delivery-refused": ["claimedAt"],
  "delivery-confirmed": ["sha256"],
  "delivery-expired": ["claimed"],
  // Here and below not `user`, `by` and `startedBy`: people's names. The actor has the token's id.
  "initial-key-read": ["keyid"],
  // Not `message`, which is for those who sign.
  "root-update-started": ["version", "firstTime"],
  "root-update-staged": ["staged"],
  "online-keys-made": ["keyids"],
  "root-update-cancelled": ["signed"],
  "root-accepted": ["roots", "endsDelivery"],
  "roots-returned": ["roots", "droppedUpdate", "endsDelivery"],
  "key-retired": ["keys"],
  "instance-retired": ["instances"],
  "token-minted": ["id", "scopes"],
  "token-revoked": ["id"],
  "owner-token-issued": ["id", "count", "replaced"],
  "root-expiring": ["channel", "version", "expires", "passed"],
  "metadata-refreshed": ["roles"],
  // Not the names of files: a publisher chose them.
  "targets-published": ["roles"],
  // Not `done`, which has hashes of links' ids.
  "effects-done": [],
};
const TOLD_OF = new Map<string, readonly string[]>(Object.entries(TOLD));

/** The type of an announcement that several events share: the log has them. */
const SHARED = "events-merged";

/** The type by which rules of the account's bus choose. */
export function announcedType({ event, stretch }: Announcement): string {
  return stretch === undefined ? event.type : SHARED;
}

/** @returns the event as programs get it; its members are those of the log */
export function announcementOf({ factory, event, stretch }: Announcement): JsonObject {
  const { seq, id, time, type, actor, details } = event;
  if (stretch !== undefined) {
    const shared = jsonObject({ ...stretch });
    return jsonObject({
      factory,
      seq,
      id,
      time: formatTime(time),
      type: SHARED,
      actor,
      details: shared,
    });
  }
  const told = (TOLD_OF.get(type) ?? []).map((name) => [name, details[name]] as const);
  return jsonObject({
    factory,
    seq,
    id,
    time: formatTime(time),
    type,
    actor,
    details: jsonObject(Object.fromEntries(told)),
  });
}
