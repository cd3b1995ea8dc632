/**
 * What programs are told of each type of event: a detail that is told is named here too, where somebody
 * reads it. And when they are told.
 */
import { describe, expect, test } from "vitest";
import { failing } from "../../lib/adapters/memory/faults.ts";
import type { EventType } from "../../lib/state/event.ts";
import { announcementOf } from "../../lib/service/messages/announcement.ts";
import { runScheduleFor } from "../../lib/service/run-schedule.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { ALICE, confirmAs, FACTORY, newFactory, takeArchive } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

const BOOTSTRAP = ["keyids", "roots", "archive", "recipient", "delivery"];
const EXPECTED: Readonly<Record<EventType, readonly string[]>> = {
  "factory-created": [...BOOTSTRAP, "dialect"],
  "factory-bootstrapped-again": [...BOOTSTRAP, "replaced", "wasLive", "agreedBy"],
  "delivery-claimed": ["leaseUntil"],
  "delivery-refused": ["claimedAt"],
  "delivery-confirmed": ["sha256"],
  "delivery-expired": ["claimed"],
  "initial-key-read": ["keyid"],
  "root-update-started": ["version", "firstTime"],
  "root-update-staged": ["staged"],
  "online-keys-made": ["keyids"],
  "root-update-cancelled": ["signed"],
  "root-accepted": ["roots", "endsDelivery"],
  "roots-returned": ["roots", "droppedUpdate", "endsDelivery"],
  "key-retired": ["keys"],
  "instance-retired": ["instances"],
  "token-minted": ["id", "scopes"],
  "token-revoked": ["id"],
  "owner-token-issued": ["id", "count", "replaced"],
  "root-expiring": ["channel", "version", "expires", "passed"],
  "metadata-refreshed": ["roles"],
  "targets-published": ["roles"],
  "effects-done": [],
};

/** What details say of people, or in people's words, and what nobody there needs. */
const KEPT_BACK = ["user", "by", "startedBy", "message", "formerOwner", "formerProvisioner"];
const OTHERS = ["added", "replaced", "removed", "done", "link", "email", "constructor", "new"];

describe("of each event", () => {
  const names = [...KEPT_BACK, ...OTHERS, ...Object.values(EXPECTED).flat()];
  const details = jsonObject(Object.fromEntries(names.map((name) => [name, `the ${name}`])));
  const event = {
    seq: 7,
    previous: null,
    id: "e".repeat(32),
    time: Date.UTC(2026, 0, 15, 12),
    actor: "token:7",
    details,
  };
  const told = (type: string) => announcementOf({ factory: FACTORY, event: { ...event, type } });

  test.each(Object.entries(EXPECTED))("%s: %j", (type, expected) => {
    const { details: shown, ...rest } = told(type);
    expect(rest).toEqual({
      factory: FACTORY,
      seq: 7,
      id: "e".repeat(32),
      time: "2026-01-15T12:00:00Z",
      type,
      actor: "token:7",
    });
    const wanted = Object.fromEntries(expected.map((name) => [name, `the ${name}`]));
    expect({ ...(shown as object) }).toEqual(wanted);
  });

  test("of a type that this version does not know: that it was", () => {
    for (const type of ["delivery-devoured", "constructor", "__proto__"]) {
      expect(told(type)).toMatchObject({ type, details: {} });
      expect(Object.keys(told(type)["details"] as object)).toEqual([]);
    }
  });

  test("a detail that an event lacks is not there", () => {
    const bare = { ...event, type: "factory-created", details: jsonObject({ dialect: "tuf" }) };
    const text = JSON.stringify(announcementOf({ factory: FACTORY, event: bare }));
    expect(text).toContain('"details":{"dialect":"tuf"}');
  });
});

describe("a confirmation", () => {
  async function confirmed(broken: string) {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const { service, faults, reports } = world.start(failing(broken));
    expect((await confirmAs(service, link, ALICE, archive)).state).toBe("live");
    return { world, writes: faults.writes, reports };
  }
  const types = ({ state }: TestWorld) => [...state.announced.values()].map(({ type }) => type);

  test("is told to programs once it is there, and once", async () => {
    const { world, writes } = await confirmed("nothing");
    expect(writes.indexOf("notifier.announce")).toBeGreaterThan(writes.indexOf("heads.swap"));
    expect(writes.filter((name) => name === "notifier.announce")).toHaveLength(1);
    expect(types(world)).toEqual(["delivery-confirmed"]);
  });

  test.each([
    ["programs", "notifier.announce", "announce", [[], 1]],
    ["people", "notifier.notify", "notify", [["delivery-confirmed"], 0]],
  ])("that %s could not be told of waits for them alone", async (_, broken, kind, told) => {
    const { world, reports } = await confirmed(broken);
    // A confirmation swaps twice, and a message that failed is not tried again at once.
    expect(reports).toHaveLength(1);
    expect(world.head(FACTORY)?.pending.map((effect) => effect.kind)).toEqual([kind]);
    expect([types(world), world.state.outbox.size]).toEqual(told);
    const again = world.start();
    await runScheduleFor(again.service, FACTORY);
    expect([types(world), world.state.outbox.size]).toEqual([["delivery-confirmed"], 1]);
    expect(again.faults.writes.filter((name) => name.startsWith("notifier."))).toEqual([broken]);
    expect(world.head(FACTORY)?.pending).toEqual([]);
  });
});
