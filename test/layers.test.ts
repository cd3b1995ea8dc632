/**
 * The layers hold, and the checker that says so sees violations: a canary file with forbidden
 * imports must be refused. Pure code bundles for a browser unchanged, without anything of Node.
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);

/** What the checker prints about a file or a folder; empty if it finds nothing. */
async function check(path: string): Promise<string> {
  const tool = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const args = [tool, "--config", ".dependency-cruiser.cjs", "--output-type", "err", path];
  try {
    await run(process.execPath, args, { cwd: root });
    return "";
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
}

const CANARIES = [
  ["lib/tuf", "node:crypto", "pure-code-is-pure"],
  ["lib/state", "node:fs", "pure-code-is-pure"],
  ["lib/delivery", "hono", "pure-code-is-pure"],
  ["lib/tuf", "../state/head.ts", "tuf-stands-alone"],
  ["lib/delivery", "../state/head.ts", "delivery"],
  ["lib/text", "../state/head.ts", "text"],
  ["lib/api", "../state/head.ts", "api"],
  ["lib/api", "../service/service.ts", "api"],
  ["lib/api", "hono", "pure-code-is-pure"],
  ["lib/service", "../adapters/embedded/open.ts", "service"],
  ["lib/service", "../signing/boundary.ts", "service"],
  ["lib/http", "../adapters/embedded/open.ts", "http"],
  ["lib/web", "../service/delivery/deliver.ts", "web"],
  ["lib/web", "node-forge", "node-forge-behind-crypto"],
  ["lib/cli", "node-forge", "node-forge-behind-crypto"],
  ["lib/infra", "../service/service.ts", "infra"],
  ["lib/infra", "../adapters/aws/heads.ts", "infra"],
  ["lib/lambda", "../adapters/embedded/open.ts", "lambda"],
  ["lib/http", "aws-cdk-lib", "cdk-stays-in-infra"],
  ["lib/lambda", "../../lambdas/roots.ts", "lambdas-compose"],
] as const;

describe("the checker sees", () => {
  async function expectSeen(
    folder: string,
    imported: string,
    rule: string,
    path = (file: string) => file,
    prefix = "",
  ): Promise<void> {
    const file = join(folder, `${prefix}canary-${rule}-${process.pid}.ts`);
    writeFileSync(join(root, file), `import * as all from "${imported}";\nexport default all;\n`);
    try {
      expect(await check(path(file))).toContain(`error ${rule}`);
    } finally {
      rmSync(join(root, file));
    }
  }

  test.each(["lib/http/devices", "lib/service/read", "lib/service/store"])(
    "%s reaching what commits",
    async (reader) => {
      const rule = "reads-never-write";
      const [, folder, name] = /^(.*)\/(.*)$/.exec(reader) ?? [];
      await expectSeen(
        folder ?? "",
        "../service/roots/submit-root.ts",
        rule,
        undefined,
        `${name}.`,
      );
    },
  );

  test.each(CANARIES)("%s importing %s", async (folder, imported, rule) => {
    await expectSeen(folder, imported, rule);
  });

  // Without a parser for TypeScript it passes over all such files of a folder in silence.
  test("TypeScript in a folder", async () => {
    await expectSeen("lib/text", "../state/head.ts", "text", () => "lib/text");
  });
});

test("pure code bundles for the browser", async () => {
  const entries = [
    "lib/tuf/submitted-root.ts",
    "lib/tuf/chain.ts",
    "lib/tuf/roles.ts",
    "lib/tuf/role-document.ts",
    "lib/state/transition.ts",
    "lib/state/delivery.ts",
    "lib/state/roles.ts",
    "lib/delivery/sealing.ts",
    "lib/api/api.ts",
    "lib/archive/keys.ts",
    "lib/archive/trust.ts",
    "lib/archive/archive.ts",
    "lib/archive/delivered.ts",
    "lib/archive/private-half.ts",
  ];
  const result = await build({
    entryPoints: entries.map((entry) => join(root, entry)),
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    outdir: "unused",
    logLevel: "silent",
  });
  expect(result.errors).toEqual([]);
  expect(result.outputFiles).toHaveLength(entries.length);
});

test("composition files stay short", () => {
  const bin = ["rootward.ts", "rootward.js", "require-node.js", "app.ts"];
  const lambdas = readdirSync(join(root, "lambdas"));
  expect(lambdas).toHaveLength(6);
  for (const file of [
    ...bin.map((name) => `bin/${name}`),
    ...lambdas.map((name) => `lambdas/${name}`),
  ]) {
    expect(readFileSync(join(root, file), "utf8").split("\n").length).toBeLessThanOrEqual(41);
  }
});
