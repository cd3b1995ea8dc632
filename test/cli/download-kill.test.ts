/**
 * `keys download`, killed (SIGKILL) anywhere: the same command, run again, completes with the same
 * file and an owner token. The service's copy is never destroyed while the owner has none.
 */
import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { entriesOf } from "../support/cli-owner.ts";
import { deliveryState, download, downloadVia, mailLink, saved } from "../support/cli-link.ts";
import type { Mailed } from "../support/cli-link.ts";
import { CRASH, onlyJson, together, type CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

/** A run changes files far fewer times. */
const MAX_STEPS = 40;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

async function expectNothingLost(mailed: Mailed, where: string): Promise<void> {
  const state = await deliveryState(mailed);
  if (state === "confirmed") {
    expect(archivedKeys(await entriesOf(mailed.output))).toHaveLength(1);
  }
  const before = existsSync(mailed.output) ? saved(mailed).sha256 : null;
  const next = await download(mailed);
  expect({ where, state, code: next.code, stderr: next.code === 0 ? "" : next.stderr }).toEqual({
    where,
    state,
    code: 0,
    stderr: "",
  });
  const done = onlyJson(next);
  expect(done).toMatchObject({ state: "live", ownerToken: expect.stringMatching(/^rw_/) });
  expect(saved(mailed)).toEqual({ sha256: done["sha256"], left: [] });
  if (before !== null) expect(done["sha256"]).toBe(before);
  expect(await deliveryState(mailed)).toBe("confirmed");
}

/** Killed after it had told the result: the owner has file and token, and only a note may be left. */
async function expectAllTold(mailed: Mailed, killed: CliResult): Promise<void> {
  expect(onlyJson(killed)).toMatchObject({
    sha256: saved(mailed).sha256,
    state: "live",
    ownerToken: expect.stringMatching(/^rw_/),
  });
  expect(await deliveryState(mailed)).toBe("confirmed");
}

describe("killed at a request:", () => {
  const rows = [
    ["before the claim was applied", "/download/claim", "before", "ready"],
    ["after the claim, before its answer", "/download/claim", "after", "claimed"],
    ["before the archive was fetched", "/download/archive/", "before", "claimed"],
    ["while the archive was fetched", "/download/archive/", "after", "claimed"],
    ["after it was written, before the confirmation", "/download/confirm", "before", "claimed"],
    ["after the confirmation, before its answer", "/download/confirm", "after", "confirmed"],
  ] as const;

  test.each(rows)("%s", async (name, path, stage, state) => {
    const mailed = await mailLink(server, `at-${rows.findIndex(([row]) => row === name)}`);
    const result = await downloadVia(mailed, (running) => async (request, forward) => {
      if (!request.path.startsWith(path)) return forward();
      if (stage === "after") await forward();
      await (await running()).kill();
      return null;
    });
    expect(result.code).toBeNull();
    expect(await deliveryState(mailed)).toBe(state);
    await expectNothingLost(mailed, name);
  });
});

test("an answer to the confirmation that is lost: the next run has the token", async () => {
  const mailed = await mailLink(server, "lost");
  const result = await downloadVia(mailed, () => async ({ path }, forward) => {
    const reply = await forward();
    return path === "/download/confirm" ? null : reply;
  });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(await deliveryState(mailed)).toBe("confirmed");
  await expectNothingLost(mailed, "after the confirmation");
});

/** Downloads that die before their n-th change of a file, until one does not die. */
async function killAtEveryStep(first: number): Promise<readonly number[]> {
  const steps: number[] = [];
  for (let step = first; step <= MAX_STEPS; step += 2) {
    const mailed = await mailLink(server, `step-${step}`);
    const env = { CRASH_AT: `${step}` };
    const killed = await download(mailed, { env, node: ["--import", CRASH] });
    if (killed.code === 0) return steps;
    expect(killed.code).toBeNull();
    if (killed.stdout === "") await expectNothingLost(mailed, `before change ${step} of a file`);
    else await expectAllTold(mailed, killed);
    steps.push(step);
  }
  throw new Error("the run never ended by itself");
}

test("killed before every change of a file", async () => {
  const steps = await together([killAtEveryStep(1), killAtEveryStep(2)]);
  expect(steps.flat().length).toBeGreaterThan(8);
}, 120_000);
