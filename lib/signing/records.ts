/**
 * The records that only the signing boundary writes: its keys, every root that it followed, those
 * that it expects, and the last document of each role that it signed. It believes these, and not the head, which a compromised
 * service could write.
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
  /** The handle by which its store finds the key (key-store.ts). */
  readonly handle: Uint8Array;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
}

/** A root of one channel that the boundary follows, or followed. */
export interface TrustedRoot {
  readonly version: number;
  /** UTF-8, as served. */
  readonly bytes: Uint8Array;
  /** Online keys that an earlier root listed, and this one does not. */
  readonly retired: readonly KeyId[];
}

/** A verified successor of the trusted root, which may have become current or may still do so. */
export interface ExpectedRoot {
  readonly version: number;
  /** UTF-8. */
  readonly bytes: Uint8Array;
}

/**
 * How many roots of one channel may be expected at a time. Each is signed by the threshold of the
 * owner's keys, and all go once one of them is followed, so that more than a few mean a mistake.
 */
export const MAX_EXPECTED_ROOTS = 16;

/** The roots of each channel that the boundary followed, and those that it expects. */
export interface SignerRoots {
  /** @returns false if the instance has trusted roots already, and then changes nothing */
  startTrust(
    ref: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<boolean>;
  trustedRoot(ref: ChannelRef): Promise<TrustedRoot | null>;
  /**
   * Trusts `next` if the trusted root still is `version`, and keeps the one before. Roots that were
   * expected at `next`'s version or below are dropped in the same step.
   *
   * @returns whether it did
   */
  advanceTrust(ref: ChannelRef, version: number, next: TrustedRoot): Promise<boolean>;
  /** The trusted root or an earlier one; null for one that an earlier release did not keep. */
  keptRoot(ref: ChannelRef, version: number): Promise<TrustedRoot | null>;
  /** Keeps a root below the trusted one; the first of a version stays. */
  keepRoot(ref: ChannelRef, root: TrustedRoot): Promise<void>;
  /**
   * Expects `root` if the trusted root still is `version`. The same bytes are kept once.
   *
   * @returns whether it is expected
   */
  expectRoot(ref: ChannelRef, version: number, root: ExpectedRoot): Promise<boolean>;
  expectedRoots(ref: ChannelRef): Promise<readonly ExpectedRoot[]>;
}

/** The last document of a role, and how far numbers may run ahead. */
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

export interface SignerRecords extends SignerRoots, SignerVersions {
  putKey(ref: FactoryRef, key: KeyRecord): Promise<void>;
  key(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<KeyRecord | null>;
  /** All keys of an instance. */
  keys(ref: FactoryRef): Promise<readonly KeyRecord[]>;
  /** After the answer no byte of the key is left in the store's files. */
  removeKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void>;
  /** Removes keys, trust and numbers of an instance. */
  forget(ref: FactoryRef): Promise<void>;
}
