/**
 * Kills the embedded server with SIGKILL at random moments under a load of bootstraps (again, where a
 * link was lost), claims, confirmations and rotations, starts it again on the same folder, and holds it to everything that
 * it acknowledged. By hand: `npm run kill -- 200 [SEED]`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generator } from "../support/generator.ts";
import { spawnServer, type ServerProcess } from "../support/server-process.ts";
import { findIn, privateKeyForms, readFolder } from "../support/secrets.ts";
import { BrokenPromise, Life, type Service } from "./life.ts";

export interface KillReport {
  readonly kills: number;
  readonly factories: number;
  readonly answered: number;
  readonly unanswered: number;
  readonly roots: number;
}

const WORKERS = 3;
/** Longest life of one server, in milliseconds after it listens, or first answers. */
const MAX_LIFE = 350;
/** A worker starts a new Factory after this many roots. */
const ROOTS_PER_FACTORY = 4;

export async function runKills(
  kills: number,
  seed: number,
  progress: (line: string) => void = () => undefined,
): Promise<KillReport> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-kill-"));
  const random = generator(seed);
  const lives: Life[] = [];
  const current = new Map<number, Life>();
  try {
    for (let kill = 0; kill < kills; kill += 1) {
      const service = await spawnServer(folder);
      // The newest ones were just interrupted; of the older ones a few each time.
      const older = lives.filter(() => random() < 5 / (lives.length + 1));
      await verifyAll(service, new Set([...current.values(), ...older]));
      const load = Promise.all(
        Array.from({ length: WORKERS }, (_, worker) => work(worker, service, lives, current)),
      );
      // Every second life counts from its first answer, so that slow machines get some, too.
      const ready = kill % 2 === 0 ? Promise.resolve() : answeredMore(lives);
      const end = ready.then(() => sleepUntil(performance.now() + random() * MAX_LIFE));
      await Promise.race([end, load.then(failed)]);
      await Promise.all([load, service.kill()]);
      if ((kill + 1) % 20 === 0) progress(`${kill + 1} kills, ${lives.length} Factories`);
    }
    const service = await spawnServer(folder);
    await verifyAll(service, new Set(lives));
    await service.stop();
    searchSecrets(join(folder, "data"), lives);
    return report(kills, lives);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Waits for an answer, for some seconds at most. */
async function answeredMore(lives: readonly Life[]): Promise<void> {
  const count = (): number => lives.reduce((sum, { answered }) => sum + answered, 0);
  const before = count();
  const until = performance.now() + 10_000;
  while (count() === before && performance.now() < until) await sleepUntil(performance.now() + 5);
}

/** One owner after the other, until the server dies. */
async function work(
  worker: number,
  service: Service,
  lives: Life[],
  current: Map<number, Life>,
): Promise<void> {
  for (;;) {
    let life = current.get(worker);
    if (life === undefined || life.roots.size >= ROOTS_PER_FACTORY) {
      life = new Life(`factory-${lives.length}`);
      lives.push(life);
      current.set(worker, life);
    }
    try {
      await life.step(service);
    } catch (error) {
      life.interrupted();
      if (error instanceof BrokenPromise) throw error;
      return;
    }
  }
}

async function verifyAll(service: ServerProcess, lives: ReadonlySet<Life>): Promise<void> {
  try {
    for (const life of lives) await life.verify(service);
  } catch (error) {
    throw new Error(`the server said:\n${service.said()}`, { cause: error });
  }
}

/** No root private key of anybody, in any encoding, in any file of the data folder. */
function searchSecrets(data: string, lives: readonly Life[]): void {
  const contents = readFolder(data);
  for (const { name, secrets } of lives) {
    const found = findIn(contents, secrets.flatMap(privateKeyForms));
    if (found.length > 0) throw new BrokenPromise(`a root key of ${name} is in ${found.join()}`);
  }
}

function report(kills: number, lives: readonly Life[]): KillReport {
  const sum = (count: (life: Life) => number): number =>
    lives.reduce((total, life) => total + count(life), 0);
  return {
    kills,
    factories: lives.length,
    answered: sum(({ answered }) => answered),
    unanswered: sum(({ unanswered }) => unanswered),
    roots: sum(({ roots }) => roots.size),
  };
}

async function sleepUntil(time: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, time - performance.now())));
}

function failed(): never {
  throw new BrokenPromise("the server stopped answering before it was killed");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const kills = Number(process.argv[2] ?? 200);
  const seed = Number(process.argv[3] ?? 1);
  console.log(JSON.stringify(await runKills(kills, seed, (line) => console.error(line))));
}
