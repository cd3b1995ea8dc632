/**
 * Three years in the life of Factories, day by day, with a device that polls each day by tuf-js. The
 * schedule fails and is killed at random, root and online keys are rotated at random, and the device
 * never fails, never goes back, and never meets anything that has expired.
 */
import { env } from "node:process";
import { afterAll, beforeAll, expect, vi, test } from "vitest";
import { atWrite, FAULTS } from "../../lib/adapters/memory/faults.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { Device, fakeDate } from "../support/device.ts";
import { generator } from "../support/generator.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";

/** Every Factory has a story of its own; all of them by `FACTORIES=10`. */
const SEEDS = Array.from({ length: Number(env["FACTORIES"] ?? 2) }, (_unused, i) => i + 1);
const DAYS = 3 * 365;

beforeAll(fakeDate);
afterAll(() => {
  vi.useRealTimers();
});

/** A story: the schedule four times a day, a rotation now and then, and faults. */
class Story {
  readonly #world: TestWorld;
  readonly #random: () => number;
  #key: SigningKey;
  faults = 0;
  rotations = 0;

  constructor(world: TestWorld, key: SigningKey, random: () => number) {
    this.#world = world;
    this.#key = key;
    this.#random = random;
  }

  async day(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      this.#world.advance(6 * HOUR);
      await this.#runScheduleFor();
    }
    const expires = this.#world.head(FACTORY)?.roles.main?.root.expires ?? 0;
    const due = expires < this.#world.now + 40 * DAY;
    if (due || this.#random() < 1 / 60) await this.#rotate();
  }

  /** One run of the schedule in three fails or is killed at some write. */
  async #runScheduleFor(): Promise<void> {
    const fault = FAULTS[Math.floor(this.#random() * FAULTS.length)] ?? "not applied";
    const plan =
      this.#random() < 1 / 3 ? atWrite(1 + Math.floor(this.#random() * 12), fault) : null;
    const { service, faults } = plan === null ? this.#world.start() : this.#world.start(plan);
    const ended = runSchedule(service).then(
      () => "ended",
      () => "failed",
    );
    if ((await Promise.race([ended, faults.died.then(() => "died")])) !== "ended") this.faults += 1;
  }

  async #rotate(): Promise<void> {
    const { service } = this.#world.start();
    const principal = await ownerOf(service);
    await start(service);
    const roles = ONLINE_ROLES.filter(() => this.#random() < 1 / 2);
    if (roles.length > 0) {
      const request = { factory: FACTORY, principal, txid: "", roles } as const;
      await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
    }
    this.#key = await stageRotation(service, this.#key);
    await applyUpdate(service, FACTORY, "", principal);
    this.rotations += 1;
  }
}

test.each(SEEDS)(
  "three years of Factory %i",
  async (seed) => {
    const world = new TestWorld();
    vi.setSystemTime(world.now);
    const story = new Story(world, keyOf(await apiFactory(world, "tuf")), generator(seed));
    const { service } = world.start();
    const devices = [new Device(service), new Device(service)];
    const [daily, seldom] = devices;
    try {
      for (const device of devices) await device.begin();
      for (let day = 1; day <= DAYS; day += 1) {
        await story.day();
        await daily?.poll(world.now);
        // A device that was in a drawer for months.
        if (day % 200 === 0) await seldom?.poll(world.now);
      }
    } finally {
      for (const device of devices) device.remove();
    }
    expect(story.rotations).toBeGreaterThan(5);
    expect(story.faults).toBeGreaterThan(20);
    world.state.invariants.assertInvariants();
  },
  300_000,
);
