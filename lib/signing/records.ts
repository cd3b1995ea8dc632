/**
 * The records that only the signing boundary writes: its keys, the roots that it trusts, and the
 * last document of each role that it signed. It believes these, and not the head, which a
 * compromised service could write.
 */
import type { ChannelRef, FactoryRef } from "../service/ports.ts";
import type { Channel, OnlineRole } from "../tuf/dialect.ts";
import type { KeyId } from "../tuf/keys.ts";
import type { KeyKind } from "./key-store.ts";
import type { Ceiling, RoleRecord } from "./role-record.ts";

export interface KeyRecord {
  readonly role: OnlineRole;
  readonly keyid: KeyId;
  readonly kind: KeyKind;
  /** What its store finds the key with (key-store.ts). */
  readonly handle: Uint8Array;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
}

/** What it believes of one channel. */
export interface TrustedRoot {
  readonly version: number;
  /** UTF-8, as served. */
  readonly bytes: Uint8Array;
  /** Online keys that an earlier root listed, and this one does not. */
  readonly retired: readonly KeyId[];
}

/** What was signed last, and how far numbers may run ahead. */
export interface SignerVersions {
  /** Null where nothing was signed. */
  lastSigned(ref: ChannelRef, role: OnlineRole): Promise<RoleRecord | null>;
  /**
   * Stores `next` if the number of the last document still is `before`. No number is ever used twice,
   * so this compares the whole record.
   *
   * @param before 0 where nothing was signed
   * @returns whether it did
   */
  takeVersion(
    ref: ChannelRef,
    role: OnlineRole,
    before: number,
    next: RoleRecord,
  ): Promise<boolean>;
  ceiling(ref: FactoryRef): Promise<Ceiling | null>;
}

export interface SignerRecords extends SignerVersions {
  putKey(ref: FactoryRef, key: KeyRecord): Promise<void>;
  key(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<KeyRecord | null>;
  /** All keys of an instance. */
  keys(ref: FactoryRef): Promise<readonly KeyRecord[]>;
  /** After the answer no byte of the key is left in the store's files. */
  removeKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void>;
  /** @returns false if the instance has trusted roots already, and then changes nothing */
  startTrust(
    ref: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean>;
  trustedRoot(ref: ChannelRef): Promise<TrustedRoot | null>;
  /** Replaces the trusted root if it still is `version`; @returns whether it did */
  advanceTrust(ref: ChannelRef, version: number, next: TrustedRoot): Promise<boolean>;
  /** Removes keys, trust and numbers of an instance. */
  forget(ref: FactoryRef): Promise<void>;
}
