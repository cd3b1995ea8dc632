/**
 * Comparing things in one run. Machines are noisy, so no figure here is a time: each is a ratio
 * of processor time (the collector's and the compiler's threads included, other programs' not)
 * between contenders that took turns, the median over many turns, with the quarter of turns below
 * and above it to show how noisy the run was.
 */
import { cpuUsage } from "node:process";

/** One thing that is timed. `prepare` is not: it makes `count` runs with all that they use up. */
export interface Contender {
  readonly name: string;
  readonly prepare: (count: number) => readonly (() => void)[];
}

/** A contender that uses nothing up. */
export function contender(name: string, run: () => void): Contender {
  return { name, prepare: (count) => Array.from({ length: count }, () => run) };
}

export interface Ratio {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

export interface Effort {
  readonly turns: number;
  /** Runs of each contender in a turn. */
  readonly runs: number;
}

/** @returns for each contender after the first, how many times as long as the first it takes */
export function compare(
  contenders: readonly Contender[],
  { turns, runs }: Effort,
): readonly Ratio[] {
  const ratios: number[][] = contenders.slice(1).map(() => []);
  // The first turns are for the compiler.
  const warmUp = Math.ceil(turns / 4);
  for (let turn = 0; turn < warmUp + turns; turn += 1) {
    const times = inTurn(contenders, turn).map(([i, one]) => [i, time(one, runs)] as const);
    const byIndex = new Map(times);
    if (turn < warmUp) continue;
    for (const [i, list] of ratios.entries()) {
      list.push((byIndex.get(i + 1) ?? 0) / (byIndex.get(0) ?? 0));
    }
  }
  return ratios.map(spread);
}

/** Nobody is always the one who runs after the garbage of another. */
export function inTurn<T>(list: readonly T[], turn: number): readonly (readonly [number, T])[] {
  const entries = [...list.entries()];
  const first = turn % entries.length;
  return [...entries.slice(first), ...entries.slice(0, first)];
}

function time({ prepare }: Contender, count: number): number {
  const runs = prepare(count);
  const start = cpuUsage();
  for (const run of runs) run();
  const { user, system } = cpuUsage(start);
  return user + system;
}

/** The median of `values`, and the quarters below and above it. */
export function spread(values: readonly number[]): Ratio {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

export function show({ low, median, high }: Ratio): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}
