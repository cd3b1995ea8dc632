/**
 * tough as the device, in `tuf` Factories: the Rust client of Bottlerocket and others. The program around it is
 * built from here, with what Cargo.lock pins, into the cache folder. That takes minutes, so it is a slow suite.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { followSuite } from "../fleet/follow-suite.ts";
import { cacheFolder } from "../suite.ts";

const MANIFEST = fileURLToPath(new URL("Cargo.toml", import.meta.url));
const CARGO = "cargo";

export const TOUGH = {
  ...followSuite({
    name: "tough",
    dialect: "tuf",
    neverLied: true,
    needs: [{ name: "cargo (Rust 1.85 or later)", check: [CARGO, "--version"] }],
    install: (say) => [build(say)],
  }),
  slow: true,
} as const;

/** @returns the program */
function build(say: (line: string) => void): string {
  const version = /^tough = \{ version = "=([^"]+)"/m.exec(readFileSync(MANIFEST, "utf8"))?.[1];
  const folder = cacheFolder(`tough-${version ?? "unknown"}`);
  say(
    `building a device with tough ${version ?? "unknown"} in ${folder}, which takes minutes at first`,
  );
  const args = ["build", "--release", "--locked", "--quiet", "--manifest-path", MANIFEST];
  execFileSync(CARGO, args, { stdio: "inherit", env: { ...env, CARGO_TARGET_DIR: folder } });
  return join(folder, "release", "device");
}
