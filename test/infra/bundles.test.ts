/** What each function carries: what it needs, and nothing that somebody could use against it. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { bundlePage } from "../../lib/cli/page.ts";
import { bundleFunctions, type Bundle } from "../../lib/infra/bundle.ts";
import { FUNCTIONS, type FunctionName } from "../../lib/settings.ts";

let bundles: Readonly<Record<FunctionName, Bundle>>;

const folder = mkdtempSync(join(tmpdir(), "rootward-bundles-"));
beforeAll(async () => {
  bundles = await bundleFunctions(folder, await bundlePage());
});

afterAll(() => rmSync(folder, { recursive: true }));

const files = (name: FunctionName): readonly string[] => Object.keys(bundles[name].inputs);
const carriers = (part: string): readonly string[] =>
  FUNCTIONS.filter((name) => files(name).some((file) => file.includes(part)));

describe("who carries", () => {
  test.each([
    ["node_modules/aws-cdk-lib/", []],
    ["node_modules/esbuild/", []],
    ["lib/cli/", []],
    ["lib/infra/", []],
    ["lib/adapters/embedded/", []],
    ["lib/signing/boundary.ts", ["signer"]],
    ["lib/adapters/aws/signer-records.ts", ["signer"]],
    ["lib/adapters/aws/kms-keys.ts", ["signer"]],
    ["lib/crypto/signing-key.ts", ["bootstrap", "signer"]],
    ["node_modules/node-forge/", ["bootstrap"]],
    ["lib/adapters/aws/shares.ts", ["bootstrap", "deliver", "refresh"]],
    ["lib/adapters/aws/archives.ts", ["bootstrap", "deliver", "refresh"]],
    ["lib/service/submit-root.ts", ["roots"]],
    ["lib/service/deliver.ts", ["bootstrap", "deliver"]],
    ["lib/service/tend.ts", ["refresh"]],
    ["node_modules/@aws-sdk/client-sesv2/", ["bootstrap", "deliver", "roots", "refresh"]],
    ["node_modules/@aws-sdk/client-lambda/", ["bootstrap", "roots", "refresh"]],
    ["node_modules/hono/", ["bootstrap", "deliver", "roots", "metadata"]],
  ])("%s: %j", (part, expected) => {
    expect(carriers(part)).toEqual(expected);
  });
});

test("each is small enough to start quickly", () => {
  for (const name of FUNCTIONS) {
    expect(statSync(join(bundles[name].folder, "index.mjs")).size).toBeLessThan(1_000_000);
  }
  expect(statSync(join(bundles.metadata.folder, "index.mjs")).size).toBeLessThan(300_000);
});

test("deliver carries the page as it is served", async () => {
  const file = join(bundles.deliver.folder, "page.json");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(await bundlePage());
});
