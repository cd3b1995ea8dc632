/**
 * Our verdict against python-tuf's on every update of the corpus (docs/differences.md). python-tuf
 * is installed by hash, once, into a folder of its own.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { corpus } from "../../test/conformance/corpus/corpus.ts";
import { compare } from "../../test/conformance/differential/compare.ts";
import type { ClientVerdict, Report, Update } from "../../test/conformance/differential/compare.ts";
import { cacheFolder, type Suite, type SuiteOptions } from "../suite.ts";

const REQUIREMENTS = fileURLToPath(new URL("requirements.txt", import.meta.url));
const JUDGE = fileURLToPath(new URL("judge.py", import.meta.url));

const CHECK = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

export const PYTHON_TUF: Suite = {
  name: "python-tuf",
  needs: [{ name: "python3 (3.11 or later, with venv)", check: ["python3", "-c", CHECK] }],
  run: async ({ cases, seed, say }: SuiteOptions) => {
    const python = install(say);
    const report = await compare("python-tuf", corpus({ cases, seed }), (updates) =>
      ask(python, updates),
    );
    tell(report, say);
    return [
      ...report.unexplained.map((what) => `unexplained: ${what}`),
      ...report.unseen.map((id) => `no case shows the listed difference ${id}`),
    ];
  },
};

/** @returns the Python that has python-tuf */
function install(say: (line: string) => void): string {
  const requirements = readFileSync(REQUIREMENTS, "utf8");
  const version = /^tuf==(\S+)/m.exec(requirements)?.[1] ?? "unknown";
  const folder = cacheFolder(`python-tuf-${version}`);
  const python = join(folder, "bin", "python");
  const done = join(folder, "installed");
  const wanted = createHash("sha256").update(requirements).digest("hex");
  const there = existsSync(python) && existsSync(done) && readFileSync(done, "utf8") === wanted;
  if (there) return python;
  say(`installing python-tuf ${version} in ${folder}`);
  execFileSync("python3", ["-m", "venv", "--clear", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", REQUIREMENTS];
  execFileSync(python, [...pip, ...pinned], { stdio: ["ignore", "inherit", "inherit"] });
  writeFileSync(done, wanted);
  return python;
}

/** Asks judge.py about every update; it answers in order. */
async function ask(python: string, updates: readonly Update[]): Promise<readonly ClientVerdict[]> {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const lines = updates.map(({ trusted, candidate }) =>
    JSON.stringify({ trusted: base64(trusted), candidate: base64(candidate) }),
  );
  const child = spawn(python, [JUDGE], { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  child.stdin.end(`${lines.join("\n")}\n`);
  const answers = await text(child.stdout);
  await exit;
  if (child.exitCode !== 0) throw new Error(`judge.py ended with ${child.exitCode}`);
  return answers
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as ClientVerdict);
}

function tell({ counts, differences }: Report, say: (line: string) => void): void {
  const { cases, bothAccept, bothRefuse, weRefuse, theyRefuse } = counts;
  say(
    `${cases} updates: ${bothAccept} both accept, ${bothRefuse} both refuse, ` +
      `${weRefuse} only we refuse, ${theyRefuse} only they refuse`,
  );
  for (const [id, times] of differences) say(`${String(times).padStart(6)}  ${id}`);
}
