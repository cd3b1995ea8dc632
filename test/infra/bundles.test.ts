/**
 * What each function carries: what it needs, and nothing that somebody could use against it. And what
 * of that a start reads: what most invocations need, since every start waits for it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundlePage } from "../../lib/cli/serve/page.ts";
import { bundleFunctions, type Bundle } from "../../lib/infra/bundle.ts";
import { FUNCTIONS, type FunctionName } from "../../lib/settings.ts";

let bundles: Readonly<Record<FunctionName, Bundle>>;

const folder = mkdtempSync(join(tmpdir(), "rootward-bundles-"));
beforeAll(async () => {
  bundles = await bundleFunctions(folder, await bundlePage());
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The functions that have `part`, in all that they carry or in what their start reads. */
const having = (part: string, where: "whole" | "start"): readonly string[] =>
  FUNCTIONS.filter((name) => bundles[name][where].sources.some((file) => file.includes(part)));

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
    ["lib/adapters/aws/objects.ts", ["bootstrap", "deliver", "roots", "metadata", "refresh"]],
    ["lib/service/roots/submit-root.ts", ["roots"]],
    ["lib/service/delivery/deliver.ts", ["bootstrap", "deliver"]],
    ["lib/service/run-schedule.ts", ["refresh"]],
    ["lib/http/serve.ts", ["bootstrap", "deliver", "roots"]],
    ["lib/api/factories.ts", ["bootstrap"]],
    ["lib/api/delivery.ts", ["deliver"]],
    ["lib/api/targets.ts", ["roots"]],
    ["node_modules/@aws-sdk/client-kms/", ["bootstrap", "deliver", "signer"]],
    ["node_modules/@aws-sdk/client-sesv2/", ["bootstrap", "deliver", "roots", "refresh"]],
    ["node_modules/@aws-sdk/client-eventbridge/", ["bootstrap", "deliver", "roots", "refresh"]],
    ["node_modules/@aws-sdk/client-lambda/", ["bootstrap", "roots", "refresh"]],
    ["node_modules/@aws-sdk/s3-request-presigner/", ["bootstrap", "deliver", "refresh"]],
    ["node_modules/hono/", ["bootstrap", "deliver", "roots", "metadata"]],
  ])("%s: %j", (part, expected) => {
    expect(having(part, "whole")).toEqual(expected);
  });
});

describe("whose start reads", () => {
  test.each([
    ["node_modules/@aws-sdk/client-dynamodb/", FUNCTIONS],
    ["node_modules/@aws-sdk/client-kms/", ["signer"]],
    ["node_modules/@aws-sdk/client-s3/", []],
    ["node_modules/@aws-sdk/s3-request-presigner/", []],
    ["node_modules/@aws-sdk/client-sesv2/", []],
    ["node_modules/@aws-sdk/client-eventbridge/", []],
    ["node_modules/@aws-sdk/client-lambda/", []],
    ["node_modules/@aws-sdk/credential-provider-ini/", []],
    ["node_modules/node-forge/", []],
  ])("%s: %j", (part, expected) => {
    expect(having(part, "start")).toEqual(expected);
  });

  // A little above what it was when this was written, by less than any client of the SDK takes.
  test.each([
    ["metadata", 336_000],
    ["refresh", 414_000],
    ["signer", 410_000],
    ["deliver", 460_000],
    ["bootstrap", 462_000],
    ["roots", 482_000],
  ] as const)("%s at most %i bytes", (name, most) => {
    const { files, bytes } = bundles[name].start;
    const sizes = files.map((file) => statSync(join(bundles[name].folder, file)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(bytes);
    expect(bytes).toBeLessThan(most);
  });
});

test.each(FUNCTIONS)("what %s reads when it is asked for is there, and runs", (name) => {
  const { folder: at, whole, start } = bundles[name];
  const rest = whole.files.filter((file) => !start.files.includes(file));
  const urls = rest.map((file) => pathToFileURL(join(at, file)).href);
  const script = `for (const url of ${JSON.stringify(urls)}) await import(url);`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", script], { env: {} });
  expect(rest.length).toBeGreaterThan(0);
});

test("the page carries of the API what it asks for", async () => {
  const { script } = await bundlePage();
  expect(script).toContain("/claim");
  expect(script).not.toContain("/ota");
  expect(script.length).toBeLessThan(132_000);
});

test("deliver carries the page as it is served", async () => {
  const file = join(bundles.deliver.folder, "page.json");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(await bundlePage());
});
