/**
 * A Python of its own for a suite: what its requirements.txt pins is installed by hash, once, into the
 * cache folder, and again only when the requirements change.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, type Tool } from "./suite.ts";

const CHECK = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";

export const PYTHON: Tool = {
  name: "python3 (3.11 or later, with venv)",
  check: ["python3", "-c", CHECK],
};

export interface Environment {
  /** Names the folder, together with the version that is pinned of `package`. */
  readonly name: string;
  readonly package: string;
  /** The path of a requirements.txt. */
  readonly requirements: string;
}

/** @returns the Python that has what is required */
export function installPython(environment: Environment, say: (line: string) => void): string {
  const { name, requirements: file } = environment;
  const requirements = readFileSync(file, "utf8");
  const pinned = new RegExp(`^${environment.package}==(\\S+)`, "m").exec(requirements);
  const version = pinned?.[1] ?? "unknown";
  const folder = cacheFolder(`${name}-${version}`);
  const python = join(folder, "bin", "python");
  const done = join(folder, "installed");
  const wanted = createHash("sha256").update(requirements).digest("hex");
  const there = existsSync(python) && existsSync(done) && readFileSync(done, "utf8") === wanted;
  if (there) return python;
  say(`installing ${environment.package} ${version} in ${folder}`);
  execFileSync("python3", ["-m", "venv", "--clear", folder]);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  const byHash = ["--require-hashes", "--only-binary", ":all:", "--requirement", file];
  execFileSync(python, [...pip, ...byHash], { stdio: ["ignore", "inherit", "inherit"] });
  writeFileSync(done, wanted);
  return python;
}
