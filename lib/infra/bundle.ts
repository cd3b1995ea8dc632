/**
 * The functions as folders of ESM, each with what it needs and nothing else. What is only asked for in
 * rare cases stays a chunk of its own, which is read when it is asked for.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { FUNCTIONS, type FunctionName } from "../settings.ts";

/** Packages that are not ESM call it for what Node has built in. */
const REQUIRE = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);`;

export interface Bundle {
  readonly folder: string;
  readonly inputs: Metafile["inputs"];
}

/**
 * @param folder made anew, with a folder for each function
 * @param page the download page, which `deliver` carries as page.json
 */
export async function bundleFunctions(
  folder: string,
  page: object,
): Promise<Readonly<Record<FunctionName, Bundle>>> {
  rmSync(folder, { recursive: true, force: true });
  const bundles = FUNCTIONS.map(async (name) => {
    const bundle = await bundleFunction(name, join(folder, name));
    if (name === "deliver") writeFileSync(join(folder, name, "page.json"), JSON.stringify(page));
    return [name, bundle];
  });
  return Object.fromEntries(await Promise.all(bundles)) as Record<FunctionName, Bundle>;
}

async function bundleFunction(name: FunctionName, folder: string): Promise<Bundle> {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { index: fileURLToPath(new URL(`../../lambdas/${name}.ts`, import.meta.url)) },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    minify: true,
    metafile: true,
    banner: { js: REQUIRE },
    logLevel: "silent",
  });
  return { folder, inputs: metafile.inputs };
}
