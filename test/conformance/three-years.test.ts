/**
 * Three years in the life of Factories, day by day, with a device that polls each day by tuf-js. The
 * schedule fails and is killed at random, root and online keys are rotated at random, and the device
 * never fails, never goes back, and never meets anything that has expired.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { Updater } from "tuf-js";
import { DownloadHTTPError } from "tuf-js/dist/error.js";
import { atWrite, FAULTS } from "../../lib/adapters/memory/faults.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { isRootwardError } from "../../lib/error.ts";
import { findForDevice } from "../../lib/service/read.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import type { Service } from "../../lib/service/service.ts";
import { tendDue } from "../../lib/service/tend.ts";
import { ONLINE_ROLES, type Role } from "../../lib/tuf/dialect.ts";
import { generator } from "../support/generator.ts";
import { FACTORY } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";

/** Every Factory has a story of its own; all of them by `FACTORIES=10`. */
const SEEDS = Array.from({ length: Number(env["FACTORIES"] ?? 2) }, (_unused, i) => i + 1);
const DAYS = 3 * 365;

beforeAll(() => {
  // tuf-js asks Date; nothing else is taken from it.
  jest.useFakeTimers({
    doNotFake: [
      "hrtime",
      "nextTick",
      "performance",
      "queueMicrotask",
      "setImmediate",
      "clearImmediate",
      "setInterval",
      "clearInterval",
      "setTimeout",
      "clearTimeout",
    ],
  });
});
afterAll(() => {
  jest.useRealTimers();
});

/** What a device fetches, straight from the service. */
function fetcherOf(service: Service) {
  const read = async (url: string): Promise<Buffer> => {
    const [, version, role] = /\/(?:(\d+)\.)?(\w+)\.json$/.exec(url) ?? [];
    const number = version === undefined ? null : Number(version);
    try {
      const address = await findForDevice(service, FACTORY, "main", role as Role, number);
      return Buffer.from((await service.documents.get(address)) ?? []);
    } catch (error) {
      if (!isRootwardError(error)) throw error;
      throw new DownloadHTTPError(error.message, 404);
    }
  };
  return {
    downloadBytes: read,
    downloadFile: () => Promise.reject(new Error("no target is fetched here")),
  };
}

/** A device that knows version 1 of the root, and what it has seen. */
class Device {
  readonly folder = mkdtempSync(join(tmpdir(), "rootward-device-"));
  readonly #service: Service;
  #seen: readonly number[] = [];

  constructor(service: Service) {
    this.#service = service;
  }

  async begin(): Promise<void> {
    const { downloadBytes } = fetcherOf(this.#service);
    writeFileSync(join(this.folder, "root.json"), await downloadBytes("https://fleet/1.root.json"));
  }

  /** Polls, and holds what it has now against what it had. */
  async poll(now: number): Promise<void> {
    jest.setSystemTime(now);
    const fetcher = fetcherOf(this.#service);
    const options = { metadataDir: this.folder, metadataBaseUrl: "https://fleet", fetcher };
    const updater = new Updater(options);
    await updater.refresh();
    const documents = (["root", ...ONLINE_ROLES] as const).map((role) => this.#held(role));
    for (const [i, { version, expires }] of documents.entries()) {
      expect(version).toBeGreaterThanOrEqual(this.#seen[i] ?? 1);
      expect(Date.parse(expires)).toBeGreaterThan(now);
    }
    this.#seen = documents.map(({ version }) => version);
  }

  #held(role: Role): { readonly version: number; readonly expires: string } {
    const text = readFileSync(join(this.folder, `${role}.json`), "utf8");
    return (JSON.parse(text) as { signed: { version: number; expires: string } }).signed;
  }
}

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
      await this.#tend();
    }
    const expires = this.#world.head(FACTORY)?.roles.main?.root.expires ?? 0;
    const due = expires < this.#world.now + 40 * DAY;
    if (due || this.#random() < 1 / 60) await this.#rotate();
  }

  /** One run of the schedule in three fails or is killed at some write. */
  async #tend(): Promise<void> {
    const fault = FAULTS[Math.floor(this.#random() * FAULTS.length)] ?? "not applied";
    const plan =
      this.#random() < 1 / 3 ? atWrite(1 + Math.floor(this.#random() * 12), fault) : null;
    const { service, faults } = plan === null ? this.#world.start() : this.#world.start(plan);
    const ended = tendDue(service).then(
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
    jest.setSystemTime(world.now);
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
      for (const { folder } of devices) rmSync(folder, { recursive: true, force: true });
    }
    expect(story.rotations).toBeGreaterThan(5);
    expect(story.faults).toBeGreaterThan(20);
    world.state.invariants.assertInvariants();
  },
  300_000,
);
