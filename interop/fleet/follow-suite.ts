/**
 * A suite in which devices with a foreign client follow Factories of a real server: one that begins
 * with RSA keys and one with Ed25519 keys, side by side. When the story is told, the same client is
 * lied to about it.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelsOf, type Dialect } from "../../lib/tuf/dialect.ts";
import { KEY_TYPES } from "../../lib/tuf/keys.ts";
import type { Suite, Tool } from "../suite.ts";
import { startForeignClient, type Command, type ForeignClient } from "./foreign-client.ts";
import { followFarVersions, WAYS, type Way } from "./far-versions.ts";
import { Fleet } from "./fleet.ts";
import { tellStory, type Plan } from "./story.ts";
import { tryLies } from "./trial.ts";

export interface FollowSuite {
  readonly name: string;
  readonly dialect: Dialect;
  readonly needs: readonly Tool[];
  /** Left out: the client is only to follow. For one with ways of its own to refuse and to recover. */
  readonly neverLied?: true;
  /** Into the cache folder; does nothing where it is there. */
  readonly install: (say: (line: string) => void) => Command;
}

export function followSuite({ name, dialect, needs, neverLied, install }: FollowSuite): Suite {
  return {
    name,
    needs,
    run: async ({ say }) => {
      const client = startForeignClient(install(say));
      const plans = KEY_TYPES.map((keyType): Plan => {
        return { name: `${keyType}-first`, dialect, keyType };
      });
      const told = await Promise.allSettled([
        ...plans.map((plan) => followPlan(client, plan, neverLied !== true, say)),
        ...WAYS.map((way) => followWay(client, dialect, way, say)),
      ]);
      const [closed] = await Promise.allSettled([client.close().then(() => [])]);
      return [...told, closed].flatMap((one) =>
        one.status === "fulfilled" ? one.value : [`broken off: ${String(one.reason)}`],
      );
    },
  };
}

/** Tells a story to devices of all channels, and then lies about it. @returns what is wrong */
async function followPlan(
  client: Pick<ForeignClient, "poll">,
  plan: Plan,
  lied: boolean,
  say: (line: string) => void,
): Promise<readonly string[]> {
  return withFolders(async (folderOf) => {
    const fleets = channelsOf(plan.dialect).map(
      (channel) => new Fleet(client, plan, channel, folderOf),
    );
    for await (const scene of tellStory(plan)) {
      for (const fleet of fleets) await fleet.live(scene);
    }
    const problems: string[] = [];
    for (const { name, history, polls, problems: met } of fleets) {
      const trial = lied ? tryLies(client, history, folderOf) : { lies: 0, problems: [] };
      const { lies, problems: believed } = await trial;
      const all = [...met, ...believed];
      const verdict = all.length === 0 ? "    good" : "not good";
      say(`${verdict}  ${name}: polled ${polls} times, lied to ${lies} times`);
      problems.push(...all);
    }
    return problems;
  });
}

/** The same with versions that ran ahead of the clock, and one way back. */
async function followWay(
  client: Pick<ForeignClient, "poll">,
  dialect: Dialect,
  way: Way,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const problems = await withFolders((folderOf) =>
    followFarVersions(client, dialect, way, folderOf),
  );
  say(`${problems.length === 0 ? "    good" : "not good"}  versions that ran ahead: ${way}`);
  return problems;
}

/** @param work gets the folder of a device, made where it is not there */
async function withFolders<T>(
  work: (folderOf: (device: string) => string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-interop-"));
  try {
    return await work((device) => {
      const own = join(folder, device);
      mkdirSync(own, { recursive: true });
      return own;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
