/**
 * How much of our code an operation runs: functions and files under lib/, counted by V8. It goes through the
 * whole HTTP app, on the memory adapters, whose own code is left out. A second turn is counted, so that
 * nothing counts that is only loaded.
 *
 *   npm run bench:executed
 */
import { Session } from "node:inspector/promises";
import { deliveryId, parseLink } from "../lib/delivery/link.ts";
import { createApp } from "../lib/http/app.ts";
import { runSchedule } from "../lib/service/run-schedule.ts";
import {
  ALICE,
  bootstrapOf,
  FACTORY,
  liveFactory,
  nextRoots,
} from "../test/support/memory-owner.ts";
import { DAY, TestWorld, type TestProcess } from "../test/support/memory-service.ts";
import { entriesOf } from "../test/support/memory-targets.ts";
import { sha256Text, toHex } from "../lib/tuf/bytes.ts";
import { OWNER_SCOPES } from "../lib/state/scopes.ts";

const OURS = /\/lib\/(?!adapters\/memory\/)/;
const PAGE = { html: "", script: "", style: "" };
const TOKEN = "rw_owner-of-this-measurement";

interface Ready {
  readonly process: TestProcess;
  readonly act: () => Promise<unknown>;
}

/** The operations, each on a world that is made anew for each turn. */
const OPERATIONS: Readonly<Record<string, () => Promise<Ready>>> = {
  poll: async () => {
    const world = await living();
    return asking(world, `repo/${FACTORY}/main/timestamp.json`);
  },
  claim: async () => {
    const world = new TestWorld();
    const { delivery } = await bootstrapOf(world.start().service, "tuf");
    const { secret } = parseLink(delivery.url ?? "");
    const body = { id: deliveryId(secret), claimant: ALICE };
    return asking(world, "download/claim", body);
  },
  "root submission": async () => {
    const world = new TestWorld();
    const archive = await liveFactory(world, "tuf");
    const { roots } = await nextRoots(world.start(), archive);
    const [[, root] = []] = roots;
    await tokenOf(world);
    const path = `ota/repo/${FACTORY}/api/v1/user_repo/root`;
    return asking(world, path, JSON.parse(new TextDecoder().decode(root)));
  },
  refresh: async () => {
    const world = await living();
    world.advance(2 * DAY);
    const process = world.start();
    return { process, act: () => runSchedule(process.service) };
  },
  publication: async () => {
    const world = await living();
    await tokenOf(world);
    const targets = entriesOf({ "app.bin": "one" });
    return asking(world, `ota/factories/${FACTORY}/targets/`, { targets }, "PUT");
  },
};

async function living(): Promise<TestWorld> {
  const world = new TestWorld();
  await liveFactory(world, "tuf");
  return world;
}

async function tokenOf(world: TestWorld): Promise<void> {
  const { service } = world.start();
  const head = await service.heads.read(FACTORY);
  if (head === null) throw new Error("no Factory");
  await service.tokens.put({
    hash: sha256Text(TOKEN),
    id: toHex(service.randomBytes(16)),
    user: head.owner.id,
    scopes: OWNER_SCOPES,
    bound: { factory: FACTORY, instance: head.instance },
    expiresAt: null,
  });
}

function asking(world: TestWorld, path: string, body?: unknown, method = "POST"): Ready {
  const process = world.start();
  const app = createApp({ service: process.service, page: PAGE });
  const request = {
    method: body === undefined ? "GET" : method,
    headers: { "OSF-TOKEN": TOKEN, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  };
  const act = async () => {
    const response = await app.request(`http://rootward.example/${path}`, request);
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  };
  return { process, act };
}

const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });

for (const [name, prepare] of Object.entries(OPERATIONS)) {
  await (await prepare()).act();
  const { act } = await prepare();
  await session.post("Profiler.takePreciseCoverage");
  await act();
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const files = result.flatMap(({ url, functions }) => {
    const ran = functions.filter(
      ({ functionName, ranges }) => functionName !== "" && (ranges[0]?.count ?? 0) > 0,
    );
    return OURS.test(url) && ran.length > 0 ? [{ file: url.replace(/^.*\/lib\//, ""), ran }] : [];
  });
  const functions = files.reduce((sum, { ran }) => sum + ran.length, 0);
  console.log(`${name}: ${functions} functions in ${files.length} files`);
  if (process.argv.includes("--files"))
    console.log(files.map(({ file }) => `  ${file}`).join("\n"));
}
session.disconnect();
