/**
 * `rootward serve`: two processes. This one holds the master key and the online keys, answers the
 * requests of a signer's client, and opens no port. The other one is what the network reaches; it
 * runs under Node's permission model, which lets it read its code and touch the service's own files.
 * That fence has gaps (node:sqlite does not obey it). A user of its own for each process is the real
 * one: `rootward signer` and `--signer`, docs/operations.md.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { prepareData } from "../../adapters/embedded/open.ts";
import { openSigner, type OpenSigner } from "../../adapters/embedded/open-signer.ts";
import { answerOn } from "../../adapters/embedded/signer-channel.ts";
import { RootwardError } from "../../error.ts";
import { sparing } from "../../service/reporting.ts";
import { answer } from "../../signing/operations.ts";
import { line } from "../../text/line.ts";
import { bundlePage } from "./page.ts";
import { checkPublicUrl } from "./public-url.ts";
import { lockFolder } from "./folder-lock.ts";
import { SIGNER_PIPE, type Orders } from "./orders.ts";
import { reportLine, type Terminal } from "../terminal.ts";
import { makeFolder } from "../../files.ts";

export interface LaunchOptions {
  readonly data: string;
  readonly outbox: string;
  readonly port: number;
  readonly host: string;
  readonly publicUrl: string | undefined;
  /** The socket of a signer that runs by itself, or where the one in this process keeps its own. */
  readonly signer: { readonly socket: string } | SignerFiles;
}

interface SignerFiles {
  readonly folder: string;
  readonly masterKeyFile: string;
  readonly onlineKeys: string;
}

/** Runs until a signal ends it. @returns the exit code of the process that served */
export async function launch(options: LaunchOptions, terminal: Terminal): Promise<number> {
  const { data, signer } = options;
  const publicUrl = checkPublicUrl(options);
  process.umask(0o077);
  // Before anything is made or removed in there.
  const locks = [lockFolder(data, "serve", terminal.note)];
  if (!("socket" in signer)) locks.push(lockFolder(signer.folder, "signer", terminal.note));
  try {
    return await launchLocked(options, publicUrl, terminal);
  } finally {
    for (const lock of locks) lock.release();
  }
}

async function launchLocked(
  options: LaunchOptions,
  publicUrl: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const { data, outbox, signer, ...rest } = options;
  // Before the key is read: the bundler is the one foreign program that runs in this process.
  const page = await bundlePage();
  const { adminTokenFile } = await prepareData(data);
  for (const folder of serviceFolders(options)) makeFolder(folder);
  assertToldApart(options);
  if (!("socket" in signer)) assertOutOfReach(options, signer);
  const own =
    "socket" in signer
      ? null
      : await openSigner({
          ...signer,
          dataFolder: data,
          log: (text) => terminal.note(line`${text}`),
        });
  try {
    const child = spawnServing(options, own);
    const orders: Orders = {
      ...rest,
      data: realpathSync(data),
      outbox: realpathSync(outbox),
      publicUrl,
      page,
      adminTokenFile,
      signerSocket: "socket" in signer ? signer.socket : null,
    };
    // Never ended: its end tells the other process that this one is gone.
    child.stdin?.on("error", () => undefined);
    child.stdin?.write(`${JSON.stringify(orders)}\n`);
    const report = sparing((what, error) => terminal.note(reportLine(what, error)), Date.now);
    if (own !== null) answerOn(pipeOf(child), (request) => answer(own, request, report));
    if (own !== null)
      terminal.note(line`process ${process.pid} holds the keys, ${child.pid ?? "?"} serves`);
    return await served(child);
  } finally {
    own?.close();
  }
}

function spawnServing(options: LaunchOptions, own: OpenSigner | null): ChildProcess {
  const file = fileURLToPath(new URL("serve-process.ts", import.meta.url));
  return spawn(process.execPath, [...servingFlags(options), file], {
    stdio: ["pipe", "inherit", "inherit", own === null ? "ignore" : "pipe"],
    // Nothing of this process's environment, in which there may be tokens.
    env: {},
  });
}

/** Node's flags for the rights of the process that serves. Folders must be there. */
export function servingFlags(options: ServiceFiles): readonly string[] {
  return [
    "--disable-warning=ExperimentalWarning",
    "--disallow-code-generation-from-strings",
    "--permission",
    ...codeFolders().map((path) => `--allow-fs-read=${path}`),
    ...servicePaths(options).flatMap((path) => [
      `--allow-fs-read=${path}`,
      `--allow-fs-write=${path}`,
    ]),
  ];
}

/** Given /var/mail and /var/mail-data, Node's permission model (24.21) denies the first. */
function assertToldApart(options: ServiceFiles): void {
  const all = [...codeFolders(), ...servicePaths(options)];
  for (const one of all) {
    const other = all.find((path) => path.startsWith(one) && !`${path}/`.startsWith(`${one}/`));
    if (other === undefined) continue;
    throw new RootwardError(
      "usage",
      `${one} and ${other} begin alike, and Node would open only one of them: choose another name`,
    );
  }
}

/** An outbox, say, that holds the data folder would open the keys to the process that serves. */
function assertOutOfReach(options: ServiceFiles, { folder, masterKeyFile }: SignerFiles): void {
  const own = [folder, masterKeyFile].map((path) => realPath(resolve(path)));
  for (const open of [...codeFolders(), ...servicePaths(options)]) {
    const inside = own.find((path) => path === open || path.startsWith(`${open}/`));
    if (inside === undefined) continue;
    throw new RootwardError(
      "usage",
      `${inside} is inside ${open}, which the process that serves may read: keep them apart`,
    );
  }
}

/** The real path of what may not be there yet. */
function realPath(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realPath(dirname(path)), basename(path));
}

/** Where the code of the service and of its packages lies. */
function codeFolders(): readonly string[] {
  const lib = fileURLToPath(new URL("../..", import.meta.url));
  const hono = fileURLToPath(import.meta.resolve("hono"));
  const packages = hono.slice(0, hono.lastIndexOf("/node_modules/") + "/node_modules/".length);
  return [realpathSync(lib), realpathSync(packages)];
}

type ServiceFiles = Pick<LaunchOptions, "data" | "outbox">;

function serviceFolders({ data, outbox }: ServiceFiles): readonly string[] {
  return [join(data, "archives"), join(data, "shares"), outbox];
}

/** Not the whole data folder: the master key and the signer's records may lie in it. */
function servicePaths(options: ServiceFiles): readonly string[] {
  const data = realpathSync(options.data);
  const folders = serviceFolders(options).map((folder) => realpathSync(folder));
  // With the star the files that SQLite keeps beside it.
  return [...folders, join(data, "rootward.db*"), join(data, "admin.token")];
}

function pipeOf(child: ChildProcess): Duplex {
  return child.stdio[SIGNER_PIPE] as Duplex;
}

async function served(child: ChildProcess): Promise<number> {
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.on("SIGTERM", pass).on("SIGINT", pass);
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}
