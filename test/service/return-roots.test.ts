/**
 * The return of roots that a restored head does not have: what brings them back, what they are held
 * to, and that nothing else is decided for such a Factory. The table of outcomes is in
 * test/attack/restores.test.ts.
 */
import { beforeEach, describe, expect, it, test } from "vitest";
import { failing } from "../../lib/adapters/memory/faults.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import type { Head } from "../../lib/state/head.ts";
import { returnRoots } from "../../lib/service/roots/return-roots.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import type { Service } from "../../lib/service/service.ts";
import { readVersion } from "../../lib/service/store.ts";
import { submitRoot } from "../../lib/service/roots/submit-root.ts";
import { runScheduleFor, runSchedule } from "../../lib/service/run-schedule.ts";
import { revokeToken } from "../../lib/service/tokens.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { channelsOf, firstChannel, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import {
  FACTORY,
  liveFactory,
  nextRoots,
  rebootstrapOf,
  refusal,
  submitAs,
  type Roots,
} from "../support/memory-owner.ts";
import { restoreFrom } from "../support/memory-restore.ts";
import {
  apiFactory,
  keyOf,
  ownerOf,
  rotateRoot,
  stageRotation,
  start,
} from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";
import { publish as publishFiles } from "../support/memory-targets.ts";

const BEHIND = { code: "roots-behind" };

async function publish(service: Service): Promise<void> {
  await publishFiles(service, { [`file-${service.now()}`]: "content" });
}

function headOf(world: TestWorld): Head {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no Factory");
  return head;
}

const versions = (head: Head) =>
  channelsOf(head.dialect).map((channel) => head.roles[channel]?.root.version);

const DIALECTS = ["tuf", "ats"] as const satisfies readonly Dialect[];

