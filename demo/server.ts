/** The service and the command line as processes of their own, as a person runs them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../bin/rootward.js", import.meta.url));

interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DemoServer {
  readonly url: string;
  readonly adminToken: string;
  readonly data: string;
  readonly outbox: string;
  /** Runs `rootward ARGS`; a failure is an error with its words. */
  cli(args: readonly string[], token?: string, input?: string): Promise<CliResult>;
  /** The same, where a failure is expected. */
  tryCli(args: readonly string[], token?: string, input?: string): Promise<CliResult>;
  /** How many server shares the service holds. */
  countShares(): number;
  stop(): Promise<void>;
}

export async function startDemoServer(folder: string): Promise<DemoServer> {
  const home = join(folder, "service");
  const [data, outbox] = [join(home, "data"), join(home, "outbox")];
  mkdirSync(home);
  const child = spawn(
    process.execPath,
    [bin, "serve", "--data", data, "--outbox", outbox, "--port", "0"],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  child.stderr.on("data", (chunk: Buffer) => {
    // Where its token is, is no news here; anything else is.
    if (!chunk.toString().startsWith("admin token: ")) process.stderr.write(chunk);
  });
  const url = await firstLine(child.stdout);
  const state = join(folder, "owner-state");
  const tryCli: DemoServer["tryCli"] = (args, token, input) =>
    runCli({ ROOTWARD_SERVER: url, ROOTWARD_TOKEN: token, XDG_STATE_HOME: state }, args, input);
  return {
    url,
    adminToken: readFileSync(join(data, "admin.token"), "utf8").trim(),
    data,
    outbox,
    tryCli,
    cli: async (args, token, input) => {
      const result = await tryCli(args, token, input);
      if (result.code !== 0) throw new Error(`rootward ${args.join(" ")}: ${result.stderr}`);
      return result;
    },
    countShares: () => {
      return readdirSync(join(data, "shares")).length;
    },
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let output = "";
  for await (const chunk of stream) {
    output += String(chunk);
    const url = /^listening on (\S+)\n/.exec(output)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("the service did not start");
}

async function runCli(
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  input = "",
): Promise<CliResult> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, ...env } });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(`${input}\n`);
  await once(child, "close");
  return { code: child.exitCode ?? 1, stdout, stderr };
}
