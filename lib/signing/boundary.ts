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
import { versionTime, type RefreshPolicy } from "../factory/schedule.ts";
import type {
  ChannelRef,
  Clock,
  FactoryRef,
  SignRequest,
  SigningBoundary,
} from "../service/ports.ts";
import { nextInChain, readChainRoot, readTrustedRoot, strictPolicy } from "../tuf/chain.ts";
import {
  ALL_CHANNELS,
  channelsOf,
  ONLINE_ROLES,
  ROLES,
  type Channel,
  type OnlineRole,
} from "../tuf/dialect.ts";
import type { JsonObject } from "../tuf/json.ts";
import { rootKey, type KeyId, type KeyType, type RootKey } from "../tuf/keys.ts";
import { isSignedUnder, readRoleDocument } from "../tuf/role-document.ts";
import { envelope, snapshotDocument, targetsDocument, timestampDocument } from "../tuf/roles.ts";
import { sameRoot, type Root } from "../tuf/root.ts";
import { signatureObject } from "../tuf/signatures.ts";
import type { PublicKey } from "../tuf/spki.ts";
import { canonicalize } from "../tuf/canonical.ts";
import type { KeyKind, KeyStore, KindOf, OnlineKey } from "./key-store.ts";
import { checkDescribed, judgeNumber, refused, takeNumber } from "./numbering.ts";
import type { KeyRecord, SignerRecords, TrustedRoot } from "./records.ts";

/** A bootstrap that failed takes its keys back at once; later they may be a live Factory's. */
const ABANDONED_WITHIN = 60 * 60_000;

/** How long a key may be that nobody names: whoever had it made is long gone then. */
const UNNAMED_FOR = 7 * 86_400_000;

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

interface Trusted {
  readonly root: Root;
  readonly retired: ReadonlySet<KeyId>;
}

export class Boundary implements SigningBoundary {
  readonly #parts: BoundaryParts;

  constructor(parts: BoundaryParts) {
    this.#parts = parts;
  }

  async makeKey(ref: FactoryRef, role: OnlineRole, keyType: KeyType): Promise<PublicKey> {
    const { records, kindOf, now } = this.#parts;
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

  async trustedVersion(ref: ChannelRef): Promise<number> {
    return (await this.#trustRecord(ref)).version;
  }

  async follow(ref: ChannelRef, roots: readonly Uint8Array[]): Promise<void> {
    if (roots.length === 0) return;
    const policy = strictPolicy(ref.dialect, ref.channel);
    const lenient = { ...policy, forms: "lenient" } as const;
    const read = roots.map((bytes) => ({ bytes, root: readChainRoot(bytes, lenient).root }));
    for (;;) {
      const { root: start, retired } = await this.#trusted(ref);
      // Somebody else may have come here first, or gone on: up to the trusted root all is done.
      const known = read.findIndex(({ root }) => sameRoot(root, start));
      const missing = read.slice(known + 1);
      const newest = missing.at(-1);
      if (newest === undefined || newest.root.version < start.version) return;
      let root = start;
      const listed = new Set<KeyId>();
      for (const { bytes } of missing) {
        for (const keyid of onlineKeyids(root)) listed.add(keyid);
        root = nextInChain(root, bytes, policy, verifySignature).root;
      }
      const next = { version: root.version, bytes: newest.bytes };
      for (const keyid of onlineKeyids(root)) listed.delete(keyid);
      const gone = await this.#existing(ref, new Set([...retired, ...listed]));
      const { records } = this.#parts;
      if (await records.advanceTrust(ref, start.version, { ...next, retired: gone })) return;
    }
  }

  async sign(request: SignRequest): Promise<Uint8Array> {
    const { role } = request.content;
    const { trusted, root } = await this.#rootToSignUnder(request);
    const { key, listed } = await this.#ownKey(request, root, role, trusted.retired);
    this.#checkExpiry(request);
    const { records, now } = this.#parts;
    await checkDescribed(records, request);
    const keys = { under: onlineKeyids(root), trusted: onlineKeyids(trusted.root) };
    const numbering = await judgeNumber(records, request, keys, {
      now: now(),
      floor: this.#floor(),
    });
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
    await takeNumber(this.#parts.records, request, numbering, document);
    return document;
  }

  async destroyKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void> {
    for (const channel of channelsOf(ref.dialect)) {
      const { root } = await this.#trusted({ ...ref, channel });
      if (ROLES.some((name) => root.roles[name].keyids.includes(keyid))) {
        throw refused(`${role} key ${keyid} is listed by root version ${root.version}`);
      }
    }
    const { records } = this.#parts;
    const record = await records.key(ref, role, keyid);
    if (record !== null) await this.#destroy(record);
    // Without a record, too: an attempt before may have removed it and not emptied the log.
    await records.removeKey(ref, role, keyid);
  }

  async sweepKeys(ref: FactoryRef, named: ReadonlySet<KeyId>): Promise<void> {
    const { records } = this.#parts;
    for (const { role, keyid, madeAt } of await records.keys(ref)) {
      if (named.has(keyid) || this.#floor() < madeAt + UNNAMED_FOR) continue;
      await this.destroyKey(ref, role, keyid);
    }
  }

  async abandon(ref: FactoryRef): Promise<void> {
    // Not those of the dialect that the caller says.
    for (const channel of ALL_CHANNELS) {
      const trusted = await this.#parts.records.trustedRoot({ ...ref, channel });
      if (trusted !== null && trusted.version > 1) {
        throw refused(`instance of ${ref.factory} is in use: its root was rotated`);
      }
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

  async #trustRecord(ref: ChannelRef): Promise<TrustedRoot> {
    const record = await this.#parts.records.trustedRoot(ref);
    if (record === null) throw refused(`no trusted root for ${ref.factory} ${ref.channel}`);
    return record;
  }

  async #trusted(ref: ChannelRef): Promise<Trusted> {
    const { bytes, retired } = await this.#trustRecord(ref);
    const policy = strictPolicy(ref.dialect, ref.channel);
    return { root: readTrustedRoot(bytes, policy, verifySignature), retired: new Set(retired) };
  }

  /** Of a key that was destroyed nothing need be remembered. */
  async #existing(ref: ChannelRef, keyids: ReadonlySet<KeyId>): Promise<readonly KeyId[]> {
    const keys = await this.#parts.records.keys(ref);
    return keys.map(({ keyid }) => keyid).filter((keyid) => keyids.has(keyid));
  }

  /** The trusted root, or the one that follows it and becomes current with what is signed. */
  async #rootToSignUnder(request: SignRequest): Promise<{ trusted: Trusted; root: Root }> {
    const trusted = await this.#trusted(request);
    if (request.nextRoot === undefined) return { trusted, root: trusted.root };
    const policy = strictPolicy(request.dialect, request.channel);
    const { root } = nextInChain(trusted.root, request.nextRoot, policy, verifySignature);
    return { trusted, root };
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