describe.each(DIALECTS)("in %s", (dialect) => {
  let backup: TestWorld;
  let first: SigningKey;
  let newest: SigningKey;
  let lost: TestWorld;
  /** Root 2 keeps the online keys, root 3 has others, and a publication came after both. */
  beforeEach(async () => {
    const world = new TestWorld();
    first = keyOf(await apiFactory(world, dialect));
    backup = world.copy();
    world.advance(HOUR);
    const { service } = world.start();
    newest = await rotateRoot(service, await rotateRoot(service, first), true);
    await publish(service);
    world.advance(HOUR);
    lost = restoreFrom(world, backup, "service");
  });

  it("brings all of them back in one swap, signed by the newest keys", async () => {
    const { service, reports } = lost.start();
    const before = headOf(lost);
    expect(await returnRoots(service, FACTORY)).toBe(true);
    const head = headOf(lost);
    expect(new Set(versions(head))).toEqual(new Set([3]));
    expect(head.onlineKeys.timestamp).not.toBe(before.onlineKeys.timestamp);
    const types = await expectConsistent(lost);
    expect(types.filter((type) => type === "roots-returned")).toHaveLength(1);
    expect([...lost.state.outbox.values()].at(-1)?.subject).toContain("came back");
    // Devices may have seen later ones.
    const channel = firstChannel(dialect);
    for (const role of ONLINE_ROLES) {
      const old = before.roles[channel]?.[role]?.version ?? 0;
      expect(head.roles[channel]?.[role]?.version).toBeGreaterThan(old);
    }
    expect(reports).toEqual([]);
    expect(await returnRoots(service, FACTORY)).toBe(false);
  });

  it("goes on afterwards: publications, refreshes, rotations, and no key of either is swept", async () => {
    const { service, reports } = lost.start();
    await returnRoots(service, FACTORY);
    await publish(service);
    for (let days = 0; days < 40; days += 4) {
      lost.advance(4 * DAY);
      await runSchedule(service);
    }
    await rotateRoot(service, newest, true);
    await publish(service);
    await expectConsistent(lost);
    expect(reports).toEqual([]);
  });

  it.each<[string, (service: Service) => Promise<unknown>]>([
    ["a publication", publish],
    ["the start of an update", (service) => start(service)],
    [
      "a whole root",
      async (service) => {
        for (const [channel, body] of await forkedRoots()) await submitAs(service, channel, body);
      },
    ],
  ])("refuses %s, naming version and SHA-256", async (_, attempt) => {
    // The signer is asked, and the return fails: what is refused is refused by the door itself.
    const { service } = lost.start(failing("heads.swap"));
    const before = headOf(lost);
    const trusted = [...lost.state.signer.roots.values()][0];
    const digest = sha256(trusted?.bytes ?? new Uint8Array());
    await expect(attempt(service)).rejects.toMatchObject({
      ...BEHIND,
      message: expect.stringContaining(digest),
      details: { facts: { trustedVersion: 3, trustedSha256: digest } },
    });
    expect(headOf(lost)).toEqual(before);
  });

  /** The fork of the issue: another root 2, by a copy of the first archive. */
  async function forkedRoots(): Promise<Roots> {
    const world = backup.copy();
    await start(world.start().service);
    await stageRotation(world.start().service, first);
    const { rootUpdate } = headOf(world);
    const roots = channelsOf(dialect).map(async (channel) => {
      const place = { factory: FACTORY, instance: headOf(world).instance, channel } as const;
      const sha = rootUpdate?.staged[channel];
      if (sha === undefined) throw new Error("nothing is staged");
      const address = { ...place, role: "staged-root", version: 2, sha256: sha } as const;
      const bytes = await world.start().service.documents.get(address);
      return [channel, bytes ?? new Uint8Array()] as const;
    });
    return Promise.all(roots);
  }

  it("answers any root that forks off with a refusal, and the chain is back by then", async () => {
    const { service } = lost.start();
    const [[channel, body] = []] = await forkedRoots();
    if (channel === undefined || body === undefined) throw new Error("no root");
    await expect(submitAs(service, channel, body)).rejects.toMatchObject(BEHIND);
    expect(new Set(versions(headOf(lost)))).toEqual(new Set([3]));
  });

  it("takes the very root that the signer trusts as an upload that came back", async () => {
    const { service } = lost.start();
    const channel = firstChannel(dialect);
    const trusted = [...lost.state.signer.roots].find(([name]) => name.endsWith(` ${channel}`));
    const bytes = trusted?.[1].bytes ?? new Uint8Array();
    const result = await submitAs(service, channel, bytes);
    expect(result).toMatchObject({ version: 3, sha256: sha256(bytes), changed: true });
  });

  it("is found by the schedule when something is to be signed", async () => {
    lost.advance(3 * DAY);
    const { service, reports } = lost.start();
    await runSchedule(service);
    expect(new Set(versions(headOf(lost)))).toEqual(new Set([3]));
    expect(reports).toEqual([]);
  });

  it("drops a staged update, and destroys no key that a returned root lists", async () => {
    const world = new TestWorld();
    const key = keyOf(await apiFactory(world, dialect));
    const { service } = world.start();
    const principal = await ownerOf(service);
    await start(service);
    const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
    await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
    const staged = world.copy();
    await stageRotation(service, key);
    await applyUpdate(service, FACTORY, "", principal);
    const restored = restoreFrom(world, staged, "service");
    // The restored head would have its keys destroyed.
    const after = restored.start();
    await cancelUpdate(after.service, FACTORY, await ownerOf(after.service));
    await returnRoots(after.service, FACTORY);
    for (let days = 0; days < 60; days += 4) {
      restored.advance(4 * DAY);
      await runSchedule(after.service);
    }
    expect(headOf(restored).rootUpdate).toBeNull();
    await publish(after.service);
    await expectConsistent(restored);
  });

  it("keeps a fleet as it is where the signer lacks a key that the root lists", async () => {
    const channel = firstChannel(dialect);
    const held = Object.values(headOf(lost).onlineKeys);
    for (const [name, { keyid }] of lost.state.signer.keys) {
      if (!held.includes(keyid)) lost.state.signer.keys.delete(name);
    }
    const before = headOf(lost);
    const { service } = lost.start();
    await expect(returnRoots(service, FACTORY)).rejects.toMatchObject({
      ...BEHIND,
      message: expect.stringContaining("lacks an online key"),
    });
    expect(headOf(lost).roles[channel]).toEqual(before.roles[channel]);
  });

  it("takes roots that an earlier release did not keep from uploads, newest first", async () => {
    const kept = new Map(lost.state.signer.kept);
    lost.state.signer.kept.clear();
    const { service } = lost.start();
    const channel = firstChannel(dialect);
    const missing = (version: number): unknown =>
      expect.stringContaining(`did not keep root ${version}`);
    await expect(returnRoots(service, FACTORY)).rejects.toMatchObject({ message: missing(2) });
    for (const each of channelsOf(dialect)) {
      const [, root] = [...kept].find(([name]) => name.endsWith(` ${each} 2`)) ?? [];
      const sent = submitAs(service, each, root?.bytes ?? new Uint8Array());
      if (each === channelsOf(dialect).at(-1)) expect(await sent).toMatchObject({ version: 2 });
      else await expect(sent).rejects.toMatchObject(BEHIND);
    }
    expect(headOf(lost).roles[channel]?.root.version).toBe(3);
    await expectConsistent(lost);
  });
});

