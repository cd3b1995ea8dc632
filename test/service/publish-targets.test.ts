/** Publishing targets: what changes and what does not, and who waits for whom. */
import { beforeEach, describe, expect, it, test } from "vitest";
import { decodeEvent } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import { readEvent, readHead } from "../../lib/service/store.ts";
import type { Documents } from "../../lib/service/ports.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { readLog } from "../../lib/service/read.ts";
import { signAgain } from "../../lib/service/sign-roles.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { DIALECTS, firstChannel, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { MAX_TARGETS_BYTES } from "../../lib/tuf/target-entries.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import { FACTORY, liveFactory, newFactory } from "../support/memory-owner.ts";
import { ownerOf } from "../support/memory-root-update.ts";
import { DAY, TestWorld, type TestProcess } from "../support/memory-service.ts";
import { entriesOf, entryOf, publish, targetsAt, targetsIn } from "../support/memory-targets.ts";

const SECOND = 1000;

let world: TestWorld;
let process: TestProcess;

async function begin(dialect: Dialect = "tuf"): Promise<void> {
  world = new TestWorld();
  await liveFactory(world, dialect);
  process = world.start();
}

function head(): Head {
  const stored = world.head(FACTORY);
  if (stored === null) throw new Error("no Factory");
  return stored;
}

describe.each(DIALECTS)("a publication, %s", (dialect) => {
  const channel = firstChannel(dialect);
  beforeEach(() => begin(dialect));

  it("is signed with snapshot and timestamp, switched in one swap, and told of", async () => {
    const before = head();
    const answer = await publish(process.service, { "fw/a.bin": "a", b: "b" });
    const { roles, revision } = head();
    const targets = roles[channel]?.targets;
    expect(revision).toBe(before.revision + 1);
    expect(answer).toMatchObject({
      channel,
      version: targets?.version,
      sha256: targets?.sha256,
      changed: true,
      added: ["fw/a.bin", "b"],
      replaced: [],
      removed: [],
      unchanged: [],
    });
    expect(Date.parse(answer.expires)).toBe(targets?.expires);
    for (const role of ONLINE_ROLES) {
      const [old, fresh] = [before.roles[channel]?.[role], roles[channel]?.[role]];
      expect(fresh?.version).toBeGreaterThan(old?.version ?? 0);
    }
    expect(roles.prod).toEqual(before.roles.prod);
    expect(await targetsIn(process.service)).toEqual(entriesOf({ "fw/a.bin": "a", b: "b" }));
    expect(await expectConsistent(world)).toContain("targets-published");
    const event = decodeEvent(await readEvent(process.service, head(), head().log.seq));
    expect(event).toMatchObject({
      type: "targets-published",
      actor: "token:test",
      details: {
        user: "owner",
        added: { count: 2, names: ["fw/a.bin", "b"] },
        roles: ONLINE_ROLES.map((role) => {
          const { version, sha256 } = roles[channel]?.[role] ?? {};
          return { channel, role, version, sha256 };
        }),
      },
    });
  });

  it("replaces and removes what it names, and leaves everything else", async () => {
    await publish(process.service, { kept: "1", old: "1", gone: "1" });
    const answer = await publish(process.service, { old: "2", fresh: "1" }, ["gone", "never"]);
    expect(answer).toMatchObject({ added: ["fresh"], replaced: ["old"], removed: ["gone"] });
    const targets = entriesOf({ fresh: "1", kept: "1", old: "2" });
    expect(await targetsIn(process.service)).toEqual(targets);
  });

  it("that is repeated changes nothing and signs nothing", async () => {
    const first = await publish(process.service, { a: "a", b: "b" }, ["never"]);
    const before = head();
    const versions = new Map(world.state.signer.versions);
    const again = await publish(process.service, { a: "a", b: "b" }, ["never"]);
    expect(again).toEqual({ ...first, changed: false, added: [], unchanged: ["a", "b"] });
    expect(head()).toEqual(before);
    expect(world.state.signer.versions).toEqual(versions);
  });

  it("keeps custom as it came", async () => {
    const custom = jsonObject({ tags: ["devel"], z: 1, a: jsonObject({ b: null }) });
    const entries = jsonObject({ a: entryOf("a", custom) });
    const principal = await ownerOf(process.service);
    await publishTargets(process.service, { factory: FACTORY, principal, entries, remove: [] });
    expect(await targetsIn(process.service)).toEqual(entries);
  });

  it("is possible before the Factory is live, for devices to come", async () => {
    world = new TestWorld();
    await newFactory(world, dialect);
    process = world.start();
    await publish(process.service, { a: "a" });
    expect(head().state).toBe("provisioned");
    expect(Object.keys(await targetsIn(process.service))).toEqual(["a"]);
    await expectConsistent(world);
  });

  it("survives its refreshes", async () => {
    await publish(process.service, { a: "a" });
    const { targets } = head().roles[channel] ?? {};
    world.advance(125 * DAY);
    await runSchedule(process.service);
    expect(head().roles[channel]?.targets?.version).toBeGreaterThan(targets?.version ?? 0);
    expect(await targetsIn(process.service)).toEqual(entriesOf({ a: "a" }));
  });
});

