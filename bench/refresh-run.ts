/**
 * One process of the refresh benchmark, so that each has its memory to itself: it fills a fleet, or
 * refreshes what is due of one in one run, or serves devices while the schedule does.
 *
 * Memory is looked at, and the floor takes its turn, where the run asks the store for its next batch.
 */
import { statSync } from "node:fs";
import { cpuUsage, memoryUsage } from "node:process";
import { prepareData } from "../lib/adapters/embedded/open.ts";
import { bundlePage } from "../lib/cli/serve/page.ts";
import { serve } from "../lib/cli/serve/serve.ts";
import type { Service } from "../lib/service/service.ts";
import { runSchedule } from "../lib/service/run-schedule.ts";
import {
  commitsOf,
  FLOOR_COMMITS,
  openFloor,
  writtenIn,
  writtenSince,
  type Floor,
} from "./refresh-floor.ts";
import {
  assertFresh,
  databaseOf,
  dueIn,
  fill,
  look,
  openFleet,
  openFleetSigner,
  pathsOf,
  type Fleet,
} from "./refresh-fleet.ts";

/** The order to a process. */
export type Order =
  | { readonly kind: "fill"; readonly fleet: Fleet; readonly first: number; readonly step: number }
  | { readonly kind: "heap" | "time"; readonly fleet: Fleet; readonly all: boolean }
  | { readonly kind: "serve"; readonly fleet: Fleet };

/** Milliseconds of the clock on the wall, and of processor time. */
export interface Times {
  readonly wall: number;
  readonly cpu: number;
}

export interface Batch {
  readonly count: number;
  readonly product: Times;
  readonly floor: Times;
  /** How much of the floor's time on the wall is not the signature. */
  readonly commits: number;
}

/** The report of a process. */
export type Told =
  | { readonly kind: "progress"; readonly done: number }
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "filled" | "over" }
  | {
      readonly kind: "tended";
      readonly batches: readonly Batch[];
      /** In bytes, beyond the start: the most that was alive, and the most that was resident. */
      readonly heap: number;
      readonly resident: number;
      /** In bytes, for one Factory. */
      readonly inFile: number;
    };

function tell(told: Told): void {
  process.send?.(told);
}

function clocks(): Times {
  const { user, system } = cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}

function since(start: Times): Times {
  const now = clocks();
  return { wall: now.wall - start.wall, cpu: now.cpu - start.cpu };
}

/** The live memory, once nothing else is there. */
function alive(): number {
  globalThis.gc?.();
  return memoryUsage().heapUsed;
}

/** The same service, which calls `between` before each batch that a run asks for. */
function withBatches(service: Service, between: () => void): Service {
  const { heads } = service;
  return {
    ...service,
    heads: {
      read: (factory) => heads.read(factory),
      create: (head) => heads.create(head),
      swap: (revision, next) => heads.swap(revision, next),
      due: (now, limit) => {
        between();
        return heads.due(now, limit);
      },
    },
  };
}

function measureFloor(floor: Floor, count: number): Pick<Batch, "floor" | "commits"> {
  const start = clocks();
  for (let i = 0; i < count; i += 1) floor.sign();
  const signed = since(start);
  for (let i = 0; i < count; i += 1) floor.commit();
  const all = since(start);
  return { floor: all, commits: all.wall - signed.wall };
}

async function tendAll(fleet: Fleet, kind: "heap" | "time", all: boolean): Promise<void> {
  const { count, now } = dueIn(fleet, all);
  const floor = openFloor(fleet);
  const open = await openFleet(fleet, now);
  const file = look(fleet);
  const before = writtenIn(file);
  measureFloor(floor, 100);
  const batches: Batch[] = [];
  const start = { heap: alive(), resident: memoryUsage.rss() };
  let { heap, resident } = start;
  let left = count;
  let turn: Times | null = null;
  const between = (): void => {
    const product = turn === null ? null : since(turn);
    if (kind === "heap") heap = Math.max(heap, alive());
    resident = Math.max(resident, memoryUsage.rss());
    if (product !== null && left > 0) {
      const size = Math.min(100, left);
      left -= size;
      const beside = kind === "time" ? measureFloor(floor, size) : NO_FLOOR;
      batches.push({ count: size, product, ...beside });
      tell({ kind: "progress", done: size });
    }
    turn = clocks();
  };
  const looked = await runSchedule(withBatches(open.service, between));
  if (looked !== count) throw new Error(`${looked} were looked at, and ${count} were due`);
  const written = writtenSince(before, writtenIn(file), count);
  if (commitsOf(written) !== FLOOR_COMMITS) {
    throw new Error(`not what the floor writes: ${JSON.stringify(written)}`);
  }
  if (all) await assertFresh(open, fleet);
  for (const { close } of [floor, open, file]) close.call(file);
  const inFile = statSync(databaseOf(fleet)).size / fleet.size;
  const beyond = { heap: heap - start.heap, resident: resident - start.resident };
  tell({ kind: "tended", batches, ...beyond, inFile });
}

const NO_FLOOR = { floor: { wall: 0, cpu: 0 }, commits: 0 };

/** Serves devices until it is let go; at the first message all of the fleet becomes due. */
async function serveFleet(fleet: Fleet): Promise<void> {
  const { now } = dueIn(fleet, true);
  const { dataFolder: data, outboxFolder: outbox } = pathsOf(fleet.folder);
  const clock = { now: fleet.since };
  await prepareData(data);
  const signer = await openFleetSigner(fleet.folder, () => clock.now);
  const server = await serve({
    data,
    outbox,
    signer,
    page: await bundlePage(),
    port: 0,
    host: "127.0.0.1",
    publicUrl: undefined,
    log: (line) => console.error(line),
    now: () => clock.now,
    scheduleEvery: 200,
  });
  const file = look(fleet);
  const due = file.prepare("SELECT count(*) AS n FROM heads WHERE due_at <= ?");
  process.once("message", () => {
    clock.now = now;
    const watch = setInterval(() => {
      if (Number(due.get(now)?.["n"]) > 0) return;
      clearInterval(watch);
      tell({ kind: "over" });
    }, 200);
  });
  process.once("disconnect", () => {
    file.close();
    void server.close().then(() => signer.close());
  });
  tell({ kind: "listening", url: server.url });
}

async function obey(order: Order): Promise<void> {
  switch (order.kind) {
    case "fill":
      await fill(order.fleet, order, (done) => tell({ kind: "progress", done }));
      tell({ kind: "filled" });
      return process.disconnect();
    case "heap":
    case "time":
      await tendAll(order.fleet, order.kind, order.all);
      return process.disconnect();
    case "serve":
      return serveFleet(order.fleet);
  }
}

await obey(JSON.parse(process.argv[2] ?? "") as Order);
