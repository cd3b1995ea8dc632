/**
 * The proxies of docs/nginx.conf and docs/Caddyfile in front of a server here: the same files, but for
 * their names and TLS.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface RunningProxy {
  readonly url: string;
  stop(): Promise<void>;
}

export interface TlsProxy {
  /** The file that is tested. */
  readonly file: string;
  /** Whether its program is on this machine. */
  readonly here: boolean;
  /** @param change what a test needs otherwise, by what is in the file */
  start(upstream: string, change?: Readonly<Record<string, string>>): Promise<RunningProxy>;
}

type Change = Readonly<Record<string, string>>;

const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

export const NGINX: TlsProxy = {
  file: "docs/nginx.conf",
  here: spawnSync("nginx", ["-v"]).status === 0,
  start: async (upstream, change) => {
    const port = await freePort();
    return run(port, (folder) => {
      const names = { "listen 443 ssl;": `listen 127.0.0.1:${port};` };
      const text = changed(NGINX.file, { ...names, ...to(upstream), ...change });
      writeFileSync(join(folder, "rootward.conf"), text.replaceAll(/^ *ssl_.*$/gm, ""));
      const paths = TEMPORARY.map((name) => `${name}_temp_path ${join(folder, name)};`);
      for (const name of TEMPORARY) mkdirSync(join(folder, name));
      const main = `pid ${folder}/pid; error_log stderr crit; events {}
        http { access_log off; ${paths.join(" ")} include ${folder}/rootward.conf; }`;
      writeFileSync(join(folder, "nginx.conf"), main);
      const one = ["-g", "daemon off; master_process off;"];
      return ["nginx", "-p", folder, "-c", join(folder, "nginx.conf"), ...one];
    });
  },
};

export const CADDY: TlsProxy = {
  file: "docs/Caddyfile",
  here: spawnSync("caddy", ["version"]).status === 0,
  start: async (upstream, change) => {
    const port = await freePort();
    return run(port, (folder) => {
      const names = { "rootward.example.com {": `http://:${port} {`, "\tservers {": OWN_SERVERS };
      const text = changed(CADDY.file, { ...names, ...to(upstream), ...change });
      writeFileSync(join(folder, "Caddyfile"), text);
      return ["caddy", "run", "--adapter", "caddyfile", "--config", join(folder, "Caddyfile")];
    });
  },
};

/** No port of its own for administration. */
const OWN_SERVERS = "\tadmin off\n\tservers {";

const to = (upstream: string): Change => ({ "127.0.0.1:8787": new URL(upstream).host });

function changed(file: string, changes: Change): string {
  let text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  for (const [from, into] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
    text = text.replaceAll(from, into);
  }
  return text;
}

/** @param prepare writes the configuration into a folder, and gives the command */
async function run(
  port: number,
  prepare: (folder: string) => readonly string[],
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-proxy-"));
  const [program = "", ...args] = prepare(folder);
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, "exit");
  for (let i = 0; i < 200 && !(await listens(port)); i += 1) {
    if (child.exitCode !== null) throw new Error(`${program} did not come up: ${said}`);
    await sleep(50);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      // It keeps nothing that an end by force could harm.
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const outcome = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "close").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}
