/**
 * The cost of a publication when many publish to one Factory at once: processor time of the service and of
 * its signer, each a process of its own, for each publication that was accepted. The rival is one publisher
 * that sends the same number of publications one after the other. Both take turns; a figure is the median
 * ratio, with the quarters below and above it.
 *
 *   npm run bench:publishers [-- TURNS [BIN]]
 *
 * BIN is the bin/rootward.js of another checkout, to compare releases. Processor times are read from
 * /proc, so this runs on Linux. A last run publishes while another client makes tokens in a loop.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { inTurn, show, spread } from "./measure.ts";

// Five would use up the versions of the Factory: 1,800 may be ahead of the clock.
const turns = Number(process.argv[2] ?? 4);
const bin = resolve(
  process.argv[3] ?? fileURLToPath(new URL("../bin/rootward.js", import.meta.url)),
);
/** Publications of each contender in a turn. */
const COUNT = 120;
/** Entries that are published before, as a fleet has them after years. */
const ENTRIES = 1000;
const PUBLISHERS = [1, 30, 60];
/** Publications of which the minting client may keep none out. */
const AMONG_MINTS = 6;

interface Service {
  readonly url: string;
  readonly token: string;
  /** Signer and service. */
  readonly pids: readonly number[];
}

/** Each publication has a content of its own. */
let contents = 0;

const folder = mkdtempSync(join(tmpdir(), "rootward-publishers-"));
const child = spawn(
  execPath,
  [bin, "serve", "--port", "0", "--data", join(folder, "data"), "--outbox", join(folder, "outbox")],
  { stdio: ["ignore", "pipe", "ignore"] },
);
const ended = once(child, "exit");
try {
  const service = await begin();
  await measure(service);
  await amongMints(service);
} finally {
  child.kill("SIGTERM");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}

async function begin(): Promise<Service> {
  let output = "";
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    const url = /^listening on (\S+)\n/m.exec(output)?.[1];
    if (url === undefined) continue;
    const pid = child.pid ?? 0;
    const own = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    const admin = readFileSync(join(folder, "data", "admin.token"), "utf8").trim();
    const owner = { id: "owner", email: "owner@example.com" };
    const factory = { name: "acme", dialect: "tuf", keyType: "ed25519", owner, delivery: "api" };
    const made = await send(`${url}/ota/factories/`, "POST", admin, factory);
    if (made.status !== 201) throw new Error(`bootstrap: ${made.status}`);
    const { ownerToken } = (await made.json()) as { ownerToken: string };
    return { url, token: ownerToken, pids: [pid, ...own.map(Number)] };
  }
  throw new Error("the service did not come up");
}

function send(url: string, method: string, token: string, body: unknown): Promise<Response> {
  const headers = { "OSF-TOKEN": token, "Content-Type": "application/json" };
  return fetch(url, { method, headers, body: JSON.stringify(body) });
}

/** Publishes another content under the same name. @returns whether it was accepted */
async function publish({ url, token }: Service, name: string): Promise<boolean> {
  contents += 1;
  const sha256 = contents.toString(16).padStart(64, "0");
  const targets = { [name]: { length: 1, hashes: { sha256 } } };
  const answer = await send(`${url}/ota/factories/acme/targets/`, "PUT", token, { targets });
  await answer.arrayBuffer();
  return answer.status === 200;
}

/** User and system time of a process in ticks of the kernel (proc_pid_stat(5), fields 14 and 15). */
function ticksOf(pid: number): number {
  const [, , ...fields] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/\(.*\)/, "-")
    .split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

interface Taken {
  /** Ticks for each accepted publication. */
  readonly each: number;
  readonly accepted: number;
}

async function take(service: Service, publishers: number): Promise<Taken> {
  const ticks = (): number => service.pids.reduce((sum, pid) => sum + ticksOf(pid), 0);
  const before = ticks();
  let accepted = 0;
  await Promise.all(
    Array.from({ length: publishers }, async (_, publisher) => {
      for (let i = publisher; i < COUNT; i += publishers) {
        if (await publish(service, `file-${publisher}`)) accepted += 1;
      }
    }),
  );
  return { each: (ticks() - before) / accepted, accepted };
}

async function fill({ url, token }: Service): Promise<void> {
  const names = Array.from({ length: ENTRIES }, (_, at) => `release-${at}`);
  const targets = Object.fromEntries(
    names.map((name) => [name, { length: 1, hashes: { sha256: "0".repeat(64) } }]),
  );
  const answer = await send(`${url}/ota/factories/acme/targets/`, "PUT", token, { targets });
  if (answer.status !== 200) throw new Error(`filling: ${answer.status}`);
}

async function measure(service: Service): Promise<void> {
  await fill(service);
  // For the compiler, and so that the document has its full length.
  await take(service, 60);
  await take(service, 1);
  const taken = new Map<number, Taken[]>(PUBLISHERS.map((count) => [count, []]));
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [, publishers] of inTurn(PUBLISHERS, turn)) {
      taken.get(publishers)?.push(await take(service, publishers));
    }
  }
  const single = taken.get(1) ?? [];
  for (const [publishers, list] of taken) {
    const ratios = list.map(({ each }, turn) => each / (single[turn]?.each ?? Number.NaN));
    const accepted = list.reduce((sum, one) => sum + one.accepted, 0);
    console.log(
      `${publishers} at once (${(spread(list.map(({ each }) => each)).median * 10).toFixed(0)} ms each): ${show(spread(ratios))} times the processor time of one, ` +
        `${accepted} of ${list.length * COUNT} accepted`,
    );
  }
}

async function amongMints(service: Service): Promise<void> {
  const { url, token } = service;
  let minted = 0;
  const ending = new AbortController();
  const minting = (async () => {
    while (!ending.signal.aborted) {
      const body = { user: "loop", scopes: ["root:read"] };
      const answer = await send(`${url}/ota/factories/acme/tokens/`, "POST", token, body);
      await answer.arrayBuffer();
      if (answer.status === 201) minted += 1;
    }
  })();
  const accepted = await Promise.all(
    Array.from({ length: AMONG_MINTS }, (_, at) => publish(service, `among-${at}`)),
  );
  ending.abort();
  await minting;
  console.log(
    `while a client makes tokens in a loop: ${accepted.filter(Boolean).length} of ${AMONG_MINTS} ` +
      `accepted, ${minted} tokens made meanwhile`,
  );
}
