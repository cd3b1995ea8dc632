/**
 * go-tuf's clients as devices, in `tuf` Factories: the updater of v2, and the client of the last release
 * before it. The programs around them are built from here, with what go.sum pins, into the cache folder.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { followSuite } from "../fleet/follow-suite.ts";
import { cacheFolder } from "../suite.ts";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const FILES = ["go.mod", "go.sum", "device/device.go"];
const GO = "go";

interface Client {
  /** The name of the suite. */
  readonly name: string;
  /** The folder of the program. */
  readonly folder: string;
  /** Finds its version in go.mod. */
  readonly version: RegExp;
}

const needs = [
  { name: "go (1.25 or later)", check: [GO, "-C", SOURCE, "list", "-m"] },
  {
    name: "go-tuf's source (from the Go module proxy)",
    check: [GO, "-C", SOURCE, "list", "-deps", "./..."],
  },
] as const;

const [V2, V07] = [
  { name: "go-tuf", folder: "v2", version: /go-tuf\/v2 (\S+)/ },
  { name: "go-tuf-0.7", folder: "v07", version: /go-tuf (\S+)/ },
] as const satisfies readonly Client[];

export const GO_TUF = followSuite({
  name: V2.name,
  dialect: "tuf",
  needs,
  install: (say) => [build(V2, say)],
});

export const GO_TUF_0_7 = followSuite({
  name: V07.name,
  dialect: "tuf",
  neverLied: true,
  needs,
  install: (say) => [build(V07, say)],
});

/** @returns the program */
function build({ folder: own, version: pattern }: Client, say: (line: string) => void): string {
  const sources = [...FILES, `${own}/main.go`].map((name) =>
    readFileSync(join(SOURCE, name), "utf8"),
  );
  const version = pattern.exec(sources[0] ?? "")?.[1] ?? "unknown";
  const folder = cacheFolder(`go-tuf-${version}`);
  const [program, done] = [join(folder, "device"), join(folder, "built")];
  const wanted = createHash("sha256").update(sources.join("\0")).digest("hex");
  const there = existsSync(program) && existsSync(done) && readFileSync(done, "utf8") === wanted;
  if (there) return program;
  say(`building a device with go-tuf ${version} in ${folder}`);
  mkdirSync(folder, { recursive: true });
  const build = ["build", "-trimpath", "-buildvcs=false", "-o", program, `./${own}`];
  execFileSync(GO, ["-C", SOURCE, ...build], { stdio: "inherit" });
  writeFileSync(done, wanted);
  return program;
}