describe("a first root that was followed by another", () => {
  test("is not bootstrapped again after a restore", async () => {
    const world = new TestWorld();
    const archive = await liveFactory(world, "tuf");
    const backup = world.copy();
    const { service } = world.start();
    for (const [channel, body] of (await nextRoots(world.start(), archive)).roots) {
      await submitAs(service, channel, body);
    }
    const restored = restoreFrom(world, backup, "service");
    expect(await refusal(rebootstrapOf(restored.start().service))).not.toBe("done");
  });
});

describe("a root that is to be current", () => {
  let world: TestWorld;
  let key: SigningKey;
  beforeEach(async () => {
    world = new TestWorld();
    key = keyOf(await apiFactory(world, "tuf"));
  });

  it("is followed before the swap is answered", async () => {
    await rotateRoot(world.start().service, key);
    expect([...world.state.signer.roots.values()].map(({ version }) => version)).toEqual([2]);
    expect(headOf(world).pending).toEqual([]);
  });

  it("is followed by the schedule where the signer failed after the swap", async () => {
    await rotateRoot(world.start(failing("signer.advanceTrust")).service, key);
    expect(headOf(world).roles.main?.root.version).toBe(2);
    expect(headOf(world).pending.map(({ kind }) => kind)).toContain("follow-roots");
    await runSchedule(world.start().service);
    expect([...world.state.signer.roots.values()].map(({ version }) => version)).toEqual([2]);
    expect(headOf(world).pending).toEqual([]);
  });

  it("does not become current while the signer is away, and nothing changes", async () => {
    const { service } = world.start();
    const principal = await ownerOf(service);
    await start(service);
    await stageRotation(service, key);
    const before = headOf(world);
    const away = world.start(failing("signer.expectRoot"));
    await expect(applyUpdate(away.service, FACTORY, "", principal)).rejects.toThrow(
      "signer.expect",
    );
    expect(headOf(world)).toEqual(before);
  });

  it("comes back by an upload where nobody followed it, and its keys are never swept", async () => {
    const backup = world.copy();
    // The signer fails after the swap, and the process ends.
    await rotateRoot(world.start(failing("signer.advanceTrust")).service, key, true);
    const root = await readVersion(world.start().service, headOf(world), "main", "root", 2);
    const restored = restoreFrom(world, backup, "service");
    const { service, reports } = restored.start();
    for (let days = 0; days < 40; days += 4) {
      restored.advance(4 * DAY);
      await runScheduleFor(service, FACTORY);
    }
    expect(await submitAs(service, "main", root)).toMatchObject({ version: 2, changed: true });
    await publish(service);
    await expectConsistent(restored);
    expect(reports).toEqual([]);
  });
});

