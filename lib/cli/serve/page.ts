/** Bundles the download page from the same pure code that the CLI uses; done once, at the start. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { RootwardError } from "../../error.ts";
import type { Page } from "../../http/download.ts";

function webFile(name: string): string {
  return fileURLToPath(new URL(`../../web/${name}`, import.meta.url));
}

export async function bundlePage(): Promise<Page> {
  const result = await build({
    entryPoints: [webFile("download.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    write: false,
    logLevel: "silent",
  });
  const script = result.outputFiles[0]?.text;
  if (script === undefined) throw new RootwardError("internal", "the page was not bundled");
  return {
    html: await readFile(webFile("download.html"), "utf8"),
    style: await readFile(webFile("download.css"), "utf8"),
    script,
  };
}
