/**
 * The service of one story: `rootward serve` as a process, which a story may kill; or, where a story
 * moves the clock, the same server in this process.
 */
import { startServer } from "../../test/support/embedded.ts";
import type { Host } from "../../test/support/fioctl/factory.ts";
import { spawnServer } from "../../test/support/server-process.ts";

export interface Service extends Host {
  /** SIGKILL, and another start on the same folder, at another address. */
  kill(): Promise<void>;
  /** Moves the clock, and has the schedule run. At another address afterwards. */
  pass(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** @param behind how far the clock is behind at first; milliseconds */
export async function startService(folder: string, behind: number): Promise<Service> {
  return behind === 0 ? spawned(folder) : inThisProcess(folder, behind);
}

async function inThisProcess(folder: string, behind: number): Promise<Service> {
  let server = await startServer(folder, -behind);
  return {
    folder,
    get url() {
      return server.url;
    },
    get adminToken() {
      return server.adminToken;
    },
    kill: () => Promise.reject(new Error("a server in this process cannot be killed")),
    pass: async (milliseconds) => {
      server.advance(milliseconds);
      // A server that starts runs its schedule, and one that stops waits for it.
      server = await (await server.restart()).restart();
    },
    stop: () => server.stop(),
  };
}

async function spawned(folder: string): Promise<Service> {
  let server = await spawnServer(folder);
  return {
    folder,
    get url() {
      return server.url;
    },
    get adminToken() {
      return server.adminToken;
    },
    kill: async () => {
      await server.kill();
      server = await spawnServer(folder);
    },
    pass: () => Promise.reject(new Error("only a server in this process has a clock to move")),
    stop: () => server.kill(),
  };
}
