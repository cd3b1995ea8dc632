/**
 * The cost of refreshing 10,000 Factories in one run of the schedule, on the real SQLite file with sealed
 * Ed25519 keys: memory against a tenth as many, time against a floor that takes turns with it, the whole
 * run against the time that there is for it, and how long devices wait meanwhile.
 *
 *   npm run bench:refresh [-- FACTORIES]       TMPDIR says on which medium
 *
 * On many media a commit takes longer after a pause than right after another one. The floor makes no
 * pauses, so what it is exceeded by on the wall is partly the medium's.
 */
import { fork, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_REFRESH } from "../lib/state/schedule.ts";
import { show, spread } from "./measure.ts";
import { copyFleet, PART, type Fleet } from "./refresh-fleet.ts";
import { readTimestamps, type Waits } from "./refresh-reads.ts";
import type { Batch, Order, Times, Told } from "./refresh-run.ts";

const size = Number(process.argv[2] ?? 10_000);
const { refreshWhenLeft } = DEFAULT_REFRESH.roles.timestamp;
const home = mkdtempSync(join(tmpdir(), "rootward-bench-"));
const made = nursery();
const children = new Set<ChildProcess>();

interface Running {
  readonly child: ChildProcess;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

function start(order: Order, hear: (told: Told) => void): Running {
  const child = fork(new URL("refresh-run.ts", import.meta.url), [JSON.stringify(order)], {
    execArgv: ["--expose-gc"],
  });
  children.add(child);
  const ended = new Promise<void>((resolve, reject) => {
    child.on("message", (told) => hear(told as Told));
    child.on("error", reject);
    child.on("exit", (code) => {
      children.delete(child);
      if (code === 0) resolve();
      else reject(new Error(`${order.kind} ended with ${code}`));
    });
  });
  return { child, ended };
}

function progressOf(what: string, total: number): (told: Told) => void {
  let [done, shown] = [0, 0];
  return (told) => {
    if (told.kind !== "progress") return;
    done += told.done;
    if (done < total && done < shown + total / 10) return;
    shown = done;
    console.error(`${what}: ${done} of ${total}`);
  };
}

/**
 * Where the fleet is made: in memory where there is a file system in memory, since tens of thousands
 * of files and commits that wait for a medium are not what is measured. Runs have copies on {@link home}.
 */
function nursery(): string {
  const memory = "/dev/shm";
  const free = existsSync(memory) ? statfsSync(memory) : { bavail: 0, bsize: 0 };
  const large = free.bavail * free.bsize > size * 50_000;
  return large ? mkdtempSync(join(memory, "rootward-bench-")) : join(home, "fleet");
}

async function makeFleet(folder: string): Promise<Fleet> {
  const fleet = { folder, size, since: Date.now() };
  const step = availableParallelism();
  const hear = progressOf("bootstrapped", size);
  // The first alone makes folder and master key.
  await start({ kind: "fill", fleet: { ...fleet, size: 0 }, first: 0, step: 1 }, hear).ended;
  await Promise.all(
    Array.from(
      { length: step },
      (_unused, first) => start({ kind: "fill", fleet, first, step }, hear).ended,
    ),
  );
  return fleet;
}

async function withCopy<T>(fleet: Fleet, use: (copy: Fleet) => Promise<T>): Promise<T> {
  const copy = copyFleet(fleet, join(home, "copy"));
  try {
    return await use(copy);
  } finally {
    rmSync(copy.folder, { recursive: true });
  }
}

type Tended = Extract<Told, { readonly kind: "tended" }>;

async function tended(fleet: Fleet, kind: "heap" | "time", all: boolean): Promise<Tended> {
  return withCopy(fleet, async (copy) => {
    const results: Tended[] = [];
    const progress = progressOf(`refreshed (${kind})`, all ? size : size / PART);
    await start({ kind, fleet: copy, all }, (told) => {
      progress(told);
      if (told.kind === "tended") results.push(told);
    }).ended;
    const [result] = results;
    if (result === undefined) throw new Error("a run told nothing");
    return result;
  });
}

/** Devices before and while the schedule is at work. */
async function waits(fleet: Fleet): Promise<{ readonly idle: Waits; readonly busy: Waits }> {
  return withCopy(fleet, async (copy) => {
    const state = { over: false };
    const listening = Promise.withResolvers<string>();
    const { child, ended } = start({ kind: "serve", fleet: copy }, (told) => {
      if (told.kind === "listening") listening.resolve(told.url);
      if (told.kind === "over") state.over = true;
    });
    ended.catch(listening.reject);
    const url = await listening.promise;
    // The first ones are for the compiler.
    await readTimestamps(url, size, (count) => count < 500);
    const idle = await readTimestamps(url, size, (count) => count < 2000);
    console.error("devices read while the schedule runs");
    child.send("due");
    const busy = await readTimestamps(url, size, () => !state.over);
    child.disconnect();
    await ended;
    return { idle, busy };
  });
}

function sum(batches: readonly Batch[], pick: (batch: Batch) => number): number {
  return batches.reduce((total, batch) => total + pick(batch), 0);
}

/** Processor time or time on the wall, in times of what the floor takes, batch by batch. */
function beyondFloor({ batches }: Tended, of: keyof Times): string {
  return show(spread(batches.map(({ product, floor }) => product[of] / floor[of])));
}

/** The time of a Factory at the end of a run, as a ratio to one at its beginning. */
function slowdown({ batches }: Tended, effort: (batch: Batch) => number): string {
  const part = Math.ceil(batches.length / 10);
  const median = (some: readonly Batch[]): number => spread(some.map(effort)).median;
  return (median(batches.slice(-part)) / median(batches.slice(0, part))).toFixed(2);
}

function medium(): string {
  const names = new Map([
    [0xef53, "ext4"],
    [0x01021994, "tmpfs, so no commit waits for a medium"],
    [0x58465342, "xfs"],
    [0x9123683e, "btrfs"],
    [0x794c7630, "overlayfs"],
  ]);
  const { type } = statfsSync(home);
  return names.get(type) ?? `file system 0x${type.toString(16)}`;
}

async function run(): Promise<void> {
  const fleet = await makeFleet(made);
  const few = {
    heap: await tended(fleet, "heap", false),
    time: await tended(fleet, "time", false),
  };
  const all = { heap: await tended(fleet, "heap", true), time: await tended(fleet, "time", true) };
  const { idle, busy } = await waits(fleet);
  const { batches } = all.time;
  const [whole, floor] = [
    sum(batches, (one) => one.product.wall),
    sum(batches, (one) => one.floor.wall),
  ];
  const commits = sum(batches, (one) => one.commits);
  const processor = slowdown(all.time, ({ product, count }) => product.cpu / count);
  const wall = slowdown(all.time, ({ product, floor }) => product.wall / floor.wall);
  const further = (all.heap.heap - few.heap.heap) / (size - size / PART);
  const inTimes = (value: number, of: number, digits = 2): string => (value / of).toFixed(digits);
  console.log(`${size} Factories due in one run, SQLite on ${medium()}; ratios, and for 10000 the aim in brackets

memory, against a run over ${size / PART} (1: bounded, ${PART}: it grows with the fleet)
  growth of what is alive        ${inTimes(all.heap.heap, few.heap.heap)} [below 2]
  growth of what is resident     ${inTimes(all.time.resident, few.time.resident)} [below 2]
  what a further Factory leaves alive, against what it has in the file: ${inTimes(further, all.heap.inFile, 4)} [below 0.05]

time for a Factory, against one Ed25519 signature and as many commits of such rows
  on the wall                    ${beyondFloor(all.time, "wall")} [below 10]
  of the processor               ${beyondFloor(all.time, "cpu")} [below 15]
  the end of a run against its beginning, of the processor ${processor} [below 1.2], beyond the floor ${wall}
  (the commits are ${inTimes(commits, floor)} of the floor on the wall)

the whole run, against the ${refreshWhenLeft / 86_400_000} days that a timestamp has left: ${inTimes(whole, refreshWhenLeft, 6)} [below 0.01]

a device that asks for a timestamp meanwhile, against an idle service (${busy.count} asked)
  median                         ${inTimes(busy.median, idle.median)}, or ${inTimes(busy.median, busy.total / size)} Factories' refreshes [below 3]
  99 of 100 at most              ${inTimes(busy.percentile99, idle.median)}
  the longest                    ${inTimes(busy.most, idle.median)}; idle ${inTimes(idle.most, idle.median)}
  the longest, against the whole run: ${inTimes(busy.most, busy.total, 4)} [below 0.01]`);
}

function cleanUp(): void {
  for (const child of children) child.kill("SIGKILL");
  for (const folder of [home, made]) rmSync(folder, { recursive: true, force: true });
}

process.once("SIGINT", () => {
  cleanUp();
  process.exit(130);
});
try {
  await run();
} finally {
  cleanUp();
}
