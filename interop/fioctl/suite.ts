/**
 * The real fioctl against our server: what test/fioctl does with a client of our own, done by the
 * binary, built from its Go module. The chains are then read and judged as in those tests.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { env } from "node:process";
import { startServer, type TestServer } from "../../test/support/embedded.ts";
import {
  addUser,
  openFactory,
  readChains,
  type Factory,
} from "../../test/support/fioctl/factory.ts";
import { txidIn } from "../../test/support/fioctl/fioctl.ts";
import type { ClientOptions } from "../../test/support/fioctl/http.ts";
import { cacheFolder, type Suite, type SuiteOptions } from "../suite.ts";

/** Ten commits after v0.46, whose tag is no version for Go; the first with download-roots. */
const COMMIT = "9b0a6e7e431a599dff28cd58ebabd1ba5eab9f96";
const GO = "go";
const MODULE = `github.com/foundriesio/fioctl@${COMMIT}`;

export const FIOCTL: Suite = {
  name: "fioctl",
  needs: [
    { name: "go (1.26.5 or later)", check: [GO, "version"] },
    {
      name: "fioctl's source (the Go module proxy does not serve fioctl here)",
      check: [GO, "list", "-m", MODULE],
    },
  ],
  run: async ({ say }: SuiteOptions) => {
    const binary = build(say);
    const server = await startServer();
    const problems: string[] = [];
    try {
      for (const [name, story] of Object.entries(STORIES)) {
        const found = await tell(binary, server, name, story);
        say(`${found.length === 0 ? "    good" : "not good"}  ${name}`);
        problems.push(...found.map((problem) => `${name}: ${problem}`));
      }
    } finally {
      await server.remove();
    }
    return problems;
  },
};

/**
 * Its go.mod replaces a module, which only the main module may, so it is built in a copy of itself.
 *
 * @returns the binary
 */
