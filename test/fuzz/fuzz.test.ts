/** The short run of fuzz.ts, which saw enough to mean something, and would notice what is broken. */
import { expect, test } from "vitest";
import type { Service } from "../../lib/service/service.ts";
import type { Changes } from "./door.ts";
import { runFuzz } from "./fuzz.ts";

/** Tests share their processor with others; `npm run fuzz` holds every case to 50. */
const maxCpu = 200;

test("no submission in 300 breaks the door", async () => {
  const report = await runFuzz({ seed: 2026, cases: 300, maxCpu });
  expect(report.cases).toBe(300);
  expect(report.accepted).toBeGreaterThan(25);
  expect(report.statuses).toMatchObject({
    200: expect.any(Number),
    400: expect.any(Number),
    409: expect.any(Number),
    413: expect.any(Number),
    422: expect.any(Number),
  });
  // Every kind of mutation came, and they broke most of the rules.
  expect(Object.keys(report.kinds)).toHaveLength(10);
  expect(Object.keys(report.codes).length).toBeGreaterThan(30);
}, 120_000);

const BROKEN: readonly {
  readonly name: string;
  readonly seen: string;
  readonly changes: Changes;
}[] = [
  {
    name: "believes every signature",
    // By its signer, which is asked before the swap.
    seen: "does not follow from the trusted root",
    changes: () => ({ verify: () => true }),
  },
  {
    name: "believes every signature, and so does its signer,",
    seen: "accepted, but too few signatures",
    changes: ({ boundary }) => ({ verify: () => true, boundary: believing(boundary) }),
  },
  {
    name: "throws",
    seen: "status 500",
    changes: () => ({
      verify: () => {
        throw new Error("out of order");
      },
    }),
  },
];

/** It takes every root that it is shown. */
function believing(boundary: Service["boundary"]): Service["boundary"] {
  const shown = ["expect", "follow"];
  return new Proxy(boundary, {
    get(target, name) {
      if (shown.includes(String(name))) return async () => undefined;
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}

test.each(BROKEN)("a service that $name is noticed", async ({ seen, changes }) => {
  await expect(runFuzz({ seed: 1, cases: 500, maxCpu, changes })).rejects.toThrow(seen);
});

test("a service that takes its time is noticed", async () => {
  const verify = (): boolean => {
    const start = process.cpuUsage();
    while (process.cpuUsage(start).user < 60_000);
    return false;
  };
  await expect(runFuzz({ seed: 1, cases: 500, changes: () => ({ verify }) })).rejects.toThrow(
    "ms of CPU",
  );
});

test("a failure says what it takes to see it again", async () => {
  const run = { seed: 7, cases: 500, maxCpu, changes: () => ({ verify: () => true }) };
  const error: unknown = await runFuzz(run).catch((caught: unknown) => caught);
  const text = String(error);
  const [, at = ""] = /seed 7, case (\d+)/.exec(text) ?? [];
  const [, body = ""] = /request \(\d+ bytes, base64\): (\S+)$/.exec(text) ?? [];
  expect(Buffer.from(body, "base64").toString()).toContain("signatures");
  // The same seed comes to the same case.
  await expect(runFuzz(run)).rejects.toThrow(`seed 7, case ${at} `);
});
