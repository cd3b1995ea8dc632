/**
 * The staged root update, failed at every write of every step. A step that is repeated by whoever
 * did not get its answer either completes or says that it was done.
 */
import { expect } from "vitest";
import type { Head } from "../../lib/state/head.ts";
import { isRootwardError } from "../../lib/error.ts";
import { takeInitialKey } from "../../lib/service/delivery/initial-key.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { channelsOf, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { FACTORY } from "../support/memory-owner.ts";
import {
  apiFactory,
  keyOf,
  ownerOf,
  signStaged,
  stageRotation,
  start,
} from "../support/memory-root-update.ts";
import { DAY, type TestProcess, type TestWorld } from "../support/memory-service.ts";
import { crashTables, tableOf, type Command } from "./table.ts";

/** What whoever repeats a step takes for "it is done". */
async function unless(code: string, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (!isRootwardError(error) || error.code !== code) throw error;
  }
}

function versions(head: Head): readonly number[] {
  return channelsOf(head.dialect).map((channel) => head.roles[channel]?.root.version ?? 0);
}

/** The private keys that the boundary holds. */
function sealedKeys({ state }: TestWorld): readonly string[] {
  return [...state.signer.keys.keys()].map((name) => name.split(" ").at(-1) ?? "");
}

const allRoles = { roles: ONLINE_ROLES, keyType: "ed25519" } as const;

async function makeAll({ service }: TestProcess): Promise<void> {
  const principal = await ownerOf(service);
  await makeOnlineKeys(service, { factory: FACTORY, principal, txid: "", ...allRoles });
}

function starting(dialect: Dialect, firstTime: boolean): Command<string, void> {
  return {
    name: `start${firstTime ? " for the first time" : ""}, ${dialect}`,
    prepare: (world) => apiFactory(world, dialect),
    run: ({ service }) => unless("update-in-progress", () => start(service, firstTime)),
    changed: ({ rootUpdate, roles }, { before }) => {
      expect(rootUpdate?.firstTime).toBe(firstTime);
      expect(roles).toEqual(before?.roles);
    },
    finished: async (types, { world }) => {
      expect(types.filter((type) => type === "root-update-started")).toHaveLength(1);
      // The key can be read again: the answer may not have come.
      expect(world.state.archives.size).toBe(1);
      const told = [...world.state.outbox.keys()].filter((id) =>
        id.includes("root-update-started"),
      );
      expect(told).toHaveLength(firstTime ? 1 : 0);
    },
  };
}

const staging: Command<string, void> = {
  name: "stage roots",
  prepare: async (world) => {
    const text = await apiFactory(world, "ats");
    const { service } = world.start();
    await start(service);
    const key = await stageRotation(service, keyOf(text));
    return `${text} ${key.toArchiveText()}`;
  },
  run: ({ service }, { fixture }) => signStaged(service, fixture.split(" ").map(keyOf)),
  changed: ({ rootUpdate, roles }, { before }) => {
    expect(rootUpdate).not.toBeNull();
    expect(roles).toEqual(before?.roles);
  },
  finished: async (types) => {
    expect(types).not.toContain("root-accepted");
  },
};

const making: Command<string, void> = {
  name: "make online keys",
  prepare: async (world) => {
    const text = await apiFactory(world, "ats");
    await start(world.start().service);
    return text;
  },
  run: makeAll,
  changed: ({ rootUpdate, onlineKeys }, { before, world }) => {
    expect(rootUpdate?.made.map(({ role }) => role)).toEqual(ONLINE_ROLES);
    expect(onlineKeys).toEqual(before?.onlineKeys);
    // The keys in force and the staged ones are there: none of them is ever lost.
    const held = sealedKeys(world);
    for (const keyid of Object.values(onlineKeys)) expect(held).toContain(keyid);
    for (const { keyid } of rootUpdate?.made ?? []) expect(held).toContain(keyid);
  },
  finished: async (types, { world }) => {
    expect(types).toContain("online-keys-made");
    // What a cut-off run made and nobody names goes after a week.
    world.advance(8 * DAY);
    await runSchedule(world.start().service);
    expect(sealedKeys(world)).toHaveLength(2 * ONLINE_ROLES.length);
  },
};