describe("an upload whose token is revoked while the signer is asked", () => {
  /** A Factory restored from before root 2. @param live changes it after the backup */
  async function restored(live: (world: TestWorld, key: SigningKey) => Promise<unknown>) {
    const world = new TestWorld();
    const key = keyOf(await apiFactory(world, "tuf"));
    const backup = world.copy();
    await live(world, key);
    const root = await readVersion(world.start().service, headOf(world), "main", "root", 2);
    return { world: restoreFrom(world, backup, "service"), root };
  }

  /** Sends the root with a token that is revoked at this call of the signer's. */
  async function sendRevoked(
    world: TestWorld,
    root: Uint8Array,
    call: "expectedRoots" | "keptRoot",
  ) {
    const { service } = world.start();
    const principal = await ownerOf(service, "stolen");
    const { boundary } = service;
    let asked = 0;
    const revoking = async (): Promise<void> => {
      asked += 1;
      if (asked === 1) await revokeToken(service, FACTORY, principal, principal.token.id);
    };
    const slow = withBoundary(service, {
      expectedRoots: async (ref) => {
        if (call === "expectedRoots") await revoking();
        return boundary.expectedRoots(ref);
      },
      keptRoot: async (ref, version) => {
        if (call === "keptRoot") await revoking();
        return boundary.keptRoot(ref, version);
      },
    });
    const before = {
      roots: new Map(world.state.signer.roots),
      kept: new Map(world.state.signer.kept),
    };
    const request = { factory: FACTORY, channel: "main", body: root, principal } as const;
    const outcome = await refusal(submitRoot(slow, { ...request, dryRun: false }));
    expect(asked).toBeGreaterThan(0);
    expect({ roots: world.state.signer.roots, kept: world.state.signer.kept }).toEqual(before);
    expect(headOf(world).roles.main?.root.version).toBe(1);
    return outcome;
  }

  it("makes the signer follow no root that it expects, and brings none back", async () => {
    // The service was cut off between the swap and the signer.
    const { world, root } = await restored(async (now, key) =>
      rotateRoot(now.start(failing("signer.advanceTrust")).service, key),
    );
    expect(await sendRevoked(world.copy(), root, "expectedRoots")).toBe("unauthenticated");
    // It was the token: another one brings it back.
    expect(await submitAs(world.start().service, "main", root)).toMatchObject({ version: 2 });
  });

  it("makes the signer keep no root that it lacks, and brings none back", async () => {
    const { world, root } = await restored(async (now, key) => {
      await rotateRoot(now.start().service, await rotateRoot(now.start().service, key));
    });
    world.state.signer.kept.clear();
    expect(await sendRevoked(world.copy(), root, "keptRoot")).toBe("unauthenticated");
    expect(await submitAs(world.start().service, "main", root)).toMatchObject({ version: 2 });
  });
});

describe("an update that is cancelled after all have signed", () => {
  test("names its roots, keeps their keys, and goes once its number is taken", async () => {
    const world = new TestWorld();
    const key = keyOf(await apiFactory(world, "tuf"));
    const { service, reports } = world.start();
    const principal = await ownerOf(service);
    await start(service);
    expect(await cancelUpdate(service, FACTORY, principal)).toEqual([]);
    await start(service);
    const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
    await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
    await stageRotation(service, key);
    const dropped = await cancelUpdate(service, FACTORY, principal);
    const [expected] = world.state.signer.expected.values();
    expect(dropped).toEqual([
      { channel: "main", version: 2, sha256: sha256(expected?.bytes ?? new Uint8Array()) },
    ]);
    for (let days = 0; days < 40; days += 4) {
      world.advance(4 * DAY);
      await runSchedule(service);
    }
    expect(world.state.signer.keys.size).toBe(6);
    // A device may have been shown it: no key of it is gone. Another root of its number ends that.
    await rotateRoot(service, key);
    expect(world.state.signer.expected.size).toBe(0);
    for (let days = 0; days < 12; days += 4) {
      world.advance(4 * DAY);
      await runSchedule(service);
    }
    expect(world.state.signer.keys.size).toBe(3);
    expect(reports).toEqual([]);
  });
});
