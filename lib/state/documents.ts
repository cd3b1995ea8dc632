/**
 * Documents: immutable, content-addressed role versions and audit events. A document is stored
 * before the swap that names it; the published index (instance, channel, role, version -> sha256) is
 * written before a swap supersedes one, so a reader finds every version that was ever current, and the
 * cost of a read does not depend on the length of the history.
 *
 * Role versions belong to one bootstrap of a Factory, its instance: the first record of a place stays,
 * so that otherwise a root version 1 that was replaced could come back as the published one.
 */
import { sha256, type Sha256 } from "../tuf/bytes.ts";
import type { Channel, Role } from "../tuf/dialect.ts";
import type { FactoryName, InstanceId } from "./names.ts";

/** The audit log is kept like a channel with one role, its sequence number as the version. */
type DocumentChannel = Channel | "log";
/** Staged roots lie beside the roots, and are never published. */
type DocumentRole = Role | "event" | "staged-root";

/** A place in the published index. */
export interface Place {
  readonly factory: FactoryName;
  /** Null for the audit log, which goes on when the Factory is bootstrapped again. */
  readonly instance: InstanceId | null;
  readonly channel: DocumentChannel;
  readonly role: DocumentRole;
  readonly version: number;
}

export function rolePlace(
  { factory, instance }: { readonly factory: FactoryName; readonly instance: InstanceId },
  channel: Channel,
  role: Role | "staged-root",
  version: number,
): Place {
  return { factory, instance, channel, role, version };
}

/** @param seq from 1 on */
export function eventPlace(factory: FactoryName, seq: number): Place {
  return { factory, instance: null, channel: "log", role: "event", version: seq };
}

export interface DocumentAddress extends Place {
  readonly sha256: Sha256;
}

export interface StoredDocument {
  readonly address: DocumentAddress;
  /** UTF-8 JSON, as served. */
  readonly bytes: Uint8Array;
}

export function storedDocument(place: Place, bytes: Uint8Array): StoredDocument {
  return { address: { ...place, sha256: sha256(bytes) }, bytes };
}
