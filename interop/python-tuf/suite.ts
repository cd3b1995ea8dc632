/**
 * Our verdict against python-tuf's on every update of the corpus (docs/differences.md). python-tuf
 * is installed by hash, once, into a folder of its own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { corpus } from "../../test/conformance/corpus/corpus.ts";
import { compare } from "../../test/conformance/differential/compare.ts";
import type { ClientVerdict, Report, Update } from "../../test/conformance/differential/compare.ts";
import { installPython, PYTHON, type Environment } from "../python-venv.ts";
import type { Suite, SuiteOptions } from "../suite.ts";

const JUDGE = fileURLToPath(new URL("judge.py", import.meta.url));

/** python-tuf, pinned; the suite with python-tuf as a device has the same. */
export const ENVIRONMENT: Environment = {
  name: "python-tuf",
  package: "tuf",
  requirements: fileURLToPath(new URL("requirements.txt", import.meta.url)),
};

export const PYTHON_TUF: Suite = {
  name: "python-tuf",
  needs: [PYTHON],
  run: async ({ cases, seed, say }: SuiteOptions) => {
    const python = installPython(ENVIRONMENT, say);
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
