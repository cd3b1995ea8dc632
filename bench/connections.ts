/**
 * The memory that strangers' connections cost the service: `rootward serve` as a process, a Factory with
 * targets of 3.4 MB, and two loads without a token. Each figure is the peak of the resident memory of the
 * process that serves, as a ratio to its idle memory of the same run. The aim is at most 1.5.
 *
 *   npm run bench:connections [-- CHECKOUT]   another checkout of rootward, for a figure before a change
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { call, createFactory, deliver } from "../test/support/owner.ts";
import { spawnServer, type ServerProcess } from "../test/support/server-process.ts";

const AIM = 1.5;
const PIPELINED = 500;
const READERS = 60;
/** The longest that a load is watched, in seconds. */
const WATCH = 400;
const DOCUMENT_BYTES = 3_400_000;
const TARGETS = "/repo/bench/main/targets.json";

const checkout = resolve(process.argv[2] ?? ".");
const program = pathToFileURL(join(checkout, "bin/rootward.js"));

/** Entries with as much custom text as it takes. */
function entries(): Record<string, unknown> {
  const one = { length: 1, hashes: { sha256: "0".repeat(64) }, custom: { note: "n".repeat(850) } };
  const names = Array.from({ length: DOCUMENT_BYTES / 1000 }, (_, i) => `target-${10_000 + i}`);
  return Object.fromEntries(names.map((name) => [name, one]));
}

async function publish({ url, adminToken }: ServerProcess): Promise<void> {
  const { link } = await createFactory({ url, adminToken }, "bench");
  await deliver(url, link);
  const path = `${url}/ota/factories/bench/targets/`;
  const body = { targets: entries() };
  const { status } = await call(path, { method: "PUT", token: adminToken, body });
  if (status !== 200) throw new Error(`publishing: ${status}`);
}

/** The process that serves, as the first one names it to its operator. */
function servingProcess(server: ServerProcess): string {
  const found = /, (\d+) serves/.exec(server.said())?.[1];
  if (found === undefined) throw new Error("no process serves");
  return found;
}

/** Fields of /proc/PID/status: VmRSS is the resident memory, VmHWM its peak; in bytes. */
function memory(process: string, field: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${process}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) * 1024;
}

interface Load {
  readonly name: string;
  /** @returns when the service is through with it; says what became of it */
  readonly run: (url: URL) => Promise<string>;
}

const request = (url: URL): string => `GET ${TARGETS} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;

function open(url: URL): Socket {
  const socket = connect(Number(url.port), url.hostname);
  socket.on("error", () => undefined);
  return socket;
}

/** Resolves once the other side has ended or cut it, or the time is over. */
async function untilClosed(socket: Socket, seconds: number): Promise<boolean> {
  for (let i = 0; i < seconds * 10 && !socket.closed; i += 1) await sleep(100);
  return socket.closed;
}

const LOADS: readonly Load[] = [
  {
    name: `${PIPELINED} pipelined requests on one connection, read as they come`,
    run: async (url) => {
      const socket = open(url);
      let answers = 0;
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        answers += chunk.toString("latin1").split("HTTP/1.1 200").length - 1;
        if (answers >= PIPELINED && bytes >= PIPELINED * DOCUMENT_BYTES) socket.destroy();
      });
      socket.write(request(url).repeat(PIPELINED));
      await untilClosed(socket, WATCH);
      socket.destroy();
      return `${answers} answers`;
    },
  },
  {
    name: `${PIPELINED} pipelined requests on one connection that never reads`,
    run: (url) => neverRead(url, 1, PIPELINED),
  },
  {
    name: `${READERS} connections that never read`,
    run: (url) => neverRead(url, READERS, 3),
  },
];

async function neverRead(url: URL, connections: number, requests: number): Promise<string> {
  const began = performance.now();
  const sockets = Array.from({ length: connections }, () => {
    const socket = open(url).pause();
    socket.write(request(url).repeat(requests));
    return socket;
  });
  let left = connections;
  for (let i = 0; i < WATCH && left > 0; i += 1) {
    await sleep(1000);
    left = establishedAt(url);
  }
  for (const socket of sockets) socket.destroy();
  const seconds = Math.round((performance.now() - began) / 1000);
  return left === 0 ? `all cut after ${seconds} s` : `${left} held after ${seconds} s`;
}

/**
 * How many established connections the service's end has, by the kernel's table: a client that does not
 * read learns of its end only when it writes.
 */
function establishedAt(url: URL): number {
  const port = Number(url.port).toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.filter((line) => new RegExp(`^\\s*\\d+: \\w+:${port} \\w+:\\w+ 01 `).test(line))
    .length;
}

async function measure(folder: string, { name, run }: Load): Promise<boolean> {
  const server = await spawnServer(folder, [], {}, program);
  try {
    const url = new URL(server.url);
    await (await fetch(new URL("/healthz", url))).text();
    await sleep(3000);
    const process = servingProcess(server);
    const idle = memory(process, "VmRSS");
    // From here on the peak is counted anew.
    writeFileSync(`/proc/${process}/clear_refs`, "5");
    const outcome = await run(url);
    const ratio = memory(process, "VmHWM") / idle;
    console.log(`${name}: ${ratio.toFixed(2)} (${outcome})`);
    return ratio <= AIM;
  } finally {
    await server.stop();
  }
}

const folder = mkdtempSync(join(tmpdir(), "rootward-bench-"));
try {
  const server = await spawnServer(folder, [], {}, program);
  await publish(server);
  await server.stop();
  console.log(`peak of the resident memory to idle memory, aim at most ${AIM}`);
  let good = true;
  for (const load of LOADS) good = (await measure(folder, load)) && good;
  process.exitCode = good ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
