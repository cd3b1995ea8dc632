import { expect, it } from "vitest";
import type { InstanceId } from "../../lib/state/names.ts";
import type { ChannelRef } from "../../lib/service/ports.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { contains, random } from "./adapters.ts";
import { factoryName } from "./sample-head.ts";
import { roleRecord } from "./sample-record.ts";
import { contract } from "./suite.ts";

const ACME: ChannelRef = {
  factory: factoryName("acme"),
  instance: "a".repeat(32) as InstanceId,
  dialect: "ats",
  channel: "ci",
};
const PROD: ChannelRef = { ...ACME, channel: "prod" };
/** The same Factory, bootstrapped again; and another Factory whose name begins alike. */
const AGAIN: ChannelRef = { ...ACME, instance: "b".repeat(32) as InstanceId };
const ACME2: ChannelRef = { ...ACME, factory: factoryName("acme-2") };
const KEYID = sha256Text("key") as KeyId;

const first = () => [
  { channel: "ci" as const, bytes: random(50) },
  { channel: "prod" as const, bytes: random(50) },
];

contract("signer records", (stores) => {
  it("finds a key by instance, role and keyid; the first put stays", async () => {
    const { records } = stores();
    const key = {
      role: "targets",
      keyid: KEYID,
      kind: "sealed",
      handle: random(100),
      madeAt: 12,
    } as const;
    await records.putKey(ACME, key);
    await records.putKey(ACME, { ...key, handle: random(100) });
    expect(await records.key(ACME, "targets", KEYID)).toEqual(key);
    expect(await records.key(ACME, "snapshot", KEYID)).toBeNull();
    expect(await records.key(ACME, "targets", sha256Text("other") as KeyId)).toBeNull();
    expect(await records.key(AGAIN, "targets", KEYID)).toBeNull();
    expect(await records.key(ACME2, "targets", KEYID)).toBeNull();
  });

  it("lists the keys of an instance", async () => {
    const { records } = stores();
    const key = {
      role: "targets",
      keyid: KEYID,
      kind: "sealed",
      handle: random(100),
      madeAt: 12,
    } as const;
    const second = { ...key, role: "snapshot", kind: "kms", madeAt: 34 } as const;
    for (const one of [key, second]) await records.putKey(ACME, one);
    for (const other of [AGAIN, ACME2]) await records.putKey(other, key);
    const listed = await records.keys(ACME);
    expect(listed.toSorted((a, b) => a.madeAt - b.madeAt)).toEqual([key, second]);
    expect(await records.keys({ ...ACME, factory: factoryName("nobody") })).toEqual([]);
  });

  it("removes one key and leaves none of its bytes", async () => {
    const { records, medium } = stores();
    const key = {
      role: "targets",
      keyid: KEYID,
      kind: "sealed",
      handle: random(100),
      madeAt: 12,
    } as const;
    const others = [
      [AGAIN, key],
      [ACME2, key],
      [ACME, { ...key, role: "snapshot" }],
      [ACME, { ...key, keyid: sha256Text("other") as KeyId }],
    ] as const;
    await records.putKey(ACME, key);
    for (const [ref, other] of others) {
      await records.putKey(ref, { ...other, handle: new Uint8Array(100) });
    }
    await records.removeKey(ACME, "targets", KEYID);
    await records.removeKey(ACME, "targets", KEYID);
    expect(await records.key(ACME, "targets", KEYID)).toBeNull();
    for (const [ref, { role, keyid }] of others) {
      expect(await records.key(ref, role, keyid)).not.toBeNull();
    }
    expect(medium().some((bytes) => contains(bytes, key.handle))).toBe(false);
  });

  it("starts the trust of an instance once, with all its roots or none", async () => {
    const { records } = stores();
    const roots = first();
    expect(await records.trustedRoot(ACME)).toBeNull();
    expect(await records.startTrust(ACME, roots)).toBe(true);
    expect(await records.startTrust(ACME, first())).toBe(false);
    const trusted = (bytes?: Uint8Array) => ({ version: 1, bytes, retired: [] });
    expect(await records.trustedRoot(ACME)).toEqual(trusted(roots[0]?.bytes));
    expect(await records.trustedRoot(PROD)).toEqual(trusted(roots[1]?.bytes));
    // Nor for a channel that has none: an instance has the channels of one dialect.
    const main = [{ channel: "main" as const, bytes: random(50) }];
    expect(await records.startTrust(ACME, main)).toBe(false);
    expect(await records.trustedRoot({ ...ACME, channel: "main" })).toBeNull();
    expect(await records.startTrust(AGAIN, roots.slice(1))).toBe(true);
    expect(await records.startTrust(AGAIN, first())).toBe(false);
    expect(await records.trustedRoot(AGAIN)).toBeNull();
  });

  it("advances the trust of a channel from the version that it is at", async () => {
    const { records } = stores();
    const next = { version: 3, bytes: random(50), retired: [KEYID] };
    expect(await records.advanceTrust(ACME, 1, next)).toBe(false);
    await records.startTrust(ACME, first());
    expect(await records.advanceTrust(ACME, 2, next)).toBe(false);
    expect(await records.advanceTrust(ACME, 1, next)).toBe(true);
    expect(await records.advanceTrust(ACME, 1, { ...next, version: 2 })).toBe(false);
    expect(await records.trustedRoot(ACME)).toEqual(next);
    expect((await records.trustedRoot(PROD))?.version).toBe(1);
  });

  it("keeps every root that was trusted, and takes older ones where none is kept", async () => {
    const { records } = stores();
    const roots = first();
    await records.startTrust(ACME, roots);
    const second = { version: 2, bytes: random(50), retired: [] };
    const fourth = { version: 4, bytes: random(50), retired: [KEYID] };
    expect(await records.advanceTrust(ACME, 1, second)).toBe(true);
    expect(await records.advanceTrust(ACME, 2, fourth)).toBe(true);
    expect((await records.keptRoot(ACME, 1))?.bytes).toEqual(roots[0]?.bytes);
    expect(await records.keptRoot(ACME, 2)).toEqual(second);
    expect(await records.keptRoot(ACME, 4)).toEqual(fourth);
    for (const version of [0, 3, 5]) expect(await records.keptRoot(ACME, version)).toBeNull();
    const third = { version: 3, bytes: random(50), retired: [KEYID] };
    await records.keepRoot(ACME, third);
    await records.keepRoot(ACME, { ...third, bytes: random(50) });
    expect(await records.keptRoot(ACME, 3)).toEqual(third);
    // None at or above the trusted one: those are followed.
    for (const version of [4, 5]) await records.keepRoot(ACME, { ...third, version });
    expect(await records.keptRoot(ACME, 4)).toEqual(fourth);
    expect(await records.keptRoot(ACME, 5)).toBeNull();
    for (const other of [PROD, AGAIN, ACME2]) {
      expect(await records.keptRoot(other, 3)).toBeNull();
    }
    await records.forget(ACME);
    expect(await records.keptRoot(ACME, 2)).toBeNull();
  });

  it("expects roots from the version that is trusted, and drops them when trust advances", async () => {
    const { records } = stores();
    const [one, two] = [random(50), random(50)].map((bytes) => ({ version: 2, bytes }));
    if (one === undefined || two === undefined) throw new Error("no roots");
    expect(await records.expectRoot(ACME, 1, one)).toBe(false);
    await records.startTrust(ACME, first());
    expect(await records.expectRoot(ACME, 2, one)).toBe(false);
    expect(await records.expectRoot(ACME, 1, one)).toBe(true);
    expect(await records.expectRoot(ACME, 1, one)).toBe(true);
    await Promise.all([records.expectRoot(ACME, 1, two), records.expectRoot(PROD, 1, one)]);
    const byBytes = (all: readonly { readonly bytes: Uint8Array }[]) =>
      all.map(({ bytes }) => Buffer.from(bytes).toString("hex")).toSorted();
    expect(byBytes(await records.expectedRoots(ACME))).toEqual(byBytes([one, two]));
    expect(await records.expectedRoots(PROD)).toEqual([one]);
    expect(await records.expectedRoots(AGAIN)).toEqual([]);
    expect(await records.advanceTrust(ACME, 1, { ...one, retired: [] })).toBe(true);
    expect(await records.expectedRoots(ACME)).toEqual([]);
    expect(await records.expectedRoots(PROD)).toEqual([one]);
    await records.forget(PROD);
    expect(await records.expectedRoots(PROD)).toEqual([]);
  });

  it("keeps the last document of a role, and takes the next from the number before", async () => {
    const { records } = stores();
    const [five, six] = [roleRecord(5), roleRecord(6)];
    expect(await records.lastSigned(ACME, "targets")).toBeNull();
    expect(await records.takeVersion(ACME, "targets", 4, five)).toBe(false);
    expect(await records.takeVersion(ACME, "targets", 0, five)).toBe(true);
    expect(await records.takeVersion(ACME, "targets", 0, six)).toBe(false);
    expect(await records.takeVersion(ACME, "targets", 4, six)).toBe(false);
    expect(await records.lastSigned(ACME, "targets")).toEqual(five);
    expect(await records.takeVersion(ACME, "targets", 5, six)).toBe(true);
    for (const [ref, role] of [
      [ACME, "snapshot"],
      [PROD, "targets"],
      [AGAIN, "targets"],
    ] as const) {
      expect(await records.lastSigned(ref, role)).toBeNull();
      expect(await records.takeVersion(ref, role, 0, roleRecord(1))).toBe(true);
    }
    expect(await records.lastSigned(ACME, "targets")).toEqual(six);
  });

  it("keeps both ranges of numbers, and drops what the next record does not say", async () => {
    const { records } = stores();
    const far = { version: 2_147_483_647, under: [KEYID, sha256Text("other") as KeyId] };
    const both = roleRecord(2_147_483_647, { low: 7, far });
    const unknown = roleRecord(8, { far: { ...far, under: null }, last: null });
    await records.takeVersion(ACME, "targets", 0, both);
    expect(await records.lastSigned(ACME, "targets")).toEqual(both);
    await records.takeVersion(ACME, "targets", both.version, unknown);
    expect(await records.lastSigned(ACME, "targets")).toEqual(unknown);
    await records.takeVersion(ACME, "targets", 8, roleRecord(9));
    expect(await records.lastSigned(ACME, "targets")).toEqual(roleRecord(9));
    expect(await records.ceiling(ACME)).toBeNull();
  });

  it("gives one version to one of many that ask at once", async () => {
    const { records } = stores();
    const take = () => records.takeVersion(ACME, "targets", 0, roleRecord(7));
    const asked = Array.from({ length: 20 }, take);
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
  });

  it("forgets an instance, and only that", async () => {
    const { records } = stores();
    const handle = random(100);
    for (const ref of [ACME, AGAIN, ACME2]) {
      await records.putKey(ref, {
        role: "targets",
        keyid: KEYID,
        kind: "sealed",
        handle: random(100),
        madeAt: 12,
      });
      await records.startTrust(ref, first());
      await records.takeVersion(ref, "targets", 0, roleRecord(5));
    }
    await records.putKey(ACME, { role: "snapshot", keyid: KEYID, kind: "kms", handle, madeAt: 12 });
    await records.forget(ACME);
    await records.forget(ACME);
    expect(await records.key(ACME, "targets", KEYID)).toBeNull();
    expect(await records.trustedRoot(ACME)).toBeNull();
    expect(await records.trustedRoot(PROD)).toBeNull();
    expect(await records.lastSigned(ACME, "targets")).toBeNull();
    for (const ref of [AGAIN, ACME2]) {
      expect(await records.key(ref, "targets", KEYID)).not.toBeNull();
      expect(await records.trustedRoot(ref)).not.toBeNull();
      expect(await records.lastSigned(ref, "targets")).toEqual(roleRecord(5));
    }
    const part = handle.subarray(30, 60);
    expect(
      stores()
        .medium()
        .some((bytes) => contains(bytes, part)),
    ).toBe(false);
  });
});
