/**
 * How long devices wait for an answer while another program holds the write lock of rootward.db and
 * writers queue behind it, beside how long they wait on a quiet service. The server is a process of
 * its own, started as an operator starts it.
 *
 *   npm run bench:lock -- [SECONDS]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDatabase } from "../test/support/locker.ts";
import { call, createFactory, deliver } from "../test/support/owner.ts";
import { spawnServer, type ServerProcess } from "../test/support/server-process.ts";

const SECONDS = Number(process.argv[2] ?? 10);
/** Between two polls of one device, in milliseconds. */
const PAUSE = 20;
const WRITERS = 3;

interface Waits {
  readonly polls: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** One device after the other, for some seconds. A poll that was not answered with 200 ends the run. */
async function poll({ url }: ServerProcess, seconds: number): Promise<Waits> {
  const waits: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    const asked = performance.now();
    const response = await fetch(`${url}/repo/acme/main/timestamp.json`);
    if (response.status !== 200) throw new Error(`a poll got ${response.status}`);
    await response.arrayBuffer();
    waits.push(performance.now() - asked);
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE);
    });
  }
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  return { polls: sorted.length, p50: at(0.5), p99: at(0.99), longest: at(1) };
}

/** Mints tokens one after the other. @returns how they were answered, and when the last one was */
async function write(server: ServerProcess, until: number): Promise<readonly number[]> {
  const statuses: number[] = [];
  while (performance.now() < until) {
    const { status } = await call(`${server.url}/ota/factories/acme/tokens/`, {
      token: server.adminToken,
      body: { user: "ci", scopes: ["targets:update"] },
    });
    statuses.push(status);
  }
  return statuses;
}

const folder = mkdtempSync(join(tmpdir(), "rootward-lock-"));
const server = await spawnServer(folder);
try {
  const { link } = await createFactory(server, "acme");
  await deliver(server.url, link);
  await poll(server, 1);
  const quiet = await poll(server, SECONDS);
  const held = await lockDatabase(join(folder, "data", "rootward.db"), SECONDS * 1000);
  const until = performance.now() + SECONDS * 1000;
  const writers = Array.from({ length: WRITERS }, () => write(server, until));
  const locked = await poll(server, SECONDS);
  await held.release();
  const statuses = (await Promise.all(writers)).flat();
  const show = (name: string, { polls, p50, p99, longest }: Waits): string =>
    `${name}: ${polls} polls, median ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
    `longest ${longest.toFixed(1)} ms`;
  console.log(show("quiet", quiet));
  console.log(show(`locked for ${SECONDS} s, ${WRITERS} writers`, locked));
  console.log(`p99 locked / p99 quiet: ${(locked.p99 / quiet.p99).toFixed(2)}`);
  console.log(`answers of writers: ${JSON.stringify(Object.groupBy(statuses, String))}`);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}
