/** A real embedded server in a temporary folder, in this process, with a clock that a test may move. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, type RunningServer } from "../../lib/cli/serve.ts";

export interface TestServer {
  readonly url: string;
  readonly adminToken: string;
  readonly folder: string;
  readonly data: string;
  readonly outbox: string;
  /** Lines that the server told its operator. */
  readonly log: readonly string[];
  /** Moves the clock; milliseconds. */
  advance(by: number): void;
  /** Stops the server and starts another on the same folder (and another port). */
  restart(): Promise<TestServer>;
  stop(): Promise<void>;
  /** Stops the server and removes its folder. */
  remove(): Promise<void>;
}

export async function startServer(folder?: string, offset = 0): Promise<TestServer> {
  const home = folder ?? mkdtempSync(join(tmpdir(), "rootward-test-"));
  const [data, outbox] = [join(home, "data"), join(home, "outbox")];
  const clock = { offset };
  const log: string[] = [];
  const server: RunningServer = await serve({
    data,
    outbox,
    masterKeyFile: join(data, "master.key"),
    port: 0,
    host: "127.0.0.1",
    publicUrl: undefined,
    log: (line) => log.push(line),
    now: () => Date.now() + clock.offset,
    // Tests that want the schedule start it by themselves, by restarting.
    scheduleEvery: 3_600_000,
  });
  return {
    url: server.url,
    adminToken: readFileSync(server.adminTokenFile, "utf8").trim(),
    folder: home,
    data,
    outbox,
    log,
    advance: (by) => {
      clock.offset += by;
    },
    restart: async () => {
      await server.close();
      return startServer(home, clock.offset);
    },
    stop: () => server.close(),
    remove: async () => {
      await server.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
