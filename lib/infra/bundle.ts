/**
 * The functions as folders of ESM, each with what it needs and nothing else. Code for rare cases stays in
 * files of its own, which are read on demand: every start waits for the files that it reads, and most
 * invocations need little.
 *
 * The bundler takes of a file what is used, but all of one that is asked for by `import()`, and also
 * where nobody calls the function that asks. So only files of ours are asked for, by files that all
 * who have them need.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Metafile } from "esbuild";
import { FUNCTIONS, type FunctionName } from "../settings.ts";

/** Packages that are not ESM call it for what Node has built in. */
const REQUIRE = `import{createRequire}from"node:module";const require=createRequire(import.meta.url);`;

/** The modules of a bundle, or of a part of it. */
interface Content {
  /** Names of files in the bundle's folder. */
  readonly files: readonly string[];
  /** Paths of the sources that left something in them. */
  readonly sources: readonly string[];
  readonly bytes: number;
}

export interface Bundle {
  readonly folder: string;
  readonly whole: Content;
  /** The files that a start reads: the entry, and all static imports from there. */
  readonly start: Content;
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
    const entry = fileURLToPath(new URL(`../../lambdas/${name}.ts`, import.meta.url));
    const bundle = await bundleFunction(entry, join(folder, name));
    if (name === "deliver") writeFileSync(join(folder, name, "page.json"), JSON.stringify(page));
    return [name, bundle];
  });
  return Object.fromEntries(await Promise.all(bundles)) as Record<FunctionName, Bundle>;
}

/** @param entry the source file; in `folder` it is index.mjs */
export async function bundleFunction(entry: string, folder: string): Promise<Bundle> {
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { index: entry },
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
  const { outputs } = metafile;
  const all = Object.keys(outputs);
  const first = all.filter((file) => basename(file) === "index.mjs");
  return {
    folder,
    whole: contentOf(outputs, all),
    start: contentOf(outputs, reached(outputs, first)),
  };
}

type Outputs = Metafile["outputs"];

function contentOf(outputs: Outputs, files: readonly string[]): Content {
  const parts = files.flatMap((file) => outputs[file] ?? []);
  const inputs = parts.flatMap(({ inputs: all }) => Object.entries(all));
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return {
    files: files.map((file) => basename(file)),
    sources: used.map(([source]) => source),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Those and what they import; not what they ask for by `import()`, which is when it is needed. */
function reached(outputs: Outputs, files: readonly string[]): readonly string[] {
  const found = new Set(files);
  // It grows while it is gone through.
  for (const file of found) {
    for (const { path, kind, external } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement" && external !== true) found.add(path);
    }
  }
  return [...found];
}
