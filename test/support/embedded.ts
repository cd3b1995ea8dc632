/**
 * A real embedded server in a temporary folder, in this process, with a clock that a test may move.
 * The signer is at the other end of a stream, as it is when it has a process of its own.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { machineUptime } from "../../lib/adapters/embedded/clock-record.ts";
import { prepareData } from "../../lib/adapters/embedded/open.ts";
import { openSigner } from "../../lib/adapters/embedded/open-signer.ts";
import { answerOn, callOver } from "../../lib/adapters/embedded/signer-channel.ts";
import { bundlePage } from "../../lib/cli/serve/page.ts";
import { serve, type RunningServer } from "../../lib/cli/serve/serve.ts";
import type { ServerLimits } from "../../lib/http/limits.ts";
import { answer } from "../../lib/signing/operations.ts";
import { remoteSigner } from "../../lib/signing/remote.ts";

export interface TestServer {
  readonly url: string;
  readonly adminToken: string;
  readonly folder: string;
  readonly data: string;
  readonly outbox: string;
  /** Lines that the server told its operator. */
  readonly log: readonly string[];
  /** Time passes; milliseconds. */
  advance(by: number): void;
  /** Sets the clock, and no time passes; milliseconds. */
  setClock(by: number): void;
  /** Stops the server and starts another on the same folder (and another port). */
  restart(): Promise<TestServer>;
  stop(): Promise<void>;
  /** Stops the server and removes its folder. */
  remove(): Promise<void>;
}

/** @param limits of its sockets, instead of those that it is run with */
export async function startServer(
  folder?: string,
  offset = 0,
  limits?: ServerLimits,
  wrong = 0,
): Promise<TestServer> {
  const home = folder ?? mkdtempSync(join(tmpdir(), "rootward-test-"));
  const [data, outbox] = [join(home, "data"), join(home, "outbox")];
  const clock = { offset, wrong };
  const log: string[] = [];
  const now = (): number => Date.now() + clock.offset + clock.wrong;
  // Where a test moves the clock, time passes.
  const uptime = (): number => machineUptime() + clock.offset;
  const { adminTokenFile } = await prepareData(data);
  const own = await openSigner({
    folder: join(data, "signer"),
    masterKeyFile: join(data, "master.key"),
    dataFolder: data,
    now,
    uptime,
  });
  const [here, there] = duplexPair();
  answerOn(there, (request) =>
    answer(own, request, (what, error) => log.push(`${what}: ${String(error)}`)),
  );
  const server: RunningServer = await serve({
    data,
    outbox,
    signer: await remoteSigner(callOver(here)),
    page: await bundlePage(),
    port: 0,
    host: "127.0.0.1",
    publicUrl: undefined,
    log: (line) => log.push(String(line)),
    now,
    uptime,
    // Tests that want the schedule start it by themselves, by restarting.
    scheduleEvery: 3_600_000,
    ...(limits && { limits }),
  }).catch((error: unknown) => {
    own.close();
    throw error;
  });
  const stop = async (): Promise<void> => {
    await server.close();
    here.destroy();
    own.close();
  };
  return {
    url: server.url,
    adminToken: readFileSync(adminTokenFile, "utf8").trim(),
    folder: home,
    data,
    outbox,
    log,
    advance: (by) => {
      clock.offset += by;
    },
    setClock: (by) => {
      clock.wrong += by;
    },
    restart: async () => {
      await stop();
      return startServer(home, clock.offset, limits, clock.wrong);
    },
    stop,
    remove: async () => {
      await stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
