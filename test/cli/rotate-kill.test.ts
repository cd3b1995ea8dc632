/**
 * `keys rotate`, killed (SIGKILL) at every step: before each request, after each that changes
 * something, before each change of a file, and at random moments. The worst that there is must not
 * happen: a root that lists a key which the owner's archive does not hold.
 */
import { readFileSync } from "node:fs";
import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pendingKeyid } from "../../lib/archive/trust.ts";
import { DIALECTS, type Dialect } from "../../lib/tuf/dialect.ts";
import { entriesOf, makeOwner, missingKeys, via, type Owner } from "../support/cli-owner.ts";
import { startProxy } from "../support/cli-proxy.ts";
import { CRASH, runCli, startCli, together } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";

/** Random kills for each dialect. */
const RANDOM_KILLS = 7;
/** A run has far fewer steps. */
const MAX_STEPS = 60;
/** A run changes files this often: lock, copy, its rename, twice a write and its rename, unlock. */
const CHANGES = 8;

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

function command(owner: Owner): readonly string[] {
  return ["keys", "rotate", owner.archive];
}

/** An owner's story; at the end everything verifies. */
async function tell(
  name: string,
  dialect: Dialect,
  story: (owner: Owner) => Promise<void>,
): Promise<void> {
  const owner = await makeOwner(server, `${name}-${dialect}`, { dialect });
  await story(owner);
  const verified = await runCli(["root", "verify", "--factory", owner.factory], owner);
  expect(verified).toMatchObject({ code: 0 });
}

/** Both dialects at once, each with an owner of its own. */
async function bothDialects(name: string, story: (owner: Owner) => Promise<void>): Promise<void> {
  await together(DIALECTS.map((dialect) => tell(name, dialect, story)));
}

/** Where a killed run changed nothing, the next killed one shows that nothing stops it. */
async function expectNothingLost(owner: Owner, where: string, before?: Buffer): Promise<void> {
  if (before === undefined || !readFileSync(owner.archive).equals(before)) {
    await expectNextRunCarriesOn(owner, where);
  }
}

/** What must hold whenever a run was cut off, and that the next one carries on and says so. */
async function expectNextRunCarriesOn(owner: Owner, where: string): Promise<void> {
  const pending = pendingKeyid(await entriesOf(owner.archive));
  expect({ where, missing: await missingKeys(owner) }).toEqual({ where, missing: [] });
  const next = await runCli(command(owner), owner);
  expect({ where, code: next.code, stderr: next.code === 0 ? "" : next.stderr }).toEqual({
    where,
    code: 0,
    stderr: "",
  });
  const words = "the last run was cut off";
  if (pending === null) expect(next.stderr).not.toContain(words);
  else expect(next.stderr).toMatch(new RegExp(`${words}.*key ${pending}`));
  expect({ where, missing: await missingKeys(owner) }).toEqual({ where, missing: [] });
  expect(pendingKeyid(await entriesOf(owner.archive))).toBeNull();
}

type Stage = "before" | "after";

/** Runs until request `number`; kills there. @returns how it ended, and that request's method */
async function killAtRequest(owner: Owner, number: number, stage: Stage) {
  const seen = { method: "" };
  const ready = Promise.withResolvers<() => Promise<void>>();
  const proxy = await startProxy(server.url, async (request, forward) => {
    if (request.number !== number) return forward();
    seen.method = request.method;
    if (stage === "after") await forward();
    const kill = await ready.promise;
    await kill();
    return null;
  });
  const run = startCli(command(owner), { env: via(owner, proxy.url).env });
  ready.resolve(() => run.kill());
  const { code } = await run.result;
  await proxy.close();
  return { finished: code === 0, killed: code === null, method: seen.method };
}

test("killed before every request, and after every one that was sent to change something", async () => {
  await bothDialects("requests", async (owner) => {
    for (let number = 1; number <= MAX_STEPS; number += 1) {
      const bytes = readFileSync(owner.archive);
      const before = await killAtRequest(owner, number, "before");
      if (before.finished) return;
      expect(before.killed).toBe(true);
      await expectNothingLost(owner, `before request ${number} (${before.method})`, bytes);
      if (before.method === "GET") continue;
      const after = await killAtRequest(owner, number, "after");
      expect(after.killed).toBe(true);
      await expectNothingLost(owner, `after request ${number} (${after.method})`);
    }
    throw new Error("the run never ended by itself");
  });
}, 120_000);

test("killed before every change of a file", async () => {
  // The files are the same in both dialects; steps of odd and even number at once.
  const steps = (first: number) => async (owner: Owner) => {
    for (let step = first; step <= MAX_STEPS; step += 2) {
      const bytes = readFileSync(owner.archive);
      const env = { ...owner.env, CRASH_AT: `${step}` };
      const { code } = await runCli(command(owner), { env, node: ["--import", CRASH] });
      if (code === 0) {
        expect(step).toBeGreaterThan(CHANGES);
        return;
      }
      expect(code).toBeNull();
      await expectNothingLost(owner, `before change ${step} of a file`, bytes);
    }
    throw new Error("the run never ended by itself");
  };
  await together([tell("odd", "tuf", steps(1)), tell("even", "tuf", steps(2))]);
}, 120_000);

test("killed at random moments", async () => {
  await bothDialects("random", async (owner) => {
    for (let round = 0; round < RANDOM_KILLS; round += 1) {
      const delay = randomInt(150);
      const ready = Promise.withResolvers<() => Promise<void>>();
      // The clock starts with the first request: before it, a run has changed nothing but its lock.
      const proxy = await startProxy(server.url, async ({ number }, forward) => {
        const kill = await ready.promise;
        if (number === 1) setTimeout(() => void kill(), delay);
        return forward();
      });
      const run = startCli(command(owner), { env: via(owner, proxy.url).env });
      ready.resolve(() => run.kill());
      const result = await run.result;
      await proxy.close();
      expect([0, null]).toContain(result.code);
      await expectNothingLost(owner, `${delay} ms after the first request`);
    }
  });
}, 120_000);

test("killed again and again, never finishing, it goes on with one key", async () => {
  await bothDialects("again", async (owner) => {
    const sent = { number: 0 };
    for (let round = 0; round < 3; round += 1) {
      const ready = Promise.withResolvers<() => Promise<void>>();
      const proxy = await startProxy(server.url, async ({ method }, forward) => {
        if (method !== "PUT") return forward();
        sent.number += 1;
        await (
          await ready.promise
        )();
        return null;
      });
      const run = startCli(command(owner), { env: via(owner, proxy.url).env });
      ready.resolve(() => run.kill());
      await run.result;
      await proxy.close();
    }
    expect(sent.number).toBe(3);
    const keys = [...(await entriesOf(owner.archive)).keys()].filter((name) =>
      name.endsWith(".sec"),
    );
    expect(keys).toHaveLength(2);
    await expectNothingLost(owner, "after three runs that were cut off");
  });
});
