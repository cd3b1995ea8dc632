/**
 * Our verdict against tuf-js on every update of the corpus. Wherever the two differ,
 * docs/differences.md says why, and every difference that it names is one that a case shows.
 *
 * More cases, and others: `DIFFERENTIAL_CASES=5000 DIFFERENTIAL_SEED=7 npm test -- differential`.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { corpus } from "./corpus/corpus.ts";
import type { RootCase } from "./corpus/root-case.ts";
import { compare, type ClientVerdict } from "./differential/compare.ts";
import { ourVerdict, READERS } from "./differential/our-judge.ts";
import { TufJsJudge } from "./differential/tuf-js-judge.ts";

const tufJs = new TufJsJudge();
let cases: readonly RootCase[];

beforeAll(() => {
  cases = corpus({
    cases: Number(process.env["DIFFERENTIAL_CASES"] ?? 400),
    seed: Number(process.env["DIFFERENTIAL_SEED"] ?? 2026),
  });
});
afterAll(() => tufJs.remove());

test("every disagreement with tuf-js is a listed one", async () => {
  const report = await compare("tuf-js", cases, (updates) => tufJs.verdicts(updates));
  expect(report.unexplained.slice(0, 10).join("\n\n")).toBe("");
  expect(report.unseen).toEqual([]);
  expect(report.counts.bothAccept).toBeGreaterThan(100);
  expect(report.counts.bothRefuse).toBeGreaterThan(100);
}, 600_000);

test("every root that the corpus calls good is one that we accept", () => {
  const good = cases.filter(({ name }) => name.startsWith("good:"));
  const refused = READERS.flatMap((reader) =>
    good.filter((one) => !ourVerdict(reader, one).accepts).map(({ name }) => `${reader}: ${name}`),
  );
  expect(refused).toEqual([]);
  expect(good.length).toBeGreaterThan(40);
});

describe("the comparison sees", () => {
  const report = (verdict: ClientVerdict): ReturnType<typeof compare> =>
    compare(
      "tuf-js",
      cases.filter(({ name }) => /^(row|good):/.test(name)),
      async (updates) => updates.map(() => verdict),
    );

  test("a client that takes everything", async () => {
    const { unexplained } = await report({ accepts: true, says: "" });
    expect(unexplained.join("\n")).toMatch(/row: no signatures\n.*no difference for new-threshold/);
    expect(unexplained.join("\n")).toMatch(/row: root threshold 0\n.*no difference for threshold/);
  });

  test("a client that takes nothing, whatever it says", async () => {
    const { unexplained } = await report({ accepts: false, says: "Error: root was signed by 0/2" });
    expect(unexplained.join("\n")).toMatch(/good: threshold 1 to 1\n.*served: we accept/s);
  });

  test("a listed difference that no case shows", async () => {
    const { unseen } = await report({ accepts: false, says: "no" });
    expect(unseen).toContain("duplicate-members (we)");
    expect(unseen).toContain("other-roles (they)");
  });
});
