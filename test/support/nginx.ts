/** nginx with docs/nginx.conf in front of a server here: the same file, but for its names and TLS. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const CONFIGURATION = new URL("../../docs/nginx.conf", import.meta.url);
const TEMPORARY = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

export const hasNginx = spawnSync("nginx", ["-v"]).status === 0;

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** @param change what a test needs otherwise, by what is in the file */
export async function startNginx(
  upstream: string,
  change: Readonly<Record<string, string>> = {},
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-nginx-"));
  const port = await freePort();
  const text = configuration(port, upstream, change);
  writeFileSync(join(folder, "rootward.conf"), text);
  const paths = TEMPORARY.map((name) => `${name}_temp_path ${join(folder, name)};`);
  for (const name of TEMPORARY) mkdirSync(join(folder, name));
  const main = `pid ${folder}/pid; error_log stderr crit; events {}
    http { access_log off; ${paths.join(" ")} include ${folder}/rootward.conf; }`;
  writeFileSync(join(folder, "nginx.conf"), main);
  const child = spawn(
    "nginx",
    ["-p", folder, "-c", join(folder, "nginx.conf"), "-g", "daemon off; master_process off;"],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, "exit");
  for (let i = 0; i < 100 && !(await listens(port)); i += 1) {
    if (child.exitCode !== null) throw new Error(`nginx did not come up: ${said}`);
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

function configuration(
  port: number,
  upstream: string,
  change: Readonly<Record<string, string>>,
): string {
  const changes = {
    "listen 443 ssl;": `listen 127.0.0.1:${port};`,
    "127.0.0.1:8787": new URL(upstream).host,
    ...change,
  };
  let text = readFileSync(CONFIGURATION, "utf8").replaceAll(/^ *ssl_.*$/gm, "");
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`docs/nginx.conf has no ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
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
