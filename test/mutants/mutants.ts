/**
 * Shows that every check of the verifier has a test that fails without it: each is switched off in
 * turn, in a copy of the repository, and the tests of lib/tuf and lib/crypto must turn red.
 *
 *   npm run mutants [-- FILE...] [--workers 2]
 *
 * A check that no test misses is either listed in equivalent.ts with its reason, or fails the run;
 * so does a listed one that is gone, or that a test has come to miss. It takes more than an hour, so
 * it is run by hand and not in CI.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { argv, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { EQUIVALENT } from "./equivalent.ts";
import { mutantsOf, type Mutant } from "./mutate.ts";

const HERE = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["lib", "test", "bin", "docs", "interop", "package.json", "jest.config.js"];
/** The test that is most likely to miss a check of a file; root-update for the others. */
const NEAREST: Readonly<Record<string, string>> = {
  "lib/crypto/verify.ts": "test/crypto/signing-key",
  "lib/tuf/bytes.ts": "test/tuf/(bytes|spki)",
  "lib/tuf/canonical.ts": "test/tuf/canonical",
  "lib/tuf/chain.ts": "test/tuf/chain",
  "lib/tuf/dialect.ts": "test/tuf/dialect",
  "lib/tuf/find-place.ts": "test/tuf/find-place",
  "lib/tuf/json.ts": "test/tuf/json",
  "lib/tuf/keys.ts": "test/tuf/keys",
  "lib/tuf/role-document.ts": "test/tuf/role-document",
  "lib/tuf/roles.ts": "test/tuf/root-verdict",
  "lib/tuf/root-diff.ts": "test/tuf/root-diff",
  "lib/tuf/show.ts": "test/tuf/show",
  "lib/tuf/signatures.ts": "test/tuf/signatures",
  "lib/tuf/spki.ts": "test/tuf/spki",
  "lib/tuf/staged-root.ts": "test/tuf/staged-root",
  "lib/tuf/target-entries.ts": "test/tuf/target",
};
/** Then the quick ones, and then all but the flipping of bits. */
const FURTHER = [
  ["test/tuf/(?!laws|sigstore)", "test/attack/hostile-sizes"],
  ["test/tuf/(laws|sigstore-(history|forms))", "test/crypto", "test/service/boundary"],
];
/** A mutant that never ends has been noticed, too. */
const MAX_SECONDS = 240;

interface Job {
  readonly file: string;
  readonly mutant: Mutant;
}

const { values, positionals } = parseArgs({
  args: argv.slice(2),
  allowPositionals: true,
  options: { workers: { type: "string", default: "2" } },
});

const jobs = files().flatMap((file) =>
  mutantsOf(readFileSync(join(HERE, file), "utf8")).map((mutant): Job => ({ file, mutant })),
);
const queue = [...jobs];
const survivors: Job[] = [];
console.log(`${jobs.length} checks in ${new Set(jobs.map(({ file }) => file)).size} files`);
await assertGreen();
await Promise.all(Array.from({ length: Number(values.workers) }, () => work()));
report();

function files(): readonly string[] {
  if (positionals.length > 0) return positionals;
  const all = readdirSync(join(HERE, "lib/tuf")).map((name) => `lib/tuf/${name}`);
  return [...all, "lib/crypto/verify.ts"];
}

/** A copy in which tests fail anyway would show nothing. */
async function assertGreen(): Promise<void> {
  const folder = copy();
  try {
    for (const tests of FURTHER) {
      if (!(await passes(join(folder, "repository"), tests))) {
        throw new Error(`${tests.join(" ")} fail with every check in place`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Takes jobs until there is none, in a copy of its own. */
async function work(): Promise<void> {
  const folder = copy();
  try {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const killed = await isKilled(folder, job);
      if (!killed) survivors.push(job);
      const left = jobs.length - queue.length;
      console.log(`${left}/${jobs.length} ${killed ? "red  " : "GREEN"} ${name(job)}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The repository as far as tests need it; what lies beside it is linked. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "rootward-mutants-"));
  const repository = join(folder, "repository");
  mkdirSync(repository);
  for (const part of COPIED) cpSync(join(HERE, part), join(repository, part), { recursive: true });
  symlinkSync(join(HERE, "node_modules"), join(repository, "node_modules"));
  symlinkSync(resolve(HERE, "../shared"), join(folder, "shared"));
  return folder;
}

async function isKilled(folder: string, { file, mutant }: Job): Promise<boolean> {
  const repository = join(folder, "repository");
  writeFileSync(join(repository, file), mutant.source);
  try {
    for (const tests of [[NEAREST[file] ?? "test/tuf/root-update"], ...FURTHER]) {
      if (!(await passes(repository, tests))) return true;
    }
    return false;
  } finally {
    writeFileSync(join(repository, file), mutant.original);
  }
}

function passes(repository: string, tests: readonly string[]): Promise<boolean> {
  const jest = join(HERE, "node_modules/jest/bin/jest.js");
  const child = spawn(
    execPath,
    ["--experimental-vm-modules", jest, "--bail", "--silent", "--runInBand", ...tests],
    { cwd: repository, stdio: "ignore" },
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), MAX_SECONDS * 1000);
  return new Promise((done) => {
    child.on("close", (code) => {
      clearTimeout(timer);
      done(code === 0);
    });
  });
}

function name({ file, mutant }: Job): string {
  return `${file}:${mutant.line} ${mutant.change}`;
}

function report(): void {
  const reasonOf = (job: Job): string | undefined => EQUIVALENT[job.file]?.[job.mutant.change];
  const unexplained = survivors.filter((job) => reasonOf(job) === undefined);
  const survived = new Set(survivors.map(({ file, mutant }) => `${file} ${mutant.change}`));
  const stale = Object.entries(EQUIVALENT)
    .filter(([file]) => files().includes(file))
    .flatMap(([file, changes]) => Object.keys(changes).map((change) => `${file} ${change}`))
    .filter((listed) => !survived.has(listed));
  console.log(
    `\n${jobs.length} checks switched off: ${jobs.length - survivors.length} noticed, ` +
      `${survivors.length - unexplained.length} listed as equivalent, ` +
      `${unexplained.length} not noticed`,
  );
  for (const job of unexplained) console.log(`not noticed: ${name(job)}`);
  for (const listed of stale) console.log(`listed, but noticed or gone: ${listed}`);
  if (unexplained.length > 0 || stale.length > 0) process.exitCode = 1;
}
