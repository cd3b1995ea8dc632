/**
 * Every refusal of the signing boundary (lib/signing/boundary.ts), each beside what it allows, as a
 * compromised service would try it: through the port, and through the requests that cross a process
 * border or are the event of a function.
 */
import { beforeEach, describe, expect, it } from "vitest";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import { Faults } from "../../lib/adapters/memory/faults.ts";
import { MemorySignerRecords } from "../../lib/adapters/memory/signer-records.ts";
import { MemoryState } from "../../lib/adapters/memory/state.ts";
import { makeSigningKey, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import type { FactoryName, InstanceId } from "../../lib/state/names.ts";
import { DEFAULT_REFRESH, onlineVersion } from "../../lib/state/schedule.ts";
import type {
  ChannelRef,
  RoleContent,
  SigningBoundary,
  SignRequest,
} from "../../lib/service/ports.ts";
import { Boundary } from "../../lib/signing/boundary.ts";
import { answer } from "../../lib/signing/operations.ts";
import { remoteSigner } from "../../lib/signing/remote.ts";
import { SealedKeys } from "../../lib/signing/sealed-keys.ts";
import { readTrustedRoot } from "../../lib/tuf/chain.ts";
import { ONLINE_ROLES, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { formatTime } from "../../lib/tuf/expires.ts";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { rootKey, type KeyId, type RootKey } from "../../lib/tuf/keys.ts";
import { isSignedUnder, readRoleDocument } from "../../lib/tuf/role-document.ts";
import { firstRoot } from "../../lib/tuf/roles.ts";
import type { Root } from "../../lib/tuf/root.ts";
import { sha256, sha256Text } from "../../lib/tuf/bytes.ts";
import { DAY } from "../support/memory-service.ts";
import { rotate, signRoot } from "../support/owner.ts";
import { edits } from "../support/tuf/test-factory.ts";

const REF: ChannelRef = {
  factory: "acme" as FactoryName,
  instance: "a".repeat(32) as InstanceId,
  dialect: "tuf",
  channel: "main",
};
const AGAIN: ChannelRef = { ...REF, instance: "b".repeat(32) as InstanceId };
const OTHER: ChannelRef = { ...REF, factory: "other" as FactoryName };
const POLICY = { dialect: "tuf", channel: "main", reading: "strict" } as const;
const REFUSED = { code: "signing-refused" };
/** A wrapped key that does not open is the operator's business, and nobody else is told more. */
const CLOSED = { code: "internal" };
/** What no request can say is refused before the boundary hears of it. */
const NOT_SIGNED = { code: expect.stringMatching(/^(signing-refused|malformed)$/) };

type Keys = Readonly<Record<OnlineRole, RootKey>>;

let now: number;
let state: MemoryState;
let boundary: SigningBoundary;
let owner: SigningKey;

type Door = (boundary: Boundary) => Promise<SigningBoundary>;
const DOORS: readonly (readonly [string, Door])[] = [
  ["the port", async (direct) => direct],
  ["requests", overRequests],
];
let door: Door;

async function openDoor(through: Door): Promise<void> {
  now = Date.UTC(2026, 0, 15);
  state = new MemoryState();
  door = through;
  boundary = await boundaryWith(new Uint8Array(32).fill(1));
  owner = await makeSigningKey("ed25519");
}

function boundaryWith(master: Uint8Array): Promise<SigningBoundary> {
  return door(
    new Boundary({
      records: new MemorySignerRecords(state, new Faults()),
      stores: { sealed: new SealedKeys(new MasterKeyWrapper(master)) },
      kindOf: () => "sealed",
      policy: DEFAULT_REFRESH,
      now: () => now,
    }),
  );
}

/** The same boundary where nothing but JSON passes, in both directions. */
async function overRequests(direct: Boundary): Promise<SigningBoundary> {
  const signer = { id: "", boundary: direct, wrapper: new MasterKeyWrapper(new Uint8Array(32)) };
  const remote = await remoteSigner(async (request) =>
    throughJson(await answer(signer, throughJson(request), () => undefined)),
  );
  return remote.boundary;
}

function throughJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

async function keysFor(ref: ChannelRef): Promise<Keys> {
  const key = async (role: OnlineRole): Promise<RootKey> =>
    rootKey(await boundary.makeKey(ref, role, "ed25519"), "tuf");
  return {
    targets: await key("targets"),
    snapshot: await key("snapshot"),
    timestamp: await key("timestamp"),
  };
}

function firstSigned(onlineKeys: Keys): JsonObject {
  const root = rootKey(owner.publicKey, "tuf");
  const expires = now + 365 * DAY;
  return firstRoot({ dialect: "tuf", expires, rootKey: root, onlineKeys, targetsThreshold: 1 });
}

function signed(root: JsonObject, by: readonly SigningKey[] = [owner]): Uint8Array {
  return signRoot(root, by, "tuf");
}

function trust(ref: ChannelRef, bytes: Uint8Array): Promise<void> {
  return boundary.trustFirstRoots(ref, [{ channel: "main", bytes }]);
}

/** An instance that the boundary trusts. @returns its root */
async function trusted(ref = REF): Promise<Root> {
  const bytes = signed(firstSigned(await keysFor(ref)));
  await trust(ref, bytes);
  return readTrustedRoot(bytes, POLICY, verifySignature);
}

const TARGETS: RoleContent = { role: "targets", targets: jsonObject({}) };

function request(changes: Partial<SignRequest> = {}): SignRequest {
  const expires = now + DAY;
  return { ...REF, content: TARGETS, version: onlineVersion(0, now), expires, ...changes };
}

describe.each(DOORS)("through %s", (_name, through) => {
  beforeEach(() => openDoor(through));

  describe("signing", () => {
    const meta = { version: 1, length: 2, sha256: sha256Text("{}") };

    /** Signs a role, and says of the document what one above it may say. */
    async function signedMeta(content: RoleContent, changes: Partial<SignRequest> = {}) {
      const bytes = await boundary.sign(request({ content, ...changes }));
      const { version } = readRoleDocument(bytes, content.role, "tuf");
      return { version, length: bytes.length, sha256: sha256(bytes) };
    }

    it.each(ONLINE_ROLES)(
      "gives a %s document that verifies under the trusted root",
      async (role) => {
        const root = await trusted();
        const bytes = await boundary.sign(request({ content: await contentOf(role) }));
        const document = readRoleDocument(bytes, role, "tuf");
        expect(isSignedUnder(root, document, verifySignature)).toBe(true);
        expect([document.version, document.expires]).toEqual([onlineVersion(0, now), now + DAY]);
      },
    );

    /** What a snapshot or timestamp describes was signed here before. */
    async function contentOf(role: OnlineRole): Promise<RoleContent> {
      if (role === "targets") return TARGETS;
      const snapshot = { role: "snapshot", meta: await signedMeta(TARGETS) } as const;
      return role === "snapshot" ? snapshot : { role, meta: await signedMeta(snapshot) };
    }

    it.each<RoleContent>([
      { role: "snapshot", meta: { ...meta, version: Number.MAX_SAFE_INTEGER } },
      { role: "snapshot", meta: { ...meta, version: onlineVersion(0, Date.UTC(2026, 0, 15)) + 1 } },
      { role: "snapshot", meta: { ...meta, version: 0 } },
      { role: "snapshot", meta: { ...meta, version: 1.5 } },
      { role: "snapshot", meta },
      { role: "timestamp", meta },
    ])("refuses to describe what was not signed here: %j", async (content) => {
      await trusted();
      await boundary.sign(request());
      await expect(boundary.sign(request({ content }))).rejects.toMatchObject(REFUSED);
    });

    it.each([
      ["targets", "snapshot"],
      ["snapshot", "timestamp"],
    ] as const)("describes exactly the last %s in a %s", async (below, role) => {
      await trusted();
      const last = await signedMeta(await contentOf(below));
      const wrong = [
        { ...last, version: last.version - 1 },
        { ...last, length: last.length + 1 },
        { ...last, length: last.length - 1 },
        { ...last, sha256: sha256Text("a document that never was") },
      ];
      for (const described of wrong) {
        const refused = boundary.sign(request({ content: { role, meta: described } }));
        await expect(refused).rejects.toMatchObject({
          ...REFUSED,
          details: { facts: { unsigned: below } },
        });
      }
      await boundary.sign(request({ content: { role, meta: last } }));
    });

    it("describes no document that is the last no more", async () => {
      await trusted();
      const version = onlineVersion(0, now);
      const first = await signedMeta(TARGETS, { version });
      await boundary.sign(request({ content: { role: "snapshot", meta: first } }));
      await boundary.sign(request({ version: version + 1 }));
      const old = { content: { role: "snapshot", meta: first }, version: version + 1 } as const;
      await expect(boundary.sign(request(old))).rejects.toMatchObject({
        ...REFUSED,
        details: { facts: { unsigned: "targets", signed: version + 1 } },
      });
    });

    it("describes nothing that an earlier release signed, of which it has no hash", async () => {
      await trusted();
      const first = await signedMeta(TARGETS);
      for (const [name, record] of state.signer.versions) {
        state.signer.versions.set(name, { ...record, last: null });
      }
      const described = boundary.sign(request({ content: { role: "snapshot", meta: first } }));
      await expect(described).rejects.toMatchObject({
        ...REFUSED,
        details: { facts: { unsigned: "targets" } },
      });
    });

    it("destroys no keys of an instance whose root was rotated", async () => {
      const root = await trusted();
      await boundary.follow(REF, [(await rotate(root, owner, { now })).body]);
      await expect(boundary.abandon(REF)).rejects.toMatchObject(REFUSED);
    });

    it("destroys no keys of an instance that was not made just now", async () => {
      await trusted();
      now += 60 * 60_000 + 1;
      await expect(boundary.abandon(REF)).rejects.toMatchObject(REFUSED);
      now -= 2;
      await boundary.abandon(REF);
    });

    it("destroys no keys of an instance that the clock has not come to", async () => {
      await trusted();
      now += 30 * DAY;
      await boundary.sign(request({ version: onlineVersion(0, now), expires: now + DAY }));
      // A machine that starts with the time of its firmware.
      now = Date.UTC(2020, 0, 1);
      await expect(boundary.abandon(REF)).rejects.toMatchObject(REFUSED);
    });

    it("signs under new keys of an owner whose fleet was given up", async () => {
      await trusted();
      await boundary.sign(request());
      // A server that was off for two months, or a clock that jumped: both look like the end.
      now += 60 * DAY;
      for (let time = 0; time < 2; time += 1) await boundary.abandon(REF);
      await expect(boundary.sign(request())).rejects.toMatchObject(REFUSED);
      const nextRoot = signed(edits(firstSigned(await keysFor(REF)), [["version"], 2]));
      expect((await boundary.sign(request({ nextRoot }))).length).toBeGreaterThan(0);
    });

    it("signs each version once, and only above the last", async () => {
      await trusted();
      const version = onlineVersion(0, now);
      await boundary.sign(request({ version }));
      for (const old of [version, version - 1, 1, 0, -1]) {
        await expect(boundary.sign(request({ version: old }))).rejects.toMatchObject({
          ...REFUSED,
          details: { facts: { last: version } },
        });
      }
      await boundary.sign(request({ version: version + 1 }));
    });

    it("signs one of many requests for a version", async () => {
      await trusted();
      const asked = Array.from({ length: 10 }, () => boundary.sign(request()));
      const results = await Promise.allSettled(asked);
      expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    it("refuses a version beyond its clock, and takes none for it", async () => {
      await trusted();
      const limit = onlineVersion(0, now) + 3600;
      for (const version of [limit + 1, Number.MAX_SAFE_INTEGER]) {
        await expect(boundary.sign(request({ version }))).rejects.toMatchObject(REFUSED);
      }
      await boundary.sign(request({ version: limit }));
    });

    it.each([NaN, Infinity, 1.5])("refuses the version %d", async (offset) => {
      await trusted();
      const version = onlineVersion(0, now) - 10 + offset;
      await expect(boundary.sign(request({ version }))).rejects.toThrow();
    });

    it("refuses an expiry that is past or later than policy allows", async () => {
      await trusted();
      const { lifetime } = DEFAULT_REFRESH.roles.targets;
      for (const expires of [now, now - DAY, now + lifetime + 1, Infinity]) {
        await expect(boundary.sign(request({ expires }))).rejects.toMatchObject(NOT_SIGNED);
      }
      await boundary.sign(request({ expires: now + lifetime }));
    });

    it("takes no version for an expiry that is no time", async () => {
      await trusted();
      await expect(boundary.sign(request({ expires: NaN }))).rejects.toThrow();
      expect((await boundary.sign(request())).length).toBeGreaterThan(0);
    });

    it("holds each role to its own lifetime", async () => {
      await trusted();
      const { lifetime } = DEFAULT_REFRESH.roles.timestamp;
      const content: RoleContent = { role: "timestamp", meta };
      const expires = now + lifetime + 1000;
      await expect(boundary.sign(request({ content, expires }))).rejects.toMatchObject(REFUSED);
    });

    it("refuses a Factory, an instance or a channel that it does not know", async () => {
      await trusted();
      const strangers = [AGAIN, OTHER, { ...REF, channel: "ci" as const }];
      for (const ref of strangers) {
        await expect(boundary.sign(request({ ...ref }))).rejects.toMatchObject(REFUSED);
        await expect(boundary.trustedRoot(ref)).rejects.toMatchObject(REFUSED);
      }
    });

    it("refuses once the instance was abandoned, and only that instance", async () => {
      await trusted();
      await trusted(OTHER);
      await boundary.abandon(REF);
      await expect(boundary.sign(request())).rejects.toMatchObject(REFUSED);
      expect((await boundary.sign(request({ ...OTHER }))).length).toBeGreaterThan(0);
    });

    it("does not open its keys under another master key", async () => {
      await trusted();
      const other = await boundaryWith(new Uint8Array(32).fill(2));
      await expect(other.sign(request())).rejects.toMatchObject(CLOSED);
    });

    it("does not open a key that was moved to another instance's record", async () => {
      const keys = await keysFor(REF);
      for (const [name, wrapped] of state.signer.keys) {
        state.signer.keys.set(name.replace(REF.instance, AGAIN.instance), wrapped);
      }
      await expect(trust(AGAIN, signed(firstSigned(keys)))).rejects.toMatchObject(CLOSED);
    });
  });

  describe("destroying a key", () => {
    it("spares what a trusted root lists, in whatever role, and destroys what none does", async () => {
      const root = await trusted();
      const extra = rootKey(await boundary.makeKey(REF, "targets", "ed25519"), "tuf");
      for (const role of ONLINE_ROLES) {
        const [keyid] = root.roles[role].keyids;
        for (const called of ONLINE_ROLES) {
          const destroyed = boundary.destroyKey(REF, called, keyid as KeyId);
          await expect(destroyed).rejects.toMatchObject(REFUSED);
        }
      }
      expect(state.signer.keys.size).toBe(4);
      await boundary.destroyKey(REF, "targets", extra.keyid);
      await boundary.destroyKey(REF, "targets", extra.keyid);
      expect(state.signer.keys.size).toBe(3);
      expect((await boundary.sign(request())).length).toBeGreaterThan(0);
    });

    it("sweeps what is a week old and named by nobody, and never what a root lists", async () => {
      await trusted();
      const named = rootKey(await boundary.makeKey(REF, "targets", "ed25519"), "tuf");
      const orphan = rootKey(await boundary.makeKey(REF, "snapshot", "ed25519"), "tuf");
      now += 7 * DAY - 1;
      // The keys of the root are as old: a service that names none of them is refused.
      const root = [...state.signer.keys.values()].map(({ keyid }) => keyid);
      const kept = new Set(root.filter((keyid) => keyid !== orphan.keyid));
      await boundary.sweepKeys(REF, kept);
      expect(state.signer.keys.size).toBe(5);
      now += 1;
      await expect(boundary.sweepKeys(REF, new Set())).rejects.toMatchObject(REFUSED);
      await boundary.sweepKeys(REF, kept);
      expect(state.signer.keys.size).toBe(4);
      expect(kept.has(named.keyid)).toBe(true);
    });
  });

  describe("the first roots", () => {
    it("are trusted once", async () => {
      const bytes = signed(firstSigned(await keysFor(REF)));
      await trust(REF, bytes);
      await expect(trust(REF, bytes)).rejects.toMatchObject(REFUSED);
      owner = await makeSigningKey("ed25519");
      const rival = signed(firstSigned(await keysFor(REF)));
      await expect(trust(REF, rival)).rejects.toMatchObject(REFUSED);
      expect((await boundary.trustedRoot(REF)).version).toBe(1);
    });

    it("must be one for each channel of the dialect", async () => {
      const bytes = signed(firstSigned(await keysFor(REF)));
      const ats = { ...REF, dialect: "ats" } as const;
      const none = boundary.trustFirstRoots(REF, []);
      const twice = boundary.trustFirstRoots(REF, [
        { channel: "main", bytes },
        { channel: "main", bytes },
      ]);
      const half = boundary.trustFirstRoots(ats, [{ channel: "ci", bytes }]);
      const wrong = boundary.trustFirstRoots(REF, [{ channel: "ci", bytes }]);
      for (const refusal of await Promise.allSettled([none, twice, half, wrong])) {
        expect(refusal).toMatchObject({ status: "rejected", reason: REFUSED });
      }
    });

    it("are those of one dialect, and no other opens a way to its keys", async () => {
      const root = await trusted();
      const [live] = root.roles.targets.keyids;
      const ats = { ...REF, dialect: "ats", channel: "ci" } as const;
      const key = async (role: OnlineRole): Promise<RootKey> =>
        rootKey(await boundary.makeKey(ats, role, "ed25519"), "ats");
      const onlineKeys = {
        targets: await key("targets"),
        snapshot: await key("snapshot"),
        timestamp: await key("timestamp"),
      };
      const own = (targetsThreshold: number): Uint8Array => {
        const rootOfThief = rootKey(owner.publicKey, "ats");
        const expires = now + 365 * DAY;
        const spec = { dialect: "ats", expires, rootKey: rootOfThief, onlineKeys } as const;
        return signRoot(firstRoot({ ...spec, targetsThreshold }), [owner], "ats");
      };
      const roots = [
        { channel: "ci", bytes: own(1) },
        { channel: "prod", bytes: own(2) },
      ] as const;
      await expect(boundary.trustFirstRoots(ats, roots)).rejects.toMatchObject(REFUSED);
      const destroyed = boundary.destroyKey(ats, "targets", live as KeyId);
      await expect(destroyed).rejects.toMatchObject(REFUSED);
      await boundary.follow(REF, [(await rotate(root, owner, { now })).body]);
      await expect(boundary.abandon(ats)).rejects.toMatchObject(REFUSED);
    });

    it("must be version 1", async () => {
      const second = edits(firstSigned(await keysFor(REF)), [["version"], 2]);
      await expect(trust(REF, signed(second))).rejects.toMatchObject(REFUSED);
    });

    it("must be signed by themselves", async () => {
      const first = firstSigned(await keysFor(REF));
      const stranger = await makeSigningKey("ed25519");
      await expect(trust(REF, signed(first, [stranger]))).rejects.toThrow();
      await expect(trust(REF, signed(first, []))).rejects.toThrow();
    });

    it.each<[string, ChannelRef]>([
      ["another Factory", OTHER],
      ["another instance", AGAIN],
    ])("must not list keys of %s", async (_, ref) => {
      await keysFor(REF);
      const theirs = await keysFor(ref);
      await expect(trust(REF, signed(firstSigned(theirs)))).rejects.toMatchObject(REFUSED);
    });

    it.each(ONLINE_ROLES)("must not list a foreign key for %s", async (role) => {
      const keys = await keysFor(REF);
      const foreign = rootKey((await makeSigningKey("ed25519")).publicKey, "tuf");
      const bytes = signed(firstSigned({ ...keys, [role]: foreign }));
      await expect(trust(REF, bytes)).rejects.toMatchObject(REFUSED);
    });

    it("must not list a key of ours for another role than it was made for", async () => {
      const keys = await keysFor(REF);
      const swapped = { ...keys, targets: keys.snapshot, snapshot: keys.targets };
      await expect(trust(REF, signed(firstSigned(swapped)))).rejects.toMatchObject(REFUSED);
    });
  });

  describe("following the chain", () => {
    it("takes one that follows, step by step, and signs on under the newest", async () => {
      const first = await trusted();
      const second = await rotate(first, owner, { now });
      const trusted2 = readTrustedRoot(second.body, POLICY, verifySignature);
      const third = await rotate(trusted2, second.newKey, { now });
      await boundary.follow(REF, [second.body, third.body]);
      expect((await boundary.trustedRoot(REF)).version).toBe(3);
      await boundary.follow(REF, []);
      expect((await boundary.sign(request())).length).toBeGreaterThan(0);
    });

    it("refuses a root that does not follow, and all that come after it", async () => {
      const first = await trusted();
      const second = await rotate(first, owner, { now });
      const trusted2 = readTrustedRoot(second.body, POLICY, verifySignature);
      const third = await rotate(trusted2, second.newKey, { now });
      const stranger = await makeSigningKey("ed25519");
      const chains: readonly (readonly Uint8Array[])[] = [
        [third.body],
        [signRoot(second.signed, [second.newKey], "tuf")],
        [signRoot(second.signed, [owner], "tuf")],
        [signRoot(second.signed, [stranger, second.newKey], "tuf")],
        [second.body, second.body],
        [second.body, signRoot(third.signed, [owner, third.newKey], "tuf")],
        [new TextEncoder().encode("{}")],
      ];
      for (const chain of chains) {
        await expect(boundary.follow(REF, chain)).rejects.toMatchObject({ name: "RootwardError" });
        expect((await boundary.trustedRoot(REF)).version).toBe(1);
      }
    });

    it("takes for done what somebody else did first", async () => {
      const first = await trusted();
      const second = await rotate(first, owner, { now });
      const trusted2 = readTrustedRoot(second.body, POLICY, verifySignature);
      const third = await rotate(trusted2, second.newKey, { now });
      const both = [second.body, third.body];
      await Promise.all([boundary.follow(REF, both), boundary.follow(REF, [second.body])]);
      await boundary.follow(REF, [second.body]);
      await boundary.follow(REF, both);
      await boundary.follow(REF, [signed(first.signed)]);
      expect((await boundary.trustedRoot(REF)).version).toBe(3);
    });

    it("does not go back", async () => {
      const first = await trusted();
      const second = await rotate(first, owner, { now });
      const rival = await rotate(first, owner, { now });
      await boundary.follow(REF, [second.body]);
      await expect(boundary.follow(REF, [rival.body])).rejects.toThrow();
      expect((await boundary.trustedRoot(REF)).version).toBe(2);
    });

    it("signs no more with a key that a trusted root dropped, whatever lists it again", async () => {
      const first = await trusted();
      const [old = ""] = first.roles.targets.keyids;
      const made = rootKey(await boundary.makeKey(REF, "targets", "ed25519"), "tuf");
      const second = await rotate(first, owner, { now });
      const dropped = signRoot(
        edits(
          second.signed,
          [["roles", "targets", "keyids"], [made.keyid]],
          [["keys", made.keyid], made.object],
          [["keys", old], undefined],
        ),
        [owner, second.newKey],
        "tuf",
      );
      await boundary.follow(REF, [dropped]);
      expect((await boundary.sign(request())).length).toBeGreaterThan(0);
      // Even the root's own keys cannot bring it back, neither to be current next nor as trusted.
      const trusted2 = readTrustedRoot(dropped, POLICY, verifySignature);
      const third = await rotate(trusted2, second.newKey, { now });
      const again = signRoot(
        edits(
          third.signed,
          [["roles", "targets", "keyids"], [old]],
          [["keys", old], first.keys.get(old as KeyId)?.object],
          [["keys", made.keyid], undefined],
        ),
        [second.newKey, third.newKey],
        "tuf",
      );
      const version = onlineVersion(0, now) + 1;
      const next = request({ version, nextRoot: again });
      await expect(boundary.sign(next)).rejects.toMatchObject(REFUSED);
      await boundary.follow(REF, [again]);
      expect((await boundary.trustedRoot(REF)).version).toBe(3);
      await expect(boundary.sign(request({ version }))).rejects.toMatchObject(REFUSED);
    });

    it("expects one root once, however it is spelt, and any other beside it", async () => {
      const first = firstSigned(await keysFor(REF));
      await trust(REF, signed(first));
      const second = signed(edits(first, [["version"], 2]));
      for (let spaces = 0; spaces < 20; spaces += 1) {
        await boundary.expect(REF, Buffer.concat([second, Buffer.from(" ".repeat(spaces))]));
      }
      expect(await boundary.expectedRoots(REF)).toEqual([{ version: 2, sha256: sha256(second) }]);
      const expires = formatTime(now + 30 * DAY);
      await boundary.expect(REF, signed(edits(first, [["version"], 2], [["expires"], expires])));
      expect(await boundary.expectedRoots(REF)).toHaveLength(2);
    });

    it("expects sixteen roots of a channel, and refuses one more with the way out", async () => {
      const first = firstSigned(await keysFor(REF));
      await trust(REF, signed(first));
      const expiring = (days: number) =>
        signed(edits(first, [["version"], 2], [["expires"], formatTime(now + days * DAY)]));
      for (let days = 1; days <= 16; days += 1) await boundary.expect(REF, expiring(days));
      const full = {
        code: "too-many-roots",
        message: expect.stringMatching(/^16 roots 2 of acme main .*forget-root acme 2$/),
      };
      await expect(boundary.expect(REF, expiring(17))).rejects.toMatchObject(full);
      // Nor by a signature under it.
      const under = { ...request({ version: onlineVersion(0, now) }), nextRoot: expiring(17) };
      await expect(boundary.sign(under)).rejects.toMatchObject(full);
      expect(await boundary.expectedRoots(REF)).toHaveLength(16);
      // One that it expects still is, in another spelling, too, and may be followed. Then there is room.
      await boundary.expect(REF, Buffer.concat([expiring(16), Buffer.from("\n")]));
      await boundary.follow(REF, [expiring(16)]);
      expect(await boundary.expectedRoots(REF)).toEqual([]);
    });

    it("refuses to sign for a role once the trusted root lists a foreign key for it", async () => {
      const first = await trusted();
      const foreign = rootKey((await makeSigningKey("ed25519")).publicKey, "tuf");
      const { signed: next, newKey } = await rotate(first, owner, { now });
      const own = first.roles.targets.keyids[0] ?? "";
      const hostile = edits(
        next,
        [["roles", "targets", "keyids"], [foreign.keyid]],
        [["keys", foreign.keyid], foreign.object],
        [["keys", own], undefined],
      );
      await boundary.follow(REF, [signRoot(hostile, [owner, newKey], "tuf")]);
      expect((await boundary.trustedRoot(REF)).version).toBe(2);
      await expect(boundary.sign(request())).rejects.toMatchObject(REFUSED);
    });
  });
});
