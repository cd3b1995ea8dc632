/**
 * go-tuf's updater as the device, in `tuf` Factories. The program around it is built from here, with
 * what go.sum pins, into the cache folder.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { followSuite } from "../fleet/follow-suite.ts";
import { cacheFolder } from "../suite.ts";

const SOURCE = fileURLToPath(new URL(".", import.meta.url));
const FILES = ["go.mod", "go.sum", "main.go", "answer.go"];
const GO = "go";

export const GO_TUF = followSuite({
  name: "go-tuf",
  dialect: "tuf",
  needs: [
    { name: "go (1.25 or later)", check: [GO, "-C", SOURCE, "list", "-m"] },
    {
      name: "go-tuf's source (from the Go module proxy)",
      check: [GO, "-C", SOURCE, "list", "-deps", "."],
    },
  ],
  install: (say) => [build(say)],
});

/** @returns the program */
function build(say: (line: string) => void): string {
  const sources = FILES.map((name) => readFileSync(join(SOURCE, name), "utf8"));
  const version = /go-tuf\/v2 (\S+)/.exec(sources[0] ?? "")?.[1] ?? "unknown";
  const folder = cacheFolder(`go-tuf-${version}`);
  const [program, done] = [join(folder, "device"), join(folder, "built")];
  const wanted = createHash("sha256").update(sources.join("\0")).digest("hex");
  const there = existsSync(program) && existsSync(done) && readFileSync(done, "utf8") === wanted;
  if (there) return program;
  say(`building a device with go-tuf ${version} in ${folder}`);
  mkdirSync(folder, { recursive: true });
  const build = ["build", "-trimpath", "-buildvcs=false", "-o", program, "."];
  execFileSync(GO, ["-C", SOURCE, ...build], { stdio: "inherit" });
  writeFileSync(done, wanted);
  return program;
}
