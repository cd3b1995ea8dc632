/**
 * The files that a cold start reads, and the time until there is a handler, for each function of the AWS
 * form. The rivals are bundled as the functions are: an empty handler, which is what Lambda and Node take
 * by themselves, and one that only makes a DynamoDB client, which nearly every function that keeps
 * something there pays before its own first line. The part above 1 against the latter is ours.
 *
 *   npm run bench:cold [-- TURNS]
 *
 * Each start is a new Node process with the function's settings in its environment and no network.
 * It says nothing of what Lambda adds (fetching and unpacking a bundle, starting a machine), nor of
 * what the first request takes: the connections, and what is read when it is asked for. `deliver`
 * reads the page beside its bundle as well, which counts as time and not as bytes.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bundlePage } from "../lib/cli/serve/page.ts";
import { bundleFunction, bundleFunctions, type Bundle } from "../lib/infra/bundle.ts";
import { environmentOf, FUNCTIONS } from "../lib/settings.ts";
import type { Effort, Start } from "./cold-start/start.ts";
import { inTurn, show, spread } from "./measure.ts";

const turns = Number(process.argv[2] ?? 60);
/** The first ones bring the files into memory. */
const WARM_UP = 2;

const SETTINGS = {
  table: "main",
  documentBucket: "documents",
  shareTable: "shares",
  shareKey: "arn:aws:kms:eu-west-1:111122223333:key/share",
  archiveBucket: "archives",
  archiveOrigin: "https://archives.s3.eu-west-1.amazonaws.com",
  signerTable: "signer",
  sealingKey: "arn:aws:kms:eu-west-1:111122223333:key/seal",
  onlineKeys: "",
  signerFunction: "arn:aws:lambda:eu-west-1:111122223333:function:signer",
  publicUrl: "https://tuf.example.com",
  sender: "rootward@example.com",
  configurationSet: "mail",
  adminToken: "",
  linksFrom: "",
  provisionerToken: "",
  clientCertificates: "",
} as const;
const AWS = {
  AWS_REGION: "eu-west-1",
  AWS_ACCESS_KEY_ID: "nobody",
  AWS_SECRET_ACCESS_KEY: "nothing",
};

interface Contender {
  readonly name: string;
  readonly bundle: Bundle;
  readonly env: Readonly<Record<string, string>>;
}

function rival(name: string): string {
  return fileURLToPath(new URL(`cold-start/${name}.ts`, import.meta.url));
}

async function contendersIn(folder: string) {
  const bundles = await bundleFunctions(join(folder, "lambdas"), await bundlePage());
  const made = async (name: string): Promise<Contender> => {
    return { name, bundle: await bundleFunction(rival(name), join(folder, name)), env: AWS };
  };
  const ours = FUNCTIONS.map((name): Contender => {
    const powertools = { POWERTOOLS_SERVICE_NAME: name, POWERTOOLS_METRICS_NAMESPACE: "Rootward" };
    const env = { ...AWS, ...powertools, ...environmentOf(name, SETTINGS) };
    return { name, bundle: bundles[name], env };
  });
  return { empty: await made("empty"), dynamo: await made("only-dynamodb"), ours };
}

/** @param probe cold-start/start.ts, bundled: what strips its types is not in what is measured */
function start(probe: string, { name, bundle, env }: Contender): Start {
  const files = [join(probe, "index.mjs"), join(bundle.folder, "index.mjs")];
  const { status, stdout, stderr } = spawnSync(execPath, files, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} does not start: ${stderr}`);
  return JSON.parse(stdout) as Start;
}

/** @returns what each turn took, by contender */
function measure(probe: string, contenders: readonly Contender[]): Map<string, readonly Start[]> {
  const starts = new Map(contenders.map(({ name }): [string, Start[]] => [name, []]));
  for (let turn = 0; turn < WARM_UP + turns; turn += 1) {
    for (const [, one] of inTurn(contenders, turn)) {
      const taken = start(probe, one);
      if (turn >= WARM_UP) starts.get(one.name)?.push(taken);
    }
  }
  return starts;
}

function sizes({ bundle: { folder, whole, start } }: Contender): readonly number[] {
  const zipped = start.files.map((file) => gzipSync(readFileSync(join(folder, file))).length);
  return [whole.bytes, start.bytes, zipped.reduce((sum, length) => sum + length, 0)];
}

const FIGURES: readonly (readonly [string, (start: Start) => number])[] = (
  ["init", "process"] as const
).flatMap((part) =>
  (["processor", "wall"] as const satisfies readonly (keyof Effort)[]).map(
    (of) => [`${part}, ${of}`, (one: Start) => one[part][of]] as const,
  ),
);

function times(starts: readonly Start[], rivals: readonly Start[]): readonly string[] {
  return FIGURES.map(([, of]) => {
    const ratios = starts.map((one, turn) => {
      const other = rivals[turn];
      return other === undefined ? Number.NaN : of(one) / of(other);
    });
    return show(spread(ratios));
  });
}

function printTable(title: string, heads: readonly string[], rows: readonly (readonly string[])[]) {
  const all = [["", ...heads], ...rows];
  const widths = ["", ...heads].map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)));
  console.log(`\n${title}`);
  for (const row of all) {
    console.log(`  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("   ")}`.trimEnd());
  }
}

function run(probe: string, { empty, dynamo, ours }: Awaited<ReturnType<typeof contendersIn>>) {
  const all = [empty, dynamo, ...ours];
  const starts = measure(probe, all);
  console.log(
    `each figure is a ratio; of times the median of ${turns} turns and the quarters around it`,
  );
  const base = sizes(dynamo);
  printTable(
    "bytes, against only-dynamodb",
    ["bundle", "read at the start", "those, compressed"],
    all.map((one) => [
      one.name,
      ...sizes(one).map((size, i) => (size / (base[i] ?? Number.NaN)).toFixed(2)),
    ]),
  );
  for (const other of [dynamo, empty]) {
    printTable(
      `time, against ${other.name}: init until there is a handler, process with Node's own start`,
      FIGURES.map(([name]) => name),
      all
        .filter((one) => one !== other)
        .map(({ name }) => [name, ...times(starts.get(name) ?? [], starts.get(other.name) ?? [])]),
    );
  }
}

const folder = mkdtempSync(join(tmpdir(), "rootward-bench-"));
try {
  const probe = join(folder, "start");
  await bundleFunction(rival("start"), probe);
  run(probe, await contendersIn(folder));
} finally {
  rmSync(folder, { recursive: true });
}
