/**
 * The signing boundary: the only code that holds online private keys.
 *
 * It never signs bytes that it was handed: it is told what a document says and builds it. It is a
 * TUF client of its own service: it starts from the version 1 roots of an instance and believes a
 * root only after following the chain to it. It refuses a key that the trusted root does not list
 * for the role or that is not of this Factory's instance, a version not above the last it signed or
 * beyond its clock (role-record.ts), an expiry outside policy, and to describe any document but the
 * last that it signed. It knows no way to sign a root.
 */
import { RootwardError } from "../error.ts";
import { verifySignature } from "../crypto/verify.ts";
import { versionTime, type RefreshPolicy } from "../state/schedule.ts";
import type {
  ChannelRef,
  Clock,
  FactoryRef,
  RootMark,
  SignRequest,
  SigningBoundary,
} from "../service/ports.ts";
import { readTrustedRoot, strictPolicy } from "../tuf/chain.ts";
import {
  ALL_CHANNELS,
  channelsOf,
  ONLINE_ROLES,
  type Channel,
  type OnlineRole,
} from "../tuf/dialect.ts";
import type { JsonObject } from "../tuf/json.ts";
import { rootKey, type KeyId, type KeyType, type RootKey } from "../tuf/keys.ts";
import { isSignedUnder, readRoleDocument } from "../tuf/role-document.ts";
import { envelope, snapshotDocument, targetsDocument, timestampDocument } from "../tuf/roles.ts";
import type { Root } from "../tuf/root.ts";
import { signatureObject } from "../tuf/signatures.ts";
import type { PublicKey } from "../tuf/spki.ts";
import { canonicalize } from "../tuf/canonical.ts";
import { KeyLane, SIGNER_LANE } from "./key-lane.ts";
import type { KeyKind, KeyStore, KindOf, OnlineKey } from "./key-store.ts";
import { checkDescribed, judgeNumber, takeNumber } from "./numbering.ts";
import type { KeyRecord, SignerRecords } from "./records.ts";
import { refused } from "./refused.ts";
import { RootTrust, type Trusted } from "./root-trust.ts";

/** A bootstrap that failed takes its keys back at once; later they may be a live Factory's. */
const ABANDONED_WITHIN = 60 * 60_000;

/** The time that an unnamed key stays: the request that made it has long ended by then. */
const UNNAMED_FOR = 7 * 86_400_000;

/**
 * After how many keys in a day, of any type, an instance gets no more of one type. A rotation of online keys
 * takes three. Each key stays for weeks, and an RSA key takes seconds or is paid for in KMS, so a token that
 * asks again and again must come to an end.
 */
export const KEYS_IN_A_DAY: Readonly<Record<KeyType, number>> = { rsa: 120, ed25519: 1200 };
const DAY = 86_400_000;

export interface BoundaryParts {
  readonly records: SignerRecords;
  /** A store for each kind of key that was ever made here. */
  readonly stores: Readonly<Partial<Record<KeyKind, KeyStore>>>;
  readonly kindOf: KindOf;
  readonly policy: RefreshPolicy;
  readonly now: () => number;
  /** Whether the clock may be believed; it is unless given. */
  readonly clock?: Clock;
}

export class Boundary implements SigningBoundary {
  readonly #parts: BoundaryParts;
  readonly #lane = new KeyLane(SIGNER_LANE);
  readonly #trust: RootTrust;

  constructor(parts: BoundaryParts) {
    this.#parts = parts;
    this.#trust = new RootTrust(parts.records);
  }

  async makeKey(ref: FactoryRef, role: OnlineRole, keyType: KeyType): Promise<PublicKey> {
    // An Ed25519 key takes no time worth waiting for.
    if (keyType === "ed25519") return this.#makeKey(ref, role, keyType);
    return this.#lane.run(ref.factory, () => this.#makeKey(ref, role, keyType));
  }