function build(say: (line: string) => void): string {
  const folder = join(cacheFolder("fioctl"), COMMIT.slice(0, 12));
  const [binary, source] = [join(folder, "fioctl"), join(folder, "source")];
  if (existsSync(binary)) return binary;
  say(`building fioctl in ${folder}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const answer = execFileSync(GO, ["mod", "download", "-json", MODULE], { encoding: "utf8" });
  const { Dir } = JSON.parse(answer) as { readonly Dir: string };
  execFileSync("cp", ["-R", Dir, source]);
  // What is in Go's cache is read-only, and so would be the copy.
  execFileSync("chmod", ["-R", "u+w", source]);
  execFileSync(GO, ["build", "-o", binary, "."], { cwd: source, stdio: "inherit" });
  return binary;
}

/** Runs `fioctl keys tuf ...` as somebody. @returns what it printed */
type Run = (...args: readonly string[]) => Promise<string>;

interface Cast {
  readonly alice: Run;
  /** Another user of the same Factory. */
  another(name: string): Promise<Run>;
  file(name: string): string;
}

interface Story {
  readonly versions: number;
  readonly onlineKeys?: "new";
  readonly play: (cast: Cast) => Promise<void>;
}

const ROTATE = ["rotate-offline-key", "--role"] as const;

/** Every story begins with a Factory whose first key is still the service's. */
const STORIES: Readonly<Record<string, Story>> = {
  "first-and-second": {
    versions: 3,
    play: async ({ alice, file }) => {
      const keys = file("root.tgz");
      await alice(...ROTATE, "root", "--keys", keys, "--first-time");
      await alice(...ROTATE, "root", "--keys", keys, "--key-type", "rsa");
    },
  },
  "targets-keys": {
    versions: 5,
    play: async ({ alice, file }) => {
      const [keys, targets] = [file("root.tgz"), file("targets.tgz")];
      await alice(...ROTATE, "root", "--keys", keys, "--first-time");
      await alice(...ROTATE, "targets", "--keys", keys);
      await alice("updates", "init", "-m", "a key of its own");
      await alice("updates", "add-offline-key", "--role", "targets", "--keys", targets);
      await alice("updates", "sign", "--keys", keys);
      await alice("updates", "apply");
      await alice(...ROTATE, "targets", "--keys", keys, "--targets-keys", targets);
    },
  },
  "all-keys": {
    versions: 3,
    onlineKeys: "new",
    play: async ({ alice, file }) => {
      const places = ["--keys", file("root.tgz"), "--targets-keys", file("targets.tgz")];
      await alice("rotate-all-keys", ...places, "--first-time");
      await alice("rotate-all-keys", ...places);
    },
  },
  "online-keys": {
    versions: 3,
    onlineKeys: "new",
    play: async ({ alice, file }) => {
      const keys = file("root.tgz");
      await alice(...ROTATE, "root", "--keys", keys, "--first-time");
      await alice("updates", "init", "-m", "new online keys");
      const roles = ["--role", "targets,timestamp"];
      await alice("updates", "rotate-online-key", ...roles, "--keys", keys, "--sign");
      await alice("updates", "apply");
    },
  },
  cancel: {
    versions: 3,
    play: async ({ alice, file }) => {
      const keys = file("root.tgz");
      await alice(...ROTATE, "root", "--keys", keys, "--first-time");
      await alice("updates", "init", "-m", "changed my mind");
      await alice("updates", ...ROTATE, "root", "--keys", keys, "--sign");
      await alice("updates", "review", "--diff", "--prod");
      await alice("updates", "cancel");
      await alice(...ROTATE, "root", "--keys", keys);
    },
  },
  "three-admins": {
    versions: 3,
    play: async ({ alice, another, file }) => {
      const [bob, carol] = [await another("bob"), await another("carol")];
      await alice(...ROTATE, "root", "--keys", file("alice.tgz"), "--first-time");
      const begun = await alice("updates", "init", "-m", "two of three");
      const txid = ["--txid", txidIn(begun)];
      const add = ["updates", "add-offline-key", "--role", "root", "--keys"];
      await bob(...add, file("bob.tgz"), ...txid);
      await carol(...add, file("carol.tgz"), ...txid);
      await alice("updates", "set-threshold", "2", "--role", "root");
      await alice("updates", "sign", "--keys", file("alice.tgz"));
      await bob("updates", "sign", "--keys", file("bob.tgz"), ...txid);
      await carol("updates", "apply", ...txid);
    },
  },
};

/** @returns what went wrong */
async function tell(
  binary: string,
  server: TestServer,
  name: string,
  { versions, onlineKeys, play }: Story,
): Promise<readonly string[]> {
  const factory = await openFactory(server, name);
  const alice = runAs(binary, factory, "alice", factory.alice);
  const another = async (user: string): Promise<Run> =>
    runAs(binary, factory, user, await addUser(factory, user));
  try {
    await play({ alice, another, file: factory.file });
    for (const prod of [[], ["--prod"]])
      await alice("download-roots", factory.file("r.tgz"), ...prod);
  } catch (error) {
    return [Error.isError(error) ? error.message : "unknown error"];
  }
  const { ci, problems } = await readChains(factory, { onlineKeys: onlineKeys ?? "kept" });
  const count = ci.length === versions ? [] : [`expected ${versions} roots, got ${ci.length}`];
  return [...count, ...problems];
}

function runAs(binary: string, factory: Factory, user: string, client: ClientOptions): Run {
  const config = factory.file(`${user}.yaml`);
  const { url, token } = client;
  writeFileSync(config, `factory: ${factory.name}\ntoken: ${token}\nserver:\n  url: ${url}\n`);
  return async (...args) =>
    new Promise((resolve, reject) => {
      const options = { env: { PATH: env["PATH"], HOME: dirname(config) } };
      execFile(binary, ["-c", config, "keys", "tuf", ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`fioctl keys tuf ${args.join(" ")}: ${stdout}${stderr}`));
      });
    });
}
