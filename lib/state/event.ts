/**
 * The audit log: one event for each swap of the head. Each names the hash of the one before it and the head
 * pins the newest, so a reader who remembers one hash notices when history is rewritten.
 *
 * The random id is how a swap whose answer was lost finds out that it happened (transition.ts).
 */
import { RootwardError } from "../error.ts";
import { isSha256, sha256, type Sha256 } from "../tuf/bytes.ts";
import { encodeJson } from "../tuf/canonical.ts";
import { formatTime, parseExpires } from "../tuf/expires.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../tuf/json.ts";

export type EventType =
  | "factory-created"
  | "factory-bootstrapped-again"
  | "delivery-claimed"
  | "delivery-refused"
  | "delivery-confirmed"
  | "delivery-expired"
  | "initial-key-read"
  | "root-update-started"
  | "root-update-staged"
  | "online-keys-made"
  | "root-update-cancelled"
  | "root-accepted"
  | "roots-returned"
  | "key-retired"
  | "instance-retired"
  | "token-minted"
  | "token-revoked"
  | "owner-token-issued"
  | "root-expiring"
  | "metadata-refreshed"
  | "targets-published"
  | "effects-done";

/** The actor of an event: a token's user, the holder of the link, or the schedule. */
export type Actor = `token:${string}` | "link" | "schedule";

export interface AuditEvent {
  readonly factory: string;
  /** 1 for the first. */
  readonly seq: number;
  /** SHA-256 of the bytes of the event before this one; null in the first. */
  readonly previous: Sha256 | null;
  /** 128 random bits in hex. */
  readonly id: string;
  /** Milliseconds since 1970; stored to the second. */
  readonly time: number;
  readonly type: EventType;
  readonly actor: Actor;
  readonly details: JsonObject;
}

/** An event as JSON with sorted members: the bytes that are stored, served and hashed. */
export function encodeEvent(event: AuditEvent): Uint8Array {
  return encodeJson(jsonObject({ ...event, time: formatTime(event.time) }));
}

export interface LoggedEvent {
  readonly seq: number;
  readonly previous: Sha256 | null;
  readonly id: string;
  readonly time: number;
  readonly type: string;
  readonly actor: string;
  readonly details: JsonObject;
}

const MAX_EVENT_BYTES = 65_536;

/** @throws RootwardError `log-broken` where the bytes are no event */
export function decodeEvent(bytes: Uint8Array): LoggedEvent {
  const value = parseJson(bytes, { maxBytes: MAX_EVENT_BYTES });
  if (isJsonObject(value)) {
    const { seq, previous, id, time, type, actor, details } = value;
    const at = typeof time === "string" ? parseExpires(time) : null;
    const link = previous === null || (typeof previous === "string" && isSha256(previous));
    if (
      typeof seq === "number" &&
      link &&
      at !== null &&
      typeof id === "string" &&
      typeof type === "string" &&
      typeof actor === "string" &&
      isJsonObject(details)
    ) {
      return { seq, previous, id, time: at, type, actor, details };
    }
  }
  throw new RootwardError("log-broken", "audit event: expected seq, previous, id, time and type");
}

/** Where a verified log ends: what to remember, and what the next part must follow. */
export interface LogMark {
  readonly seq: number;
  readonly sha256: Sha256;
}

/**
 * Verifies a stretch of the log.
 *
 * @param events the events after `mark` in order, as served
 * @param mark the last event already known, or null to start with the first
 * @returns the mark after the last event
 * @throws RootwardError `log-broken` naming the event that does not follow
 */
export function verifyLog(events: readonly Uint8Array[], mark: LogMark | null): LogMark | null {
  let last = mark;
  for (const bytes of events) {
    const event = decodeEvent(bytes);
    if (event.seq !== (last?.seq ?? 0) + 1 || event.previous !== (last?.sha256 ?? null)) {
      throw new RootwardError(
        "log-broken",
        `audit event ${event.seq} does not follow event ${last?.seq ?? 0}: history was rewritten`,
      );
    }
    last = { seq: event.seq, sha256: sha256(bytes) };
  }
  return last;
}