const cancelling: Command<readonly string[], void> = {
  name: "cancel",
  prepare: async (world) => {
    await apiFactory(world, "ats");
    const process = world.start();
    const before = sealedKeys(world);
    await start(process.service);
    await makeAll(process);
    return before;
  },
  run: async ({ service }) =>
    unless("no-root-update", async () => cancelUpdate(service, FACTORY, await ownerOf(service))),
  changed: ({ rootUpdate, roles, onlineKeys }, { before }) => {
    expect(rootUpdate).toBeNull();
    expect([roles, onlineKeys]).toEqual([before?.roles, before?.onlineKeys]);
  },
  finished: async (types, { world, fixture }) => {
    expect(types.filter((type) => type === "root-update-cancelled")).toHaveLength(1);
    expect(sealedKeys(world)).toEqual(fixture);
    expect(world.state.archives.size).toBe(1);
  },
};

function applying(dialect: Dialect, online: boolean): Command<string, void> {
  return {
    name: `apply${online ? " with online keys" : ""}, ${dialect}`,
    prepare: async (world) => {
      const text = await apiFactory(world, dialect);
      const process = world.start();
      await start(process.service);
      if (online) await makeAll(process);
      await stageRotation(process.service, keyOf(text));
      return text;
    },
    run: async ({ service }) => applyUpdate(service, FACTORY, "", await ownerOf(service)),
    changed: (head, { before, world }) => {
      expect(versions(head)).toEqual(channelsOf(dialect).map(() => 2));
      expect(head.rootUpdate).toBeNull();
      expect(head.delivery.state).toBe("ended");
      expect(head.onlineKeys).toEqual((online ? before?.rootUpdate : before)?.onlineKeys);
      expect(head.retiring.map(({ role }) => role)).toEqual(online ? ONLINE_ROLES : []);
      // The retired ones stay for as long as a backup may need them.
      const held = sealedKeys(world);
      for (const { keyid } of head.retiring) expect(held).toContain(keyid);
      for (const keyid of Object.values(head.onlineKeys)) expect(held).toContain(keyid);
    },
    answered: async (_answer, { world }) => {
      expect(world.head(FACTORY)?.rootUpdate).toBeNull();
    },
    finished: async (types, { world }) => {
      expect(types.filter((type) => type === "root-accepted")).toHaveLength(1);
      expect(world.state.shares.size + world.state.archives.size).toBe(0);
    },
  };
}

const readingKey: Command<string, unknown> = {
  name: "read the first root key",
  prepare: (world) => apiFactory(world, "ats"),
  run: async ({ service }) => takeInitialKey(service, FACTORY, await ownerOf(service)),
  changed: ({ delivery }) => {
    expect(delivery.state).toBe("escrowed");
  },
  answered: async (_key, { world }) => {
    const { state } = world;
    const events = [...state.documents.values()].map((bytes) => new TextDecoder().decode(bytes));
    const logged = events.filter((text) => text.includes('"type":"initial-key-read"'));
    // Once in the preparation; and every answer is in the log before it is given.
    expect(logged.length).toBeGreaterThan(1);
  },
  finished: async (types, { world }) => {
    const reads = types.filter((type) => type === "initial-key-read").length;
    const told = [...world.state.outbox.keys()].filter((id) => id.includes("initial-key-read"));
    expect(told).toHaveLength(reads);
  },
};

crashTables([
  await tableOf(starting("ats", false)),
  await tableOf(starting("ats", true)),
  await tableOf(starting("tuf", false)),
  await tableOf(staging),
  await tableOf(making),
  await tableOf(cancelling),
  await tableOf(applying("ats", false)),
  await tableOf(applying("ats", true)),
  await tableOf(applying("tuf", true)),
  await tableOf(readingKey),
]);