describe("nothing is signed and nothing changes", () => {
  beforeEach(() => begin("ats"));

  it.each([
    ["malformed", {}, []],
    ["malformed", { a: entryOf("a") }, ["b", "a"]],
    ["malformed", entriesOf({ ["__proto__"]: "a" }), ["__proto__"]],
    ["targets-refused", { "../a": entryOf("a") }, []],
    ["targets-refused", { a: entryOf("a", jsonObject({ b: "<" })) }, []],
    ["too-large", { a: entryOf("a", jsonObject({ b: "b".repeat(MAX_TARGETS_BYTES) })) }, []],
  ])("where it is %s", async (code, entries, remove) => {
    await publish(process.service, { b: "b" });
    const before = head();
    const versions = new Map(world.state.signer.versions);
    const principal = await ownerOf(process.service);
    const request = { factory: FACTORY, principal, entries: jsonObject(entries), remove };
    await expect(publishTargets(process.service, request)).rejects.toMatchObject({ code });
    expect(head()).toEqual(before);
    expect(world.state.signer.versions).toEqual(versions);
  });

  it("of a Factory that there is not", async () => {
    const principal = await ownerOf(process.service);
    const { service } = new TestWorld().start();
    const request = { factory: FACTORY, principal, entries: entriesOf({ a: "a" }), remove: [] };
    await expect(publishTargets(service, request)).rejects.toMatchObject({ code: "not-found" });
  });
});

describe("versions that were used up", () => {
  beforeEach(() => begin());

  /** As if so many versions more than seconds had been used. */
  async function usedUp(ahead: number): Promise<void> {
    await publish(process.service, { a: "a" });
    world.advance(-ahead * SECOND);
  }

  it("make publishers wait, told how long, while schedule and root updates go on", async () => {
    await usedUp(1810);
    await expect(publish(process.service, { b: "b" })).rejects.toMatchObject({
      code: "busy",
      message: expect.stringMatching(/try again in 1\d s/),
    });
    // What was so already needs no version.
    expect(await publish(process.service, { a: "a" })).toMatchObject({ changed: false });
    expect(await signAgain(process.service, head(), "main", "targets")).toHaveLength(3);
    world.advance(20 * SECOND);
    expect(await publish(process.service, { b: "b" })).toMatchObject({ added: ["b"] });
  });

  it("make everybody wait in the end, told how long", async () => {
    await usedUp(3700);
    await expect(signAgain(process.service, head(), "main", "snapshot")).rejects.toMatchObject({
      code: "busy",
      message: expect.stringMatching(/acme main .* snapshot .* in 10\d s, or put .* clock/),
    });
    world.advance(110 * SECOND);
    expect(await signAgain(process.service, head(), "main", "snapshot")).toHaveLength(2);
  });
});

describe("50 publishers at once", () => {
  const MANY = 50;

  test.each([
    ["in one process", false],
    ["in a process of their own each", true],
  ])("lose nothing and hardly waste a version, %s", async (_, apart) => {
    await begin();
    const before = head();
    const names = Array.from({ length: MANY }, (_unused, i) => `target-${i}`);
    const answers = await Promise.all(
      names.map((name) => publish((apart ? world.start() : process).service, { [name]: name })),
    );
    const files = Object.fromEntries(names.map((name) => [name, name]));
    expect(await targetsIn(process.service)).toEqual(entriesOf(files));
    for (const [i, answer] of answers.entries()) {
      const [name = ""] = answer.added;
      expect(name).toBe(names[i]);
      // The version that it was told is the one in which its target came.
      expect(await targetsAt(process.service, answer)).toHaveProperty(name);
      const event =
        before.log.seq + 1 + answers.filter((one) => one.version < answer.version).length;
      const { details } = decodeEvent(await readEvent(process.service, head(), event));
      expect(details["added"]).toEqual({ count: 1, names: [name] });
    }
    expect(new Set(answers.map(({ version }) => version)).size).toBe(MANY);
    const { events } = await readLog(process.service, head(), before.log.seq + 1);
    expect(events).toHaveLength(MANY);
    await expectConsistent(world);
    // Each signature of a lost race takes a version, too.
    const last = Math.max(
      ...[...world.state.signer.versions.values()].map(({ version }) => version),
    );
    expect(last - (before.roles.main?.timestamp?.version ?? 0)).toBeLessThan(2 * MANY);
  });

  test("wait for one who signed and has not swapped yet, and sign nothing for nothing", async () => {
    await begin();
    const held = Promise.withResolvers<undefined>();
    const { documents } = process.service;
    const slow: Documents = {
      put: async (document) => {
        await held.promise;
        await documents.put(document);
      },
      get: (address) => documents.get(address),
      publish: (address) => documents.publish(address),
      published: (place) => documents.published(place),
    };
    const first = publish({ ...process.service, documents: slow }, { a: "a" });
    let looks = 0;
    const other = world.start(({ name }) => {
      if (name === "heads.read") looks += 1;
      // Two looks to begin with, and two for the other's swap, which comes only now.
      if (looks === 4) held.resolve(undefined);
      return null;
    });
    const second = await publish(other.service, { b: "b" });
    expect(second.version).toBe((await first).version + 1);
    expect(looks).toBeGreaterThanOrEqual(4);
    expect(await targetsIn(process.service)).toEqual(entriesOf({ a: "a", b: "b" }));
  });

  test("each of whom replaces the same target, leave one whole", async () => {
    await begin();
    const texts = Array.from({ length: MANY }, (_unused, i) => `text ${i}`);
    const answers = await Promise.all(texts.map((text) => publish(process.service, { a: text })));
    const newest = answers.toSorted((a, b) => a.version - b.version).at(-1);
    const targets = await targetsIn(process.service);
    expect(targets).toEqual(entriesOf({ a: texts[newest ? answers.indexOf(newest) : -1] ?? "" }));
    expect(answers.filter(({ added }) => added.length === 1)).toHaveLength(1);
    const { version } = (await readHead(process.service, FACTORY)).roles.main?.targets ?? {};
    expect(version).toBe(newest?.version);
  });
});
