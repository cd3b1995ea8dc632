/**
 * The roots that the signing boundary believes: it starts from the version 1 roots of an instance,
 * follows a chain one verified step at a time, and keeps every root that it followed. It *expects* a
 * root that follows from the trusted one from before it signs under it, or from before a door of the
 * service makes it current: whatever becomes of the service's database then, the keys that such a
 * root lists are there.
 */
import { RootwardError } from "../error.ts";
import { verifySignature } from "../crypto/verify.ts";
import type { ChannelRef, FactoryRef, RootMark } from "../service/ports.ts";
import { sha256 } from "../tuf/bytes.ts";
import { nextInChain, readChainRoot, readTrustedRoot, strictPolicy } from "../tuf/chain.ts";
import { ALL_CHANNELS, channelsOf, ONLINE_ROLES, ROLES } from "../tuf/dialect.ts";
import type { KeyId } from "../tuf/keys.ts";
import { sameRoot, type Root } from "../tuf/root.ts";
import { MAX_EXPECTED_ROOTS, type SignerRecords, type TrustedRoot } from "./records.ts";
import { refused } from "./refused.ts";

/** A root to sign under. */
export interface Trusted {
  readonly root: Root;
  readonly retired: ReadonlySet<KeyId>;
}

export class RootTrust {
  readonly #records: SignerRecords;

  constructor(records: SignerRecords) {
    this.#records = records;
  }

