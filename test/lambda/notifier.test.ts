/** Programs are told whether or not there is a sender of mail, and by the name of the installation. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { notifierOf } from "../../lib/lambda/notifier.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { startEvents, type FakeEvents } from "../support/events.ts";
import { FACTORY } from "../support/memory-owner.ts";

let events: FakeEvents;
beforeAll(async () => {
  events = await startEvents();
  Object.assign(process.env, {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL_EVENTBRIDGE: events.endpoint,
  });
});
afterAll(() => events.stop());

test.each([
  ["a sender", { sender: "rootward@example.com", configurationSet: "mail" }],
  ["none", { sender: "", configurationSet: "" }],
])("with %s", async (_, mail) => {
  events.sent.length = 0;
  const notifier = notifierOf({ ...mail, publicUrl: "https://tuf.example.com" });
  const event = {
    seq: 1,
    previous: null,
    id: "1".repeat(32),
    time: Date.UTC(2026, 0, 15),
    type: "factory-created",
    actor: "token:1",
    details: jsonObject({ dialect: "tuf" }),
  };
  await notifier.announce({ factory: FACTORY, event });
  const [sent, ...others] = events.sent;
  expect([sent?.Source, others]).toEqual(["rootward.tuf.example.com", []]);
  expect(JSON.parse(sent?.Detail ?? "")).toMatchObject({ factory: FACTORY, id: "1".repeat(32) });
});
