/** The owner is told in time that the root expires: once a step, and the last of several missed. */
import { describe, expect, test } from "vitest";
import { readLog } from "../../lib/service/read.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { FACTORY, newFactory } from "../support/memory-owner.ts";
import { apiFactory, keyOf, ownerOf, stageRotation, start } from "../support/memory-root-update.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";

/** Milliseconds to the end of the current root. */
function left(world: TestWorld): number {
  return (world.head(FACTORY)?.roles.ci?.root.expires ?? 0) - world.now;
}

function mails(world: TestWorld): readonly string[] {
  return [...world.state.outbox.keys()].filter((id) => id.includes("root-expiring"));
}

async function told(world: TestWorld): Promise<readonly string[]> {
  const head = world.head(FACTORY);
  if (head === null) return [];
  const { service } = world.start();
  const { events } = await readLog(service, head, Math.max(1, head.log.seq - 90));
  return events.filter((text) => text.includes('"type":"root-expiring"'));
}

/** Lets the schedule run every hour. @returns the days that were left at each notice */
async function watch(world: TestWorld, days: number): Promise<readonly number[]> {
  const process = world.start();
  const seen: number[] = [];
  for (let hour = 0; hour < days * 24; hour += 6) {
    world.advance(DAY / 4);
    const before = mails(world).length;
    await runSchedule(process.service);
    if (mails(world).length > before) seen.push(Math.ceil(left(world) / DAY));
  }
  expect(process.reports).toEqual([]);
  return seen;
}

describe("the root's end is announced", () => {
  test("at 90, 60, 30, 14, 7, 3 and 1 days, when it comes, and every week after", async () => {
    const world = new TestWorld();
    await apiFactory(world, "ats");
    world.advance(left(world) - 100 * DAY);
    const days = await watch(world, 116);
    // Told within the quarter of a day in which the step is reached.
    const steps = [90, 60, 30, 14, 7, 3, 1, 0, -7, -14];
    expect(days).toEqual(steps);
    expect(mails(world)).toHaveLength(steps.length);
    expect(await told(world)).toHaveLength(steps.length);
  });

  test("once, with the last step, after a long outage", async () => {
    const world = new TestWorld();
    await apiFactory(world, "ats");
    world.advance(left(world) - 5 * DAY);
    expect(await watch(world, 1)).toHaveLength(1);
    const [id = ""] = mails(world);
    const { subject = "", body = "" } = world.state.outbox.get(id) ?? {};
    expect(subject).toMatch(/^The root of acme expires at 2027-/);
    expect(body).toContain("rootward keys rotate ARCHIVE");
  });

  test("no more once the root was rotated", async () => {
    const world = new TestWorld();
    const key = keyOf(await apiFactory(world, "ats"));
    world.advance(left(world) - 10 * DAY);
    expect(await watch(world, 1)).toHaveLength(1);
    const { service } = world.start();
    await start(service);
    await stageRotation(service, key);
    await applyUpdate(service, FACTORY, "", await ownerOf(service));
    expect(await watch(world, 30)).toEqual([]);
  });

  test("to nobody before the Factory is live", async () => {
    const world = new TestWorld();
    await newFactory(world, "ats");
    world.advance(left(world) - 10 * DAY);
    expect(await watch(world, 1)).toEqual([]);
  });
});
