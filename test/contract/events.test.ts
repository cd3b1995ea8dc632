/** What EventBridge gets of an event for programs, and what becomes of one that it does not take. */
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { EventBus } from "../../lib/adapters/aws/events.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { emulated } from "../support/aws.ts";
import { startEvents, type FakeEvents } from "../support/events.ts";
import { losing, type Losing } from "../support/losing.ts";
import { factoryName, NOW } from "./sample-head.ts";

const SOURCE = "rootward.tuf.example.com";
const EVENT = {
  seq: 2,
  previous: sha256Text("before"),
  id: "0".repeat(32),
  time: NOW,
  type: "delivery-confirmed",
  actor: "link",
  details: jsonObject({ sha256: sha256Text("archive") }),
};
const ANNOUNCEMENT = { factory: factoryName("acme"), event: EVENT };

let events: FakeEvents;
let network: Losing;
let client: EventBridgeClient;
let bus: EventBus;

beforeAll(async () => {
  events = await startEvents();
  network = await losing(events.endpoint);
  client = new EventBridgeClient(emulated(network.endpoint));
  bus = new EventBus({ client, source: SOURCE });
});
afterAll(async () => {
  client.destroy();
  await network.stop();
  await events.stop();
});
beforeEach(() => {
  events.sent.length = 0;
});

it("is one entry for the default bus, at the time of the event", async () => {
  await bus.announce(ANNOUNCEMENT);
  expect(events.sent).toEqual([
    {
      Source: SOURCE,
      DetailType: "delivery-confirmed",
      Time: NOW / 1000,
      Detail: expect.any(String),
    },
  ]);
  expect(JSON.parse(events.sent[0]?.Detail ?? "")).toEqual({
    factory: "acme",
    seq: 2,
    id: EVENT.id,
    time: "2026-01-15T00:00:00Z",
    type: "delivery-confirmed",
    actor: "link",
    details: { sha256: sha256Text("archive") },
  });
});

it("that was not taken is an error with its reason, though the call succeeded", async () => {
  events.failures.push("ThrottlingException");
  await expect(bus.announce(ANNOUNCEMENT)).rejects.toThrow("ThrottlingException");
  expect(events.sent).toEqual([]);
  await bus.announce(ANNOUNCEMENT);
  expect(events.sent).toHaveLength(1);
});

it("whose answer was lost comes again, with the same id", async () => {
  network.lose("PutEvents", "applied, answer lost");
  await bus.announce(ANNOUNCEMENT);
  expect(events.sent).toHaveLength(2);
  expect(events.sent[0]).toEqual(events.sent[1]);
});

it("that is never answered is an error", async () => {
  network.lose("PutEvents", ...Array.from({ length: 4 }, () => "not applied" as const));
  await expect(bus.announce(ANNOUNCEMENT)).rejects.toThrow();
  expect(events.sent).toEqual([]);
});