  async #makeKey(ref: FactoryRef, role: OnlineRole, keyType: KeyType): Promise<PublicKey> {
    const { records, kindOf, now } = this.#parts;
    const made = (await records.keys(ref)).filter(({ madeAt }) => madeAt > now() - DAY).length;
    if (made >= KEYS_IN_A_DAY[keyType]) {
      throw new RootwardError(
        "busy",
        `${ref.factory} got ${made} online keys within a day: try again tomorrow`,
        { facts: { retryAfter: DAY / 1000 } },
      );
    }
    const kind = kindOf(ref, role);
    const { publicKey, handle } = await this.#store(kind).make(ref, role, keyType);
    const { keyid } = rootKey(publicKey, ref.dialect);
    await records.putKey(ref, { role, keyid, kind, handle, madeAt: now() });
    return publicKey;
  }

  async trustFirstRoots(
    ref: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<void> {
    const channels = channelsOf(ref.dialect);
    if (
      !sameMembers(
        channels,
        roots.map(({ channel }) => channel),
      )
    ) {
      throw refused(`expected a first root for each of ${channels.join(", ")}`);
    }
    for (const { channel, bytes } of roots) {
      const root = readTrustedRoot(bytes, strictPolicy(ref.dialect, channel), verifySignature);
      if (root.version !== 1) throw refused(`expected root version 1, got ${root.version}`);
      for (const role of ONLINE_ROLES) await this.#ownKey(ref, root, role);
    }
    if (!(await this.#parts.records.startTrust(ref, roots))) {
      throw refused(`instance of ${ref.factory} has first roots already`);
    }
  }

  trustedRoot(ref: ChannelRef): Promise<RootMark> {
    return this.#trust.mark(ref);
  }

  expectedRoots(ref: ChannelRef): Promise<readonly RootMark[]> {
    return this.#trust.expected(ref);
  }

  keptRoot(ref: ChannelRef, version: number): Promise<Uint8Array | null> {
    return this.#trust.kept(ref, version);
  }

  keepRoot(ref: ChannelRef, root: Uint8Array): Promise<void> {
    return this.#trust.backfill(ref, root);
  }

  follow(ref: ChannelRef, roots: readonly Uint8Array[]): Promise<void> {
    return this.#trust.follow(ref, roots);
  }

  async expect(ref: ChannelRef, root: Uint8Array): Promise<void> {
    await this.#trust.expect(ref, root);
  }

  async heldKeys(ref: FactoryRef): Promise<readonly KeyId[]> {
    return (await this.#parts.records.keys(ref)).map(({ keyid }) => keyid);
  }

  async sign(request: SignRequest): Promise<Uint8Array> {
    const { role } = request.content;
    const { root, retired } = await this.#rootToSignUnder(request);
    const { key, listed } = await this.#ownKey(request, root, role, retired);
    this.#checkExpiry(request);
    const { records, now } = this.#parts;
    await checkDescribed(records, request);
    const trusted =
      request.nextRoot === undefined ? root : (await this.#trust.trusted(request)).root;
    const keys = { under: onlineKeyids(root), trusted: onlineKeyids(trusted) };
    const time = { now: now(), floor: this.#floor() };
    const numbering = await judgeNumber(records, request, keys, time);
    const signed = build(request);
    const signature = await key.sign(canonicalize(signed, request.dialect));
    const { keyid } = listed;
    const document = envelope(signed, [
      signatureObject(keyid, key.publicKey, signature, request.dialect),
    ]);
    // A fault in signing can give a wrong signature, which for RSA can give away the key.
    const read = readRoleDocument(document, role, request.dialect);
    if (!isSignedUnder(root, read, verifySignature)) {
      throw refused(`${role} would not verify under root version ${root.version}`);
    }
    await takeNumber(records, request, numbering, document);
    return document;
  }

  async destroyKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void> {
    const trusted = (await this.#trust.trustedKeys(ref)).get(keyid);
    if (trusted !== undefined) {
      throw refused(`${role} key ${keyid} is listed by root version ${trusted}`);
    }
    const expected = (await this.#trust.expectedKeys(ref)).get(keyid);
    if (expected !== undefined) {
      const message = `${role} key ${keyid} is listed by root version ${expected}, which may be current`;
      throw refused(message, { expected });
    }
    const { records } = this.#parts;
    const record = await records.key(ref, role, keyid);
    if (record !== null) await this.#destroy(record);
    // Without a record, too: an attempt before may have removed it and not emptied the log.
    await records.removeKey(ref, role, keyid);
  }

  async sweepKeys(ref: FactoryRef, named: ReadonlySet<KeyId>): Promise<void> {
    const { records } = this.#parts;
    const expected = await this.#trust.expectedKeys(ref);
    for (const { role, keyid, madeAt } of await records.keys(ref)) {
      if (named.has(keyid) || expected.has(keyid)) continue;
      if (this.#floor() < madeAt + UNNAMED_FOR) continue;
      await this.destroyKey(ref, role, keyid);
    }
  }

  async abandon(ref: FactoryRef): Promise<void> {
    const expected = await this.#trust.newestVersion(ref);
    if (expected > 1) {
      const message = `instance of ${ref.factory} is in use: its keys signed root version ${expected}`;
      throw refused(message, { expected });
    }
    const { records, now, policy, clock } = this.#parts;
    const keys = await records.keys(ref);
    if (clock !== undefined && clock.doubt() !== null) {
      throw refused(`instance of ${ref.factory} stays while the clock is in doubt`);
    }
    // On either side: a clock that went back makes no key young again.
    const old = keys.some(({ madeAt }) => Math.abs(now() - madeAt) > ABANDONED_WITHIN);
    const idle = now() - (await this.#lastUse(ref, keys));
    if (old && idle < policy.keyRetention) {
      throw refused(`instance of ${ref.factory} was not made just now: its keys may be in use`);
    }
    for (const key of keys) await this.#destroy(key);
    // Trust stays where it was ever of use: should a fleet be left after all, its owner lists new keys.
    for (const { role, keyid } of old ? keys : []) await records.removeKey(ref, role, keyid);
    if (!old && keys.length > 0) await records.forget(ref);
  }

  /** A time that has certainly come. */
  #floor(): number {
    const { clock, now } = this.#parts;
    return clock?.floor() ?? now();
  }

  /** When something was last signed for an instance, or a key made. A live fleet's is days ago. */
  async #lastUse(ref: FactoryRef, keys: readonly KeyRecord[]): Promise<number> {
    const times = keys.map(({ madeAt }) => madeAt);
    for (const channel of ALL_CHANNELS) {
      for (const role of ONLINE_ROLES) {
        const record = await this.#parts.records.lastSigned({ ...ref, channel }, role);
        if (record !== null) times.push(versionTime(record.version));
      }
    }
    return Math.max(...times);
  }

  /** The trusted root, or the one that follows it and becomes current with what is signed. */
  #rootToSignUnder(request: SignRequest): Promise<Trusted> {
    const { nextRoot } = request;
    if (nextRoot === undefined) return this.#trust.trusted(request);
    // Expected from before the first signature: devices may get it and what is signed under it.
    return this.#trust.expect(request, nextRoot);
  }

  /** The key of ours that `root` lists for `role`; one that was retired stays so. */
  async #ownKey(
    ref: FactoryRef,
    root: Root,
    role: OnlineRole,
    retired: ReadonlySet<KeyId> = new Set(),
  ): Promise<{ key: OnlineKey; listed: RootKey }> {
    for (const keyid of root.roles[role].keyids) {
      if (retired.has(keyid)) continue;
      const listed = root.keys.get(keyid);
      const record = await this.#parts.records.key(ref, role, keyid);
      if (listed === undefined || record === null) continue;
      const key = await this.#store(record.kind).open(record.handle, { ref, role, keyid });
      if (key.publicKey.fingerprint === listed.key.fingerprint) return { key, listed };
    }
    throw refused(`root version ${root.version} lists no ${role} key of this instance`);
  }

  #store(kind: KeyKind): KeyStore {
    const store = this.#parts.stores[kind];
    if (store !== undefined) return store;
    throw new RootwardError("internal", `the signer is not set up for ${kind} keys`);
  }

  async #destroy({ kind, handle }: KeyRecord): Promise<void> {
    await this.#store(kind).destroy(handle);
  }

  #checkExpiry({ content, expires }: SignRequest): void {
    const now = this.#parts.now();
    const { lifetime } = this.#parts.policy.roles[content.role];
    if (!Number.isSafeInteger(expires) || expires <= now || expires > now + lifetime) {
      throw refused(`${content.role}: expected an expiry within ${lifetime} ms from now`);
    }
  }
}

function build({ content, dialect, version, expires }: SignRequest): JsonObject {
  switch (content.role) {
    case "targets":
      return targetsDocument(dialect, version, expires, content.targets);
    case "snapshot":
      return snapshotDocument(dialect, version, expires, content.meta);
    case "timestamp":
      return timestampDocument(dialect, version, expires, content.meta);
  }
}

function onlineKeyids({ roles }: Root): readonly KeyId[] {
  return ONLINE_ROLES.flatMap((role) => roles[role].keyids);
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item) => b.includes(item));
}
