/** `rootward serve` and `rootward signer` as processes: what a signal, a crash and a missing part do to them. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BIN = new URL("../../bin/rootward.js", import.meta.url);

export interface ServerProcess {
  readonly url: string;
  readonly adminToken: string;
  /** What it told its operator so far. */
  readonly said: () => string;
  /** The exit code, once there is one; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  /** SIGKILL to the process that was started, and waits for its end. */
  kill(): Promise<void>;
  /** SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
}

/**
 * @param folder has the data folder `data` and the outbox `outbox`
 * @param program another checkout's bin/rootward.js, for a comparison
 * @throws with what was said on stderr if it ends before it listens
 */
export async function spawnServer(
  folder: string,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  program = BIN,
): Promise<ServerProcess> {
  const data = join(folder, "data");
  const args = ["serve", "--data", data, "--outbox", join(folder, "outbox"), "--port", "0"];
  const { child, found, said } = await spawnUntil(
    [...args, ...flags],
    /^listening on (\S+)\n/,
    env,
    program,
  );
  const adminToken = readFileSync(join(data, "admin.token"), "utf8").trim();
  return { url: found, adminToken, said, ...endings(child) };
}

/** @param socket a path short enough for a Unix socket */
export async function spawnSigner(folder: string, socket: string) {
  const args = ["signer", "--signer-data", folder, "--signer", socket];
  const { child } = await spawnUntil(args, /^signing on (\S+)\n/);
  return endings(child);
}

async function spawnUntil(
  args: readonly string[],
  first: RegExp,
  env: NodeJS.ProcessEnv = {},
  program = BIN,
) {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let output = "";
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    output += chunk.toString();
    const found = first.exec(output)?.[1];
    if (found !== undefined) return { child, found, said: () => errors };
  }
  throw new Error(`${args[0]} did not come up: ${errors}`);
}

function endings(child: ChildProcess): Pick<ServerProcess, "ended" | "kill" | "stop"> {
  const ended = once(child, "exit").then(([code]) => code as number | null);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return ended;
  };
  return {
    ended,
    kill: async () => {
      await end("SIGKILL");
    },
    stop: () => end("SIGTERM"),
  };
}
