/**
 * How long a publication of one Factory takes while another Factory has 24 requests for RSA online keys
 * under way, as a ratio to a quiet service. Service and signer are two processes, as `rootward serve` starts
 * them.
 *
 *   npm run bench:signer
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { call, createFactory, takeOver } from "../test/support/owner.ts";
import { spawnServer, type ServerProcess } from "../test/support/server-process.ts";
import { show, spread } from "./measure.ts";

const REQUESTS = 24;
const QUIET = 20;
/** Publications at most while keys are made: versions count seconds, and run ahead of them by 1,800. */
const LOUD = 1500;
/** Milliseconds between two of them. */
const PAUSE = 50;

interface Tenant {
  readonly name: string;
  readonly token: string;
}

async function tenant(server: ServerProcess, name: string): Promise<Tenant> {
  const { link } = await createFactory(server, name);
  const { ownerToken } = await takeOver(server.url, link);
  return { name, token: ownerToken };
}

/** @returns the id of a root update that is under way */
async function startUpdate({ url }: ServerProcess, { name, token }: Tenant): Promise<string> {
  const path = `${url}/ota/repo/${name}/api/v1/user_repo/root/updates`;
  const { status, body } = await call(path, { token, body: { message: "other online keys" } });
  if (status !== 201) throw new Error(`root update: ${status} ${JSON.stringify(body)}`);
  return String(body["txid"]);
}

/** Content that was published already is not signed again. */
let contents = 0;

/** @returns milliseconds until the publication was answered */
async function publish({ url }: ServerProcess, { name, token }: Tenant): Promise<number> {
  const path = `${url}/ota/factories/${name}/targets/`;
  contents += 1;
  const entry = { length: 1, hashes: { sha256: contents.toString(16).padStart(64, "0") } };
  const start = performance.now();
  const { status } = await call(path, { method: "PUT", token, body: { targets: { file: entry } } });
  if (status !== 200) throw new Error(`publication: ${status}`);
  return performance.now() - start;
}

async function makeKeys(
  { url }: ServerProcess,
  { name, token }: Tenant,
  txid: string,
): Promise<number> {
  const path = `${url}/ota/repo/${name}/api/v1/user_repo/root/updates/gen-online-keys`;
  const roles = { targets: true, snapshot: true, timestamp: true };
  const body = { txid, "key-type": "RSA", ...roles };
  return (await call(path, { token, body })).status;
}

const home = mkdtempSync(join(tmpdir(), "rootward-bench-"));
const server = await spawnServer(home);
try {
  const [loud, other] = [await tenant(server, "acme"), await tenant(server, "other")];
  const txid = await startUpdate(server, loud);
  for (let turn = 0; turn < QUIET; turn += 1) await publish(server, other);
  const quiet: number[] = [];
  for (let turn = 0; turn < QUIET; turn += 1) {
    quiet.push(await publish(server, other));
    await setTimeout(PAUSE);
  }
  const { median } = spread(quiet);
  const loudest = { over: false };
  const statuses = Promise.all(
    Array.from({ length: REQUESTS }, () => makeKeys(server, loud, txid)),
  ).finally(() => {
    loudest.over = true;
  });
  // The requests are on their way before the first publication is sent.
  await setTimeout(4 * PAUSE);
  const during: number[] = [];
  while (!loudest.over && during.length < LOUD) {
    during.push((await publish(server, other)) / median);
    await setTimeout(PAUSE);
  }
  const counts = Object.groupBy(await statuses, String);
  const answers = Object.entries(counts).map(([status, all = []]) => `${all.length} × ${status}`);
  console.log(`${availableParallelism()} processors, Node ${process.version}`);
  console.log(`${REQUESTS} requests for three RSA keys: ${answers.join(", ")}`);
  console.log(`publications of another Factory meanwhile: ${during.length}`);
  console.log(`each, as a ratio to quiet: ${show(spread(during))}`);
  console.log(
    `the longest: ${Math.max(...during).toFixed(1)} times (quiet: ${median.toFixed(0)} ms)`,
  );
} finally {
  await server.stop();
  rmSync(home, { recursive: true, force: true });
}
