/**
 * Puts a client on trial: every tampered copy of the table is served to a device of its own, which
 * must refuse it and recover. A refusal counts only where the device did ask for the tampered file,
 * and where the same device takes the same files untampered.
 */
import type { ForeignClient } from "./foreign-client.ts";
import { differences, type Answer, type Holdings } from "./holdings.ts";
import { firstRoot, lastMoment, type History, type Lie, type Tampering } from "./lie.ts";
import { startMirror, type Mirror } from "./mirror.ts";
import { TAMPERINGS } from "./tampering.ts";

export interface TrialReport {
  /** How many tampered copies were served. */
  readonly lies: number;
  readonly problems: readonly string[];
}

/** @param folderOf the folder of a new device */
export async function tryLies(
  client: Pick<ForeignClient, "poll">,
  history: History,
  folderOf: (device: string) => string,
): Promise<TrialReport> {
  const mirror = await startMirror();
  const problems: string[] = [];
  let lies = 0;
  const published = lastMoment(history).holdings.timestamp !== null;
  const possible = TAMPERINGS.filter(({ about }) => about === "root" || published);
  try {
    for (const tampering of possible) {
      const copies = tampering.lies(history);
      if (copies.length === 0) problems.push(`${history.name}: no place for ${tampering.name}`);
      for (const lie of copies) {
        lies += 1;
        const folder = folderOf(`${history.name}-lie-${lies}`);
        const found = await tryLie(client, mirror, history, tampering, lie, folder);
        const name = `${history.name}: ${tampering.name} (${lie.what})`;
        problems.push(...found.map((problem) => `${name}: ${problem}`));
      }
    }
  } finally {
    await mirror.close();
  }
  return { lies, problems };
}

async function tryLie(
  client: Pick<ForeignClient, "poll">,
  mirror: Mirror,
  history: History,
  { refusedFor }: Tampering,
  { before, files, file, holds }: Lie,
  folder: string,
): Promise<readonly string[]> {
  const last = lastMoment(history);
  const root = firstRoot(history);
  const poll = async (served: Lie["files"]): Promise<Answer> => {
    mirror.serve(served);
    return client.poll({ folder, url: mirror.url, root });
  };
  const problems: string[] = [];
  if (before !== null) {
    problems.push(...follows("before", before.holdings, await poll(before.files)));
  }
  const answer = await poll(files);
  const { refusal } = answer;
  if (refusal === null) problems.push("it was accepted");
  else if (!refusedFor.includes(refusal.reason)) {
    const [expected, got] = [refusedFor.join(" or "), refusal.reason];
    problems.push(`expected a refusal for ${expected}, got ${got}: ${refusal.says}`);
  }
  if (!mirror.wasAsked(file)) problems.push(`${file} was not asked for`);
  problems.push(...differences(holds, answer).map((what) => `after the refusal, ${what}`));
  problems.push(...follows("then", last.holdings, await poll(last.files)));
  return problems;
}

/** @returns what is wrong with a poll that must end at `expected` */
export function follows(when: string, expected: Holdings, answer: Answer): readonly string[] {
  const { refusal } = answer;
  const refused = refusal === null ? [] : [`refused for ${refusal.reason}: ${refusal.says}`];
  return [...refused, ...differences(expected, answer)].map((problem) => `${when}, ${problem}`);
}
