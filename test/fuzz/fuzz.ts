/**
 * Fuzzes the bytes of a root submission: whatever is sent, never a 500, never more than 50 ms of
 * CPU, never an accepted root that the independent check refuses. Bounded and seeded. By hand:
 * `npm run fuzz -- [--seconds 60] [--cases N] [--seed N] [--cpu 50]`; a failure prints what it
 * takes to see it again, and nothing is written anywhere.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeCase, type Case } from "./cases.ts";
import { submit, type Answer, type Changes, type Submission } from "./door.ts";
import { makeFleets, movedTo, type Fleet } from "./fleets.ts";
import { makePool } from "./keys.ts";
import { Random } from "./random.ts";
import { judge, saysAsMuch, type Verdict } from "./verdict.ts";

export interface FuzzRun {
  readonly seed: number;
  readonly cases: number;
  /** No new case is begun after this time. */
  readonly seconds?: number;
  /** Milliseconds that a case may take at its best; 50 unless given. */
  readonly maxCpu?: number;
  /** A service that is broken on purpose, to see that a run would notice. */
  readonly changes?: Changes;
  readonly progress?: (line: string) => void;
}

export interface FuzzReport {
  readonly cases: number;
  readonly seconds: number;
  /** How many roots were accepted, dry runs included. */
  readonly accepted: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Codes of errors and findings, by how many answers had them. */
  readonly codes: Readonly<Record<string, number>>;
  readonly kinds: Readonly<Record<string, number>>;
  /** Milliseconds of the costliest case, at its best. */
  readonly worstCpu: number;
}

/** A broken rule, with everything that it takes to see it again. */
export class FuzzFailure extends Error {}

/** A case that takes too long is tried again: its best time counts, without other people's noise. */
const TRIES = 6;
/** After so many accepted roots a fleet starts again. */
const LIFE = 12;

/** @throws FuzzFailure at the first case that breaks a rule */
export async function runFuzz(run: FuzzRun): Promise<FuzzReport> {
  const { seed, cases, seconds = Infinity, maxCpu = 50, progress = () => undefined } = run;
  const first = await makeFleets(makePool(new Random(seed)));
  const fleets = [...first];
  const tally = new Tally();
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1000;
  for (let i = 0; i < cases && elapsed() < seconds; i += 1) {
    const random = new Random(seed, i + 1);
    const turn = random.below(fleets.length);
    const [fleet, fresh] = [fleets[turn], first[turn]];
    if (fleet === undefined || fresh === undefined) break;
    const sent = makeCase(fleet, random);
    const outcome = await tried(fleet, sent, maxCpu, run.changes).catch((error: unknown) => {
      throw failure(seed, i, fleet, sent, null, [`threw ${String(error)}`]);
    });
    const { world, answer, verdict, faults, cpu } = outcome;
    if (faults.length > 0) throw failure(seed, i, fleet, sent, answer, faults);
    tally.add(sent, answer, verdict, cpu);
    if (verdict.accepted && !sent.dryRun) {
      const next = await movedTo(fleet, world, sent.body);
      fleets[turn] = next.past.length - fresh.past.length < LIFE ? next : fresh;
    }
    if ((i + 1) % 2000 === 0) progress(`${i + 1} cases, ${elapsed().toFixed(0)} s`);
  }
  return { ...tally.report(), seconds: Math.round(elapsed() * 10) / 10 };
}

/** Sends a case, again while it seems slow, and for real too if it is a dry run. */
async function tried(fleet: Fleet, sent: Case, maxCpu: number, changes?: Changes) {
  const send = async (submission: Submission) => {
    const world = fleet.world.copy();
    return { world, answer: await submit(world, fleet.token, submission, changes) };
  };
  const { world, answer } = await send(sent);
  let { cpu } = answer;
  for (let left = TRIES - 1; left > 0 && cpu > maxCpu; left -= 1) {
    cpu = Math.min(cpu, (await send(sent)).answer.cpu);
  }
  const verdict = await judge(fleet, world, sent, answer);
  const real = sent.dryRun ? await send({ ...sent, dryRun: false }) : null;
  const faults = [
    ...verdict.faults,
    ...(cpu > maxCpu ? [`${cpu.toFixed(1)} ms of CPU`] : []),
    ...(real === null || saysAsMuch(answer, real.answer) ? [] : ["the dry run said otherwise"]),
  ];
  return { world, answer, verdict, faults, cpu };
}

function failure(
  seed: number,
  i: number,
  { name, current }: Fleet,
  { kind, channel, dryRun, body }: Case,
  answer: Answer | null,
  faults: readonly string[],
): FuzzFailure {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const lines = [
    `seed ${seed}, case ${i} (${kind}), Factory "${name}", ${channel}${dryRun ? ", dry run" : ""}:`,
    ...faults.map((fault) => `  ${fault}`),
    `answer: ${answer === null ? "none" : `${answer.status} ${answer.text.slice(0, 2000)}`}`,
    ...[...current].map(([of, bytes]) => `current root of ${of} (base64): ${base64(bytes)}`),
    `request (${body.length} bytes, base64): ${base64(body)}`,
  ];
  return new FuzzFailure(lines.join("\n"));
}

class Tally {
  readonly #statuses = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  #cases = 0;
  #accepted = 0;
  #worstCpu = 0;

  add({ kind }: Case, { status }: Answer, { codes, accepted }: Verdict, cpu: number): void {
    const count = (map: Map<string, number>, name: string) =>
      map.set(name, (map.get(name) ?? 0) + 1);
    this.#cases += 1;
    if (accepted) this.#accepted += 1;
    this.#worstCpu = Math.max(this.#worstCpu, cpu);
    count(this.#statuses, String(status));
    count(this.#kinds, kind);
    for (const code of codes) count(this.#codes, code);
  }

  report(): Omit<FuzzReport, "seconds"> {
    const sorted = (map: ReadonlyMap<string, number>): Record<string, number> =>
      Object.fromEntries([...map].sort(([, a], [, b]) => b - a));
    return {
      cases: this.#cases,
      accepted: this.#accepted,
      statuses: sorted(this.#statuses),
      codes: sorted(this.#codes),
      kinds: sorted(this.#kinds),
      worstCpu: this.#worstCpu,
    };
  }
}

async function main(): Promise<void> {
  const options = {
    seconds: { type: "string" },
    cases: { type: "string" },
    seed: { type: "string" },
    cpu: { type: "string", default: "50" },
  } as const;
  const { values } = parseArgs({ options });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const cases = Number(values.cases ?? Infinity);
  const seconds = Number(values.seconds ?? (values.cases === undefined ? 60 : Infinity));
  const maxCpu = Number(values.cpu);
  if ([seed, cases, seconds, maxCpu].some(Number.isNaN)) throw new Error("expected numbers");
  console.log(`seed ${seed}`);
  try {
    const progress = (line: string): void => console.error(line);
    const report = await runFuzz({ seed, cases, seconds, maxCpu, progress });
    console.log(JSON.stringify(report, null, 2));
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
