/**
 * A hundred rotations of the root key together with all online keys, over HTTP, under devices that
 * poll without a pause from processes of their own. Root, targets, snapshot and timestamp switch in
 * one swap, so:
 *
 *   - a poll that no swap cut in two succeeds, whatever became of the polls before it;
 *   - a poll that succeeds ends with the documents of one swap, never of two;
 *   - nothing that a device holds ever goes back to an older version.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { generator } from "../support/generator.ts";
import { call, createFactory, takeOver, firstKey } from "../support/owner.ts";
import type { Held, Poll } from "../support/poller.ts";
import { PollerProcess } from "../support/poller-process.ts";
import { spawnServer, type ServerProcess } from "../support/server-process.ts";
import { applyStaged, stageRotationOfAll } from "../support/staged-rotation.ts";

const ROTATIONS = 100;
const POLLERS = 3;
const FACTORY = "fleet";

/** What the swap that made a root current published, by the root's version. */
type Swaps = ReadonlyMap<number, Held>;

async function published({ url, adminToken }: ServerProcess): Promise<Held> {
  const { body } = await call(`${url}/ota/factories/${FACTORY}/`, { token: adminToken });
  const roles = (body["roles"] as { main: Record<keyof Held, { version: number }> }).main;
  const { root, timestamp, snapshot, targets } = roles;
  return {
    root: root.version,
    timestamp: timestamp.version,
    snapshot: snapshot.version,
    targets: targets.version,
  };
}

const ROLES = ["root", "timestamp", "snapshot", "targets"] as const;

/** What of the three rules a device's polls do not keep. */
function brokenRules(polls: readonly Poll[], swaps: Swaps): readonly string[] {
  return polls.flatMap((poll, at) => {
    const { servedBefore, servedAfter, before, after, error } = poll;
    const wrong: string[] = [];
    const whole = servedBefore === servedAfter;
    if (whole && error !== null) wrong.push("failed, and no swap cut it in two");
    if (whole && after.root !== servedAfter) wrong.push("did not get what was served");
    const swap = swaps.get(after.root ?? 0);
    if (error === null && ROLES.some((role) => after[role] !== swap?.[role])) {
      wrong.push("has documents of two swaps");
    }
    const last = polls[at - 1]?.after ?? before;
    const isBack = (role: keyof Held): boolean =>
      (before[role] ?? 0) < (last[role] ?? 0) || (after[role] ?? 0) < (before[role] ?? 0);
    if (ROLES.some(isBack)) wrong.push("went back");
    return wrong.map((what) => `poll ${at} ${what}: ${JSON.stringify(poll)}`);
  });
}

const folder = mkdtempSync(join(tmpdir(), "rootward-pollers-"));
const running: { kill(): Promise<void> }[] = [];
// Also where the test takes too long, which ends it in the middle.
afterAll(async () => {
  await Promise.all(running.map((one) => one.kill()));
  rmSync(folder, { recursive: true, force: true });
});

test("devices follow a hundred rotations of all keys that happen under their polls", async () => {
  const random = generator(2026);
  const server = await spawnServer(folder);
  running.push(server);
  const { link } = await createFactory(server, FACTORY);
  const { entries, ownerToken } = await takeOver(server.url, link);
  let key = firstKey(entries);
  const channel = `${server.url}/repo/${FACTORY}/main`;
  const root = new Uint8Array(await (await fetch(`${channel}/1.root.json`)).arrayBuffer());
  const pollers = Array.from({ length: POLLERS }, (_unused, at) => {
    const poller = new PollerProcess(channel, join(folder, `device-${at}`), root);
    running.push(poller);
    return poller;
  });
  const swaps = new Map([[1, await published(server)]]);
  const rotating = { url: server.url, factory: FACTORY, token: ownerToken };
  for (let version = 2; version <= ROTATIONS + 1; version += 1) {
    key = await stageRotationOfAll(rotating, key);
    // The swap may fall anywhere in a poll.
    await new Promise((resolve) => setTimeout(resolve, random() * 20));
    await applyStaged(rotating);
    swaps.set(version, await published(server));
    // Every second swap is followed before the next, and every other may come on its heels.
    if (version % 2 === 0) await Promise.all(pollers.map((poller) => poller.reaches(version)));
  }
  await Promise.all(pollers.map((poller) => poller.finish()));
  for (const { polls } of pollers) {
    expect(brokenRules(polls, swaps)).toEqual([]);
    expect(polls.at(-1)).toMatchObject({ error: null, after: swaps.get(ROTATIONS + 1) });
    // They did poll, and swaps did come between.
    const roots = new Set(polls.map(({ after }) => after.root));
    expect(roots.size).toBeGreaterThanOrEqual(ROTATIONS / 2);
    const cut = polls.filter(({ servedBefore, servedAfter }) => servedBefore !== servedAfter);
    expect(cut.length).toBeGreaterThanOrEqual(ROTATIONS / 4);
  }
}, 300_000);
