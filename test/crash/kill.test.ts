/** The short run of kill.ts: `kill -9` at random moments loses nothing that was acknowledged. */
import { expect, test } from "vitest";
import { runKills } from "./kill.ts";

test("20 kills lose nothing that was acknowledged", async () => {
  const report = await runKills(20, 2026);
  expect(report.kills).toBe(20);
  // The load was real: steps were answered, and some were cut off in the middle.
  expect(report.answered).toBeGreaterThan(20);
  expect(report.unanswered).toBeGreaterThan(5);
  expect(report.roots).toBeGreaterThan(0);
}, 180_000);
