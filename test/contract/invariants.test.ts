/** The memory heads refuse what breaks the state, so a test that breaks it fails. */
import { describe, expect, it } from "vitest";
import { MemoryNotifier } from "../../lib/adapters/memory/delivery.ts";
import { Faults } from "../../lib/adapters/memory/faults.ts";
import { MemoryState } from "../../lib/adapters/memory/state.ts";
import { MemoryDocuments, MemoryHeads } from "../../lib/adapters/memory/store.ts";
import type { LoggedEvent } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import type { InstanceId } from "../../lib/state/names.ts";
import { roleVersion } from "../../lib/state/roles.ts";
import type { Transition } from "../../lib/state/transition.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import {
  createHead,
  creation,
  eventIn,
  factoryName,
  NOW,
  rootDocument,
  storeDocuments,
  successor,
} from "./sample-head.ts";

function open() {
  const state = new MemoryState();
  const faults = new Faults();
  const heads = new MemoryHeads(state, faults);
  return { state, heads, documents: new MemoryDocuments(state, faults) };
}

type Stores = ReturnType<typeof open>;

/** @returns stores with a head at root version 2 */
async function atVersionTwo(): Promise<{ stores: Stores; head: Head }> {
  const stores = open();
  const first = creation("acme");
  await createHead(stores, first);
  const next = withRoot(first.head, 2);
  await storeDocuments(stores, next);
  expect(await stores.heads.swap(1, next.head)).toBe(true);
  return { stores, head: next.head };
}

function withRoot(base: Head, version: number): Transition {
  const document = rootDocument(base.factory, version);
  const roles = { main: { root: roleVersion(document, NOW) } };
  return successor(base, { head: { roles }, documents: [document] });
}

type Breach = [what: string, next: (base: Head) => Head, transition?: typeof withRoot];

const BREACHES: readonly Breach[] = [
  ["a revision is skipped", (next) => ({ ...next, revision: next.revision + 1 })],
  ["the instance changes", (next) => ({ ...next, instance: "f".repeat(32) as InstanceId })],
  ["the dialect changes", (next) => ({ ...next, dialect: "ats" })],
  ["an event is skipped", (next) => ({ ...next, log: { ...next.log, seq: next.log.seq + 1 } })],
  ["no event is added", (next) => ({ ...next, log: { ...next.log, seq: next.log.seq - 1 } })],
  [
    "the event is not stored",
    (next) => ({ ...next, log: { ...next.log, sha256: sha256Text("") } }),
  ],
  ["a channel is gone", (next) => ({ ...next, roles: {} })],
];

describe("invariants of the memory heads", () => {
  it("hold for good changes", async () => {
    const { stores } = await atVersionTwo();
    expect(() => stores.state.invariants.assertInvariants()).not.toThrow();
  });

  it.each(BREACHES)("break when %s", async (_, change) => {
    const { stores, head } = await atVersionTwo();
    const next = successor(head);
    await storeDocuments(stores, next);
    await expectBroken(stores, head, change(next.head));
  });

  it.each([
    ["goes down", 1],
    ["rises by two", 4],
  ])("break when a root version %s", async (_, version) => {
    const { stores, head } = await atVersionTwo();
    const next = withRoot(head, version);
    await storeDocuments(stores, next);
    await expectBroken(stores, head, next.head);
  });

  it("break when a document is not stored before the swap", async () => {
    const { stores, head } = await atVersionTwo();
    const next = withRoot(head, 3);
    await storeDocuments(stores, { ...next, documents: next.documents.slice(1) });
    await expectBroken(stores, head, next.head);
  });

  it("break when a superseded document was not published", async () => {
    for (const left of [0, 1]) {
      const { stores, head } = await atVersionTwo();
      const next = withRoot(head, 3);
      const superseded = next.superseded.filter((_, at) => at !== left);
      await storeDocuments(stores, { ...next, superseded });
      await expectBroken(stores, head, next.head);
    }
  });

  it("break when a document has other bytes than its address says", async () => {
    const { documents, state } = open();
    const { address } = rootDocument(factoryName("acme"), 1);
    const wrong = { address, bytes: new Uint8Array([1]) };
    await expect(documents.put(wrong)).rejects.toThrow("invariant broken");
    expect(() => state.invariants.assertInvariants()).toThrow("other bytes");
  });

  it("break when a Factory is created without its documents", async () => {
    const { heads } = open();
    await expect(heads.create(creation("acme").head)).rejects.toThrow("is not stored");
  });
});

describe("programs are told of", () => {
  it("what is in the log, however long ago", async () => {
    const stores = open();
    const [first, next] = await loggedAndNot(stores);
    const notifier = new MemoryNotifier(stores.state, new Faults());
    expect(await stores.heads.swap(1, next.head)).toBe(true);
    for (const one of [first, next]) await notifier.announce(eventIn(one));
    expect(stores.state.announced.size).toBe(2);
  });

  it.each([
    ["before its swap", (event: LoggedEvent) => event],
    ["with the number of another", (event: LoggedEvent) => ({ ...event, seq: 1 })],
    ["that never was", (event: LoggedEvent) => ({ ...event, seq: 3 })],
  ])("no event %s", async (_, change) => {
    const stores = open();
    const [, next] = await loggedAndNot(stores);
    const notifier = new MemoryNotifier(stores.state, new Faults());
    const { factory, event } = eventIn(next);
    const told = notifier.announce({ factory, event: change(event) });
    await expect(told).rejects.toThrow("told before its swap");
    expect(stores.state.announced.size).toBe(0);
    expect(() => stores.state.invariants.assertInvariants()).toThrow("invariant broken");
  });
});

/** A Factory, and its next change up to the swap. */
async function loggedAndNot(stores: Stores): Promise<readonly [Transition, Transition]> {
  const first = creation("acme");
  await createHead(stores, first);
  const next = successor(first.head);
  await storeDocuments(stores, next);
  return [first, next];
}

/** The swap throws, changes nothing, and is remembered. */
async function expectBroken({ heads, state }: Stores, base: Head, next: Head): Promise<void> {
  await expect(heads.swap(base.revision, next)).rejects.toThrow("invariant broken");
  expect(await heads.read(base.factory)).toEqual(base);
  expect(() => state.invariants.assertInvariants()).toThrow("invariant broken");
}
