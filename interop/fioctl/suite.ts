/**
 * The real fioctl against a real `rootward serve`, story by story. After each one both chains are judged
 * by a verifier that is not ours and by `rootward root verify`, and devices with a verifier in Python
 * follow both channels: one that was built before the story, and one after it.
 *
 * `FIOCTL=/path/to/fioctl npm run interop -- fioctl`, with several paths separated by `:`. With
 * `RECORD=1` the requests are written to test/fioctl/recorded.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { runCli } from "../../test/support/cli.ts";
import {
  openFactory,
  openLinkFactory,
  readChains,
  type Factory,
} from "../../test/support/fioctl/factory.ts";
import { exchangesOf, RECORDED, type Transcript } from "../../test/support/fioctl/transcript.ts";
import { installAtsDevice } from "../ats-verifier/suite.ts";
import { startForeignClient, type ForeignClient } from "../fleet/foreign-client.ts";
import { PYTHON } from "../python-venv.ts";
import type { Suite, SuiteOptions } from "../suite.ts";
import { generationOf } from "./binary.ts";
import { makeCast } from "./cast.ts";
import { Devices } from "./devices.ts";
import { oldRelease, oldStories } from "./old-stories.ts";
import { startRecorder } from "./recorder.ts";
import { startService } from "./service.ts";
import { STORIES } from "./stories.ts";
import type { Stories, Story } from "./story.ts";
import { TROUBLE } from "./trouble.ts";

const BINARIES = (env["FIOCTL"] ?? "").split(":").filter((path) => path !== "");

export const FIOCTL: Suite = {
  name: "fioctl",
  needs: [PYTHON],
  skipped:
    BINARIES.length > 0
      ? null
      : "FIOCTL is not set. The Go module proxy does not serve fioctl, so build it from its source " +
        "(github.com/foundriesio/fioctl), then run: FIOCTL=/path/to/fioctl npm run interop -- fioctl",
  run: async ({ say }: SuiteOptions) => {
    const client = startForeignClient(installAtsDevice(say));
    const problems: string[] = [];
    try {
      for (const binary of BINARIES) problems.push(...(await tellAll(binary, client, say)));
    } finally {
      await client.close();
    }
    return problems;
  },
};

async function tellAll(
  binary: string,
  client: ForeignClient,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const only = env["STORY"];
  for (const [name, story] of Object.entries(await storiesFor(binary))) {
    if (only !== undefined && only !== name) continue;
    const found = await tell(binary, client, name, story);
    say(`${found.length === 0 ? "    good" : "not good"}  ${binary}: ${name}`);
    problems.push(...found.map((problem) => `${binary}: ${name}: ${problem}`));
  }
  return problems;
}

async function storiesFor(binary: string): Promise<Stories> {
  const { generation, help } = await generationOf(binary);
  if (generation === "direct") return oldStories(oldRelease(help));
  const all = { ...STORIES, ...TROUBLE };
  if (help.includes("download-roots")) return all;
  const { "download-roots": _newer, ...others } = all;
  return others;
}

/** The first of them that stages root updates. */
async function newestOf(binaries: readonly string[]): Promise<string | null> {
  for (const binary of binaries) {
    if ((await generationOf(binary)).generation === "staged") return binary;
  }
  return null;
}

/** @returns what went wrong */
async function tell(
  binary: string,
  client: ForeignClient,
  name: string,
  story: Story,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "rootward-fioctl-"));
  const service = await startService(folder, story.behind ?? 0);
  const byToken = new Map<string, string>();
  const scopes = new Map<string, readonly string[]>();
  const recorder = await startRecorder(service.url, { factory: name, users: byToken });
  try {
    const { keyType = "ed25519", onlineKeys = "kept" } = story;
    const opened = story.byLink
      ? await openLinkFactory(service, name)
      : await openFactory(service, name, { keyType });
    // The service may get another address in the story; the recorder keeps its own.
    const alice = { ...opened.alice, url: recorder.url };
    const factory: Factory = { ...opened, host: service, alice };
    const devices = await Devices.build(client, factory, folder);
    const cast = makeCast(
      { binary, newer: await newestOf(BINARIES) },
      factory,
      recorder,
      {
        killService: async () => {
          await service.kill();
          recorder.setTarget(service.url);
          recorder.note({ kind: "restart" });
        },
        passTime: async (milliseconds) => {
          await service.pass(milliseconds);
          recorder.setTarget(service.url);
          recorder.note({ kind: "time-passes", milliseconds });
        },
      },
      { byToken, scopes },
    );
    await story.play(cast);
    const steps = [...recorder.steps];
    const direct: Factory = { ...factory, alice: { ...alice, url: service.url } };
    const { ci, problems: unsound } = await readChains(direct, { onlineKeys });
    const problems = [...unsound];
    if (ci.length !== story.versions) {
      problems.push(`expected ${story.versions} roots, got ${ci.length}`);
    }
    problems.push(
      ...(await devices.follow(service.url, story.versions)),
      ...(await verify(direct)),
    );
    const wanted = env["RECORD"] === "1" && story.recorded !== false;
    if (problems.length === 0 && wanted) {
      write({ name, story, users: Object.fromEntries(scopes), steps });
    }
    return problems;
  } catch (error) {
    return [Error.isError(error) ? error.message : "unknown error"];
  } finally {
    await recorder.close();
    await service.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** By our own command line: the chain, the online roles, the audit log. */
async function verify({ name, alice }: Factory): Promise<readonly string[]> {
  const own = { ROOTWARD_SERVER: alice.url, ROOTWARD_TOKEN: alice.token };
  const { code, stderr } = await runCli(["root", "verify", "--factory", name], { env: own });
  return code === 0 ? [] : [`rootward root verify: ${stderr}`];
}

function write(told: {
  readonly name: string;
  readonly story: Story;
  readonly users: Transcript["users"];
  readonly steps: Transcript["steps"];
}): void {
  const { name, story, users, steps } = told;
  const { keyType = "ed25519", onlineKeys = "kept", behind = 0, versions } = story;
  const [first] = steps.filter((step) => step.kind === "exchange");
  if (first === undefined) return;
  const named = (first.headers["user-agent"] ?? "").replace(/^fioctl-/, "");
  // Releases up to 0.23 all call themselves 2; the last of them was recorded.
  const release = named === "2" ? "v0.23" : named;
  const transcript: Transcript = {
    story: name,
    fioctl: release,
    recorded: first.at.slice(0, 10),
    keyType,
    behind,
    users,
    versions,
    onlineKeys,
    steps,
  };
  if (exchangesOf(transcript).length === 0) return;
  const folder = join(RECORDED, release);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(transcript, null, 1)}\n`);
}