  /** The trusted root of a channel. */
  async mark(ref: ChannelRef): Promise<RootMark> {
    return markOf(await this.#record(ref));
  }

  async expected(ref: ChannelRef): Promise<readonly RootMark[]> {
    return (await this.#records.expectedRoots(ref)).map(markOf);
  }

  /** The trusted root or one before it. */
  async kept(ref: ChannelRef, version: number): Promise<Uint8Array | null> {
    return (await this.#records.keptRoot(ref, version))?.bytes ?? null;
  }

  /** Follows the chain from the trusted root through `roots`, in order, and keeps each of them. */
  async follow(ref: ChannelRef, roots: readonly Uint8Array[]): Promise<void> {
    if (roots.length === 0) return;
    const policy = strictPolicy(ref.dialect, ref.channel);
    const lenient = { ...policy, reading: "lenient" } as const;
    const read = roots.map((bytes) => ({ bytes, root: readChainRoot(bytes, lenient).root }));
    for (;;) {
      const { root: start, retired } = await this.trusted(ref);
      // Somebody else may have come here first, or gone on: up to the trusted root all is done.
      const known = read.findIndex(({ root }) => sameRoot(root, start));
      const missing = read.slice(known + 1);
      const newest = missing.at(-1);
      if (newest === undefined || newest.root.version < start.version) return;
      if (await this.#advance(ref, { root: start, retired }, missing)) return;
    }
  }

  async #advance(
    ref: ChannelRef,
    start: Trusted,
    missing: readonly { readonly bytes: Uint8Array }[],
  ): Promise<boolean> {
    const policy = strictPolicy(ref.dialect, ref.channel);
    // All are verified before the first is trusted.
    let { root } = start;
    const steps = missing.map(({ bytes }) => {
      const before = root;
      ({ root } = nextInChain(before, bytes, policy, verifySignature));
      return { before, bytes, root };
    });
    let { retired } = start;
    for (const { before, bytes, root: next } of steps) {
      const listed = new Set(onlineKeyids(next));
      const dropped = onlineKeyids(before).filter((keyid) => !listed.has(keyid));
      const gone = await this.#existing(ref, new Set([...retired, ...dropped]));
      const step = { version: next.version, bytes, retired: gone };
      if (!(await this.#records.advanceTrust(ref, before.version, step))) return false;
      retired = new Set(gone);
    }
    return true;
  }

  /**
   * Keeps a root below the trusted one, which an earlier release did not keep: its own keys signed it,
   * and the root after it, which is kept, follows from it.
   */
  async backfill(ref: ChannelRef, bytes: Uint8Array): Promise<void> {
    const policy = strictPolicy(ref.dialect, ref.channel);
    const root = readTrustedRoot(bytes, policy, verifySignature);
    const next = await this.#records.keptRoot(ref, root.version + 1);
    if (next === null) throw refused(`root version ${root.version + 1} is not kept here`);
    const after = nextInChain(root, next.bytes, policy, verifySignature).root;
    const listed = new Set(onlineKeyids(root));
    // The keys that were retired by then are no longer known. They are taken to be those of the next root
    // that it does not list.
    const retired = next.retired.filter((keyid) => !listed.has(keyid));
    await this.#records.keepRoot(ref, { version: after.version - 1, bytes, retired });
  }

  /**
   * Expects `bytes`, which must follow from the trusted root.
   *
   * @throws RootwardError `too-many-roots` where that many others are expected
   */
  async expect(ref: ChannelRef, bytes: Uint8Array): Promise<Trusted> {
    for (;;) {
      const { root: trusted, retired } = await this.trusted(ref);
      const policy = strictPolicy(ref.dialect, ref.channel);
      const lenient = { ...policy, reading: "lenient" } as const;
      const { root } = nextInChain(trusted, bytes, policy, verifySignature);
      const expected = await this.#records.expectedRoots(ref);
      // Other signatures, or another spelling, make no other root: they must not fill the bound.
      const known = expected.find((one) => sameRoot(readChainRoot(one.bytes, lenient).root, root));
      if (known === undefined && expected.length >= MAX_EXPECTED_ROOTS) {
        throw tooMany(ref, root.version, expected.length);
      }
      const next = { version: root.version, bytes: known?.bytes ?? bytes };
      // Where another root was followed meanwhile, this one no longer follows.
      if (await this.#records.expectRoot(ref, trusted.version, next)) return { root, retired };
    }
  }

  async trusted(ref: ChannelRef): Promise<Trusted> {
    const { bytes, retired } = await this.#record(ref);
    const policy = strictPolicy(ref.dialect, ref.channel);
    return { root: readTrustedRoot(bytes, policy, verifySignature), retired: new Set(retired) };
  }

  /** Which keys the trusted roots of an instance list, in whatever role; each with the version. */
  async trustedKeys(ref: FactoryRef): Promise<ReadonlyMap<KeyId, number>> {
    const listed = new Map<KeyId, number>();
    for (const channel of channelsOf(ref.dialect)) {
      const { root } = await this.trusted({ ...ref, channel });
      for (const keyid of allKeyids(root)) listed.set(keyid, root.version);
    }
    return listed;
  }

  /** The same of the roots that are expected. */
  async expectedKeys(ref: FactoryRef): Promise<ReadonlyMap<KeyId, number>> {
    const listed = new Map<KeyId, number>();
    for (const channel of ALL_CHANNELS) {
      const policy = { dialect: ref.dialect, channel, reading: "lenient" } as const;
      for (const { bytes } of await this.#records.expectedRoots({ ...ref, channel })) {
        const { root } = readChainRoot(bytes, policy);
        for (const keyid of allKeyids(root)) listed.set(keyid, root.version);
      }
    }
    return listed;
  }

  /** The newest version that an instance's keys signed, trusted or expected; 0 without any. */
  async newestVersion(ref: FactoryRef): Promise<number> {
    const versions = [0];
    // Not the channels of the dialect that the caller says.
    for (const channel of ALL_CHANNELS) {
      versions.push((await this.#records.trustedRoot({ ...ref, channel }))?.version ?? 0);
      const expected = await this.#records.expectedRoots({ ...ref, channel });
      versions.push(...expected.map(({ version }) => version));
    }
    return Math.max(...versions);
  }

  async #record(ref: ChannelRef): Promise<TrustedRoot> {
    const record = await this.#records.trustedRoot(ref);
    if (record === null) throw refused(`no trusted root for ${ref.factory} ${ref.channel}`);
    return record;
  }

  /** A key that was destroyed need not be remembered. */
  async #existing(ref: ChannelRef, keyids: ReadonlySet<KeyId>): Promise<readonly KeyId[]> {
    const keys = await this.#records.keys(ref);
    return keys.map(({ keyid }) => keyid).filter((keyid) => keyids.has(keyid));
  }
}

function tooMany({ factory, channel }: ChannelRef, version: number, count: number): RootwardError {
  return new RootwardError(
    "too-many-roots",
    `${count} roots ${version} of ${factory} ${channel} have all signatures and never became current, ` +
      "and the signer remembers no more: send one of them, or ask the operator of the service to drop " +
      `those that no device has, with rootward signer forget-root ${factory} ${version}`,
    { facts: { version } },
  );
}

function markOf({ version, bytes }: { readonly version: number; readonly bytes: Uint8Array }) {
  return { version, sha256: sha256(bytes) };
}

function onlineKeyids({ roles }: Root): readonly KeyId[] {
  return ONLINE_ROLES.flatMap((role) => roles[role].keyids);
}

function allKeyids({ roles }: Root): readonly KeyId[] {
  return ROLES.flatMap((role) => roles[role].keyids);
}
