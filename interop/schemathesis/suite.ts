/**
 * The running embedded server against docs/openapi.yaml, by schemathesis: it sends what the description
 * has, and what it does not have, and holds every answer to it. So the description is true for programs
 * that other people make from it.
 */
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "../../test/support/embedded.ts";
import { createFactory, deliver } from "../../test/support/owner.ts";
import { installPython, PYTHON, type Environment } from "../python-venv.ts";
import type { Suite } from "../suite.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const ENVIRONMENT: Environment = {
  name: "schemathesis",
  package: "schemathesis",
  requirements: here("requirements.txt"),
};

/** One in so many of the cases that other suites take, for each operation: some are seconds of work. */
const SHARE = 100;

export const SCHEMATHESIS: Suite = {
  name: "schemathesis",
  needs: [PYTHON],
  run: async ({ cases, seed, say }) => {
    const python = installPython(ENVIRONMENT, say);
    const server = await startServer();
    try {
      const { link } = await createFactory(server, "acme");
      // Devices are served from then on.
      await deliver(server.url, link);
      const examples = Math.ceil(cases / SHARE);
      say(`${examples} examples for each operation, seed ${seed}`);
      const args = [
        "--config-file",
        here("schemathesis.toml"),
        "run",
        here("../../docs/openapi.yaml"),
        `--url=${server.url}`,
        `--header=OSF-TOKEN: ${server.adminToken}`,
        `--max-examples=${examples}`,
        `--seed=${seed}`,
        "--generation-database=none",
        "--continue-on-failure",
        "--warnings=off",
        "--no-color",
      ];
      return await outcome(join(dirname(python), "st"), args, server.folder);
    } finally {
      await server.remove();
    }
  },
};

/** @returns what it found */
async function outcome(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<readonly string[]> {
  try {
    await promisify(execFile)(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 });
    return [];
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    return [`${stdout ?? ""}${stderr ?? String(error)}`];
  }
}
