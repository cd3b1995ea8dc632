/**
 * The real fioctl as a process: one run for each command, with a home folder and a configuration of its
 * own, and a limit on time, because fioctl has none. It is built outside of this repository; the
 * environment variable FIOCTL names it.
 */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import type { Account } from "../../test/support/fioctl/factory.ts";

const TIME_LIMIT = 60_000;

/** fioctl 0.30 replaced direct submissions by staged root updates. */
export type Generation = "staged" | "direct";

export interface Printed {
  readonly ok: boolean;
  /** Everything on stdout and stderr. */
  readonly text: string;
}

/** Where fioctl finds the service, and how it proves who it is. */
export interface Login extends Account {
  /** `oauth` sends the token as an OAuth access token. */
  readonly by: "token" | "oauth";
  /** The folder of this user's home and configuration. */
  readonly folder: string;
}

/** Runs `fioctl -c CONFIG ARGS`. A run that exceeds the limit fails. */
export async function runFioctl(binary: string, login: Login, args: readonly string[]) {
  mkdirSync(login.folder, { recursive: true });
  const config = join(login.folder, "fioctl.yaml");
  writeFileSync(config, configuration(login), { mode: 0o600 });
  // API_URL is how releases before 0.34 name the server.
  const own = { PATH: env["PATH"], HOME: login.folder, API_URL: login.url };
  const options = { env: own, timeout: TIME_LIMIT };
  return new Promise<Printed>((resolve) => {
    execFile(binary, ["-c", config, ...args], options, (error, stdout, stderr) => {
      resolve({ ok: error === null, text: stdout + stderr });
    });
  });
}

function configuration({ factory, token, url, by }: Login): string {
  const server = `factory: ${factory}\nserver:\n  url: ${url}\n`;
  if (by === "token") return `${server}token: ${token}\n`;
  const created = new Date().toISOString();
  return `${server}clientcredentials:
  client_id: test
  client_secret: test
  token_type: bearer
  access_token: ${token}
  url: ${url}/oauth
  created: "${created}"
  expires_in: 36000
`;
}

/** @throws where the binary does not run */
export async function generationOf(
  binary: string,
): Promise<{ readonly generation: Generation; readonly help: string }> {
  const shown = async (command: string): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(binary, ["keys", command, "--help"], (error, stdout) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${binary} does not run: ${error.message}`));
      });
    });
  const tuf = await shown("tuf");
  const generation =
    tuf.includes("download-roots") || /^ +updates /m.test(tuf) ? "staged" : "direct";
  return { generation, help: generation === "staged" ? tuf : tuf + (await shown("rotate-root")) };
}
