/**
 * Devices that poll while online keys and root keys are rotated: a poll that is cut in two by a swap
 * may fail, one that is not never does, and nothing is ever accepted out of order.
 */
import { afterAll, beforeAll, expect, vi, test } from "vitest";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { Device, fakeDate } from "../support/device.ts";
import { generator } from "../support/generator.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { TestWorld } from "../support/memory-service.ts";

const ROTATIONS = 100;
const DEVICES = 4;

beforeAll(fakeDate);
afterAll(() => {
  vi.useRealTimers();
});

test("a hundred rotations under the polls of four devices", async () => {
  const world = new TestWorld();
  vi.setSystemTime(world.now);
  let key = keyOf(await apiFactory(world, "tuf"));
  const { service } = world.start();
  const random = generator(2026);
  // Every request may fall before or behind a swap.
  const delay = async (): Promise<void> => {
    for (let i = Math.floor(random() * 6); i > 0; i -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const state = { over: false, polls: 0, failed: 0 };
  const devices = Array.from({ length: DEVICES }, () => new Device(service, delay));
  const watch = async (device: Device): Promise<void> => {
    await device.begin();
    while (!state.over) {
      state.polls += 1;
      const revision = world.head(FACTORY)?.revision;
      try {
        await device.poll(world.now);
      } catch (error) {
        state.failed += 1;
        // A poll that nothing came between fails for good: the device does not recover.
        if (world.head(FACTORY)?.revision === revision) throw error;
      }
    }
    await device.poll(world.now);
  };
  const watching = Promise.all(devices.map(watch));
  const rotating = (async () => {
    const principal = await ownerOf(service);
    for (let i = 0; i < ROTATIONS; i += 1) {
      await start(service);
      const roles = ONLINE_ROLES.filter(() => random() < 2 / 3);
      if (roles.length > 0) {
        const request = { factory: FACTORY, principal, txid: "", roles } as const;
        await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
      }
      key = await stageRotation(service, key);
      await applyUpdate(service, FACTORY, "", principal);
      world.advance(1000);
      await delay();
      // However slow the polls are, the rotations do not run away from them.
      while (!state.over && state.polls <= i + 1) await new Promise((go) => setImmediate(go));
    }
    state.over = true;
  })();
  try {
    await Promise.all([watching, rotating]);
  } finally {
    state.over = true;
    for (const device of devices) device.remove();
  }
  expect(world.head(FACTORY)?.roles.main?.root.version).toBe(ROTATIONS + 1);
  // They did poll, and the swaps did come between.
  expect(state.polls).toBeGreaterThan(ROTATIONS);
  expect(state.failed).toBeLessThan(state.polls);
}, 120_000);
