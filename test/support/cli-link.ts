/** A link that was just mailed, a folder to download into, and what the service says of it. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { changed, startProxy, type Rule } from "./cli-proxy.ts";
import { startCli, type CliOptions, type CliResult, type RunningCli } from "./cli.ts";
import type { TestServer } from "./embedded.ts";
import { call, createFactory } from "./owner.ts";

export interface Mailed {
  readonly server: TestServer;
  readonly factory: string;
  readonly link: string;
  readonly folder: string;
  /** Where `-o` puts the archive. */
  readonly output: string;
}

export async function mailLink(server: TestServer, factory: string): Promise<Mailed> {
  const { link } = await createFactory(server, factory);
  const folder = join(server.folder, "downloads", factory);
  mkdirSync(folder, { recursive: true });
  return { server, factory, link, folder, output: join(folder, "key.tgz") };
}

/** What the service says of the delivery: ready, claimed, confirmed or expired. */
export async function deliveryState({ server, factory }: Mailed): Promise<string> {
  const { body } = await call(`${server.url}/ota/factories/${factory}/`, {
    token: server.adminToken,
  });
  return (body["delivery"] as { readonly state: string }).state;
}

/** `keys download` of the link, with `-o` unless told otherwise. */
function startDownload(
  { link, output, folder }: Mailed,
  options: CliOptions = {},
  args: readonly string[] = ["-o", output],
): RunningCli {
  return startCli(["keys", "download", "-", ...args, "--json"], {
    cwd: folder,
    ...options,
    input: link,
  });
}

export async function download(
  mailed: Mailed,
  options: CliOptions = {},
  args?: readonly string[],
): Promise<CliResult> {
  return startDownload(mailed, options, args).result;
}

/** Downloads through a proxy; `rule` gets hold of the run, to kill it. */
export async function downloadVia(
  mailed: Mailed,
  rule: (run: () => Promise<RunningCli>) => Rule,
  args?: readonly string[],
  options: CliOptions = {},
): Promise<CliResult & { readonly requests: readonly string[] }> {
  const running = Promise.withResolvers<RunningCli>();
  const { server, link } = mailed;
  const own = rule(() => running.promise);
  const state = { url: "" };
  const proxy = await startProxy(server.url, (request, forward) =>
    own(request, async () => {
      const reply = await forward();
      if (request.path !== "/download/claim" || reply.status !== 200) return reply;
      // The archive is fetched through the proxy too.
      return changed(reply, (body) => ({
        ...body,
        archiveUrl: String(body["archiveUrl"]).replace(server.url, state.url),
      }));
    }),
  );
  state.url = proxy.url;
  const run = startDownload(
    { ...mailed, link: link.replace(server.url, proxy.url) },
    options,
    args,
  );
  running.resolve(run);
  const result = await run.result;
  await proxy.close();
  return { ...result, requests: proxy.requests.map((line) => line.replace(/\?.*/, "")) };
}

/** The SHA-256 of a file, and what else lies in its folder. */
export function saved({ folder, output }: Mailed): { sha256: string; left: readonly string[] } {
  const left = readdirSync(folder).filter((name) => name !== "key.tgz" && !name.endsWith(".tmp"));
  return { sha256: sha256(readFileSync(output)), left };
}
