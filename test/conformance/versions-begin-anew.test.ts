/**
 * A clock ran away to the end of all version numbers, and was believed. Devices by tuf-js hold numbers near
 * 2^31-1. One root that changes all online keys gives versions a new beginning: each device follows, and no
 * number has two documents.
 */
import { afterAll, beforeAll, describe, expect, vi, test } from "vitest";
import { FAR, MAX_VERSION, onlineVersion, versionTime } from "../../lib/state/schedule.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { findForDevice } from "../../lib/service/read.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { ONLINE_ROLES, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import { Device, fakeDate } from "../support/device.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";
import { entriesOf, publish, targetsIn } from "../support/memory-targets.ts";

beforeAll(fakeDate);
afterAll(() => {
  vi.useRealTimers();
});

/** As if the clock was believed: the machine starts, and nothing is known of it. */
function believe(world: TestWorld, now: number): void {
  world.now = now;
  world.uptime = 0;
  world.state.clock = { trusted: { at: now, uptime: 0 }, doubt: null };
}

function versions(world: TestWorld): Readonly<Record<OnlineRole, number>> {
  const roles = world.head(FACTORY)?.roles.main;
  const of = (role: OnlineRole): number => roles?.[role]?.version ?? 0;
  return { targets: of("targets"), snapshot: of("snapshot"), timestamp: of("timestamp") };
}

interface Story {
  readonly world: TestWorld;
  readonly key: string;
  readonly device: Device;
  /** When all began, and the clock was right. */
  readonly now: number;
}

/** @param left how many versions there are above the far ones */
async function ranAway(left: number): Promise<Story> {
  const world = new TestWorld();
  const { now } = world;
  vi.setSystemTime(now);
  const key = await apiFactory(world, "tuf");
  const { service } = world.start();
  const device = new Device(service);
  await device.begin();
  await publish(service, { before: "1" });
  await device.poll(world.now);
  believe(world, versionTime(MAX_VERSION - left));
  await publish(world.start().service, { far: "1" });
  believe(world, now + DAY);
  await device.poll(world.now);
  for (const version of Object.values(versions(world))) expect(version).toBeGreaterThan(FAR);
  return { world, key, device, now };
}

/** The owner changes the root, and with it the online keys of some roles. */
async function change(
  world: TestWorld,
  key: string,
  roles: readonly OnlineRole[],
  apply = true,
): Promise<void> {
  const { service } = world.start();
  const principal = await ownerOf(service);
  await start(service);
  const request = { factory: FACTORY, principal, txid: "", roles } as const;
  await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
  await stageRotation(service, keyOf(key));
  if (apply) await applyUpdate(service, FACTORY, "", principal);
}

/** Every place of an online role has one document, among those that were ever current. */
function expectNoneTwice(world: TestWorld): void {
  const places = [...world.state.published.keys()].filter((place) =>
    ONLINE_ROLES.some((role) => place.includes(` ${role} `)),
  );
  expect(new Set(places).size).toBe(places.length);
  const hashes = new Set(
    [...world.state.published].filter(([place]) => places.includes(place)).map(([, hash]) => hash),
  );
  expect(hashes.size).toBe(places.length);
}

describe.each([0, 100])("versions that end %d below 2^31-1", (left) => {
  test("begin anew with a root that changes all online keys, and devices follow", async () => {
    const { world, key, device } = await ranAway(left);
    const far = versions(world);
    await expect(publish(world.start().service, { stuck: "1" })).rejects.toMatchObject({
      code: "busy",
    });
    await change(world, key, ONLINE_ROLES);
    for (const [role, version] of Object.entries(versions(world))) {
      expect(version - onlineVersion(0, world.now)).toBeLessThan(10);
      expect(version).toBeGreaterThan(onlineVersion(0, world.now - DAY - HOUR));
      expect(far[role as OnlineRole]).toBeGreaterThan(version);
    }
    await device.poll(world.now, true);
    const { service } = world.start();
    await publish(service, { after: "1" });
    expect(await targetsIn(service)).toEqual(entriesOf({ after: "1", before: "1", far: "1" }));
    for (let day = 0; day < 30; day += 1) {
      world.advance(DAY);
      await runSchedule(world.start().service);
      await device.poll(world.now);
    }
    // A device that was away all the time.
    const late = new Device(service);
    await late.begin();
    await late.poll(world.now);
    // What somebody may still ask for is there.
    const old = await findForDevice(service, FACTORY, "main", "snapshot", far.snapshot);
    expect(old.address.version).toBe(far.snapshot);
    expectNoneTwice(world);
    await expectConsistent(world);
    for (const one of [device, late]) one.remove();
  });

  test.each([[["timestamp"]], [["snapshot", "timestamp"]], [["targets", "snapshot"]]] as const)(
    "do not with a root that changes the keys of %j",
    async (roles) => {
      const { world, key, device } = await ranAway(left);
      await expect(change(world, key, roles)).rejects.toMatchObject({ code: "busy" });
      await device.poll(world.now);
      device.remove();
    },
  );

  test("stay what they are where the root never becomes current", async () => {
    const { world, key, device } = await ranAway(left);
    const far = versions(world);
    await change(world, key, ONLINE_ROLES, false);
    // Signed under the next root, and never swapped in.
    const { service } = world.start(({ name }) => (name === "heads.swap" ? "not applied" : null));
    await expect(applyUpdate(service, FACTORY, "", await ownerOf(service))).rejects.toBeDefined();
    expect(versions(world)).toEqual(far);
    await device.poll(world.now);
    const again = world.start().service;
    await applyUpdate(again, FACTORY, "", await ownerOf(again));
    await device.poll(world.now, true);
    expectNoneTwice(world);
    await expectConsistent(world);
    device.remove();
  });
});

test("no clock makes a version above 2^31-1", async () => {
  const world = new TestWorld();
  await apiFactory(world, "tuf");
  for (const year of [2093, 2100, 3000, 9999]) {
    believe(world, Date.UTC(year, 6, 1));
    const { service } = world.start();
    await publish(service, { [`y${year}`]: "1" }).catch(() => undefined);
    await runSchedule(service);
    for (const version of Object.values(versions(world))) {
      expect(version).toBeLessThanOrEqual(MAX_VERSION);
    }
    for (const { version } of world.state.signer.versions.values()) {
      expect(version).toBeLessThanOrEqual(MAX_VERSION);
    }
  }
});
