/**
 * The whole way through the AWS form as it is synthesised: every story that the embedded form knows, on
 * bundled functions that have the rights of their roles and nothing else.
 */
import { expect, test } from "vitest";
import { tellInBrowser } from "./stories/browser.ts";
import { tellDeliveries } from "./stories/delivery.ts";
import { tellLongDocuments } from "./stories/documents.ts";
import { tellEvents } from "./stories/events.ts";
import { tellFioctl } from "./stories/fioctl.ts";
import { installation } from "./stories/installation.ts";
import { tellLives } from "./stories/life.ts";
import { tellPipelines } from "./stories/pipeline.ts";
import { tellRights } from "./stories/rights.ts";
import { tellSchedule } from "./stories/schedule.ts";

const one = installation();

tellLives(one);
tellPipelines(one);
tellDeliveries(one);
tellFioctl(one);
tellInBrowser(one);
tellLongDocuments(one);
tellEvents(one);
tellSchedule(one);

test("paths are exact", async () => {
  for (const path of ["/", "/ota/factories", "/ota/", "/download/", "/repo/acme/main/root.json/"]) {
    const { status, json } = await one.aws.ask("GET", path);
    expect([path, status, json()["code"]]).toEqual([path, 404, "not-found"]);
  }
  expect((await one.aws.ask("GET", "/healthz")).json()).toEqual({ status: "ok" });
  expect(await one.aws.ask("HEAD", "/healthz")).toMatchObject({ status: 200, text: "" });
  expect((await one.aws.ask("POST", "/healthz")).headers["allow"]).toBe("GET, HEAD");
});

test("no log holds a token or a link", () => {
  expect(one.aws.logs()).not.toMatch(/rw_[A-Za-z0-9_-]{20}|download#/);
});

test("no event for programs holds a token, a link or an address", () => {
  expect(JSON.stringify(one.aws.events)).not.toMatch(/rw_[A-Za-z0-9_-]{20}|download#|@/);
});

tellRights(one);
