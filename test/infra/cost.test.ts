/**
 * docs/cost.md says what each operation asks of AWS, and what that costs. It is written from what a
 * deployment of the synthesised templates did; here it must still be true.
 */
import { expect, test } from "vitest";
import { FUNCTIONS } from "../../lib/settings.ts";
import { functionsOf } from "../support/deployed/deployment.ts";
import { costDocument } from "./cost/document.ts";
import { measureAll, type Measured } from "./cost/operations.ts";
import { expectDocument } from "./expect-document.ts";
import { installation, type Installation } from "./stories/installation.ts";

const one = installation();
let measured: Measured;

test("each operation asks AWS for what docs/cost.md says", async () => {
  measured = await measureAll(one);
  expectDocument("docs/cost.md", costDocument(measured, installationOf(one)));
}, 120_000);

test("a device costs one read or two, and writes nothing", () => {
  for (const [name, { reads, writes, runs }] of Object.entries(measured)) {
    if (!name.startsWith("device")) continue;
    expect(reads.requests).toBeLessThanOrEqual(name.endsWith("a former version") ? 3 : 2);
    expect([writes.requests, runs.signer]).toEqual([0, 0]);
  }
  expect(measured["device: the next root, which there is not"].reads.requests).toBe(1);
});

test("a minute in which nothing is due costs four queries, and a reading of the clock that is noted", () => {
  const { reads, writes, runs } = measured["schedule: nothing is due"];
  expect([reads.requests, writes.requests, runs.signer]).toEqual([5, 1, 0]);
});

/** What the templates have of things that cost by the month. */
function installationOf({ aws: { cloud } }: Installation) {
  const memory = [...functionsOf(cloud)].map(([name, { properties }]) => {
    return [name, Number(properties["MemorySize"])] as const;
  });
  // Of each function the problems that it reported, and of the schedule how much there was to do.
  const metrics = FUNCTIONS.length + ["Tended", "StillDue"].length;
  return {
    memory: new Map(memory),
    alarms: cloud.of("AWS::CloudWatch::Alarm").length,
    keys: cloud.of("AWS::KMS::Key").length,
    metrics,
  };
}
