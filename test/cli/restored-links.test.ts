/**
 * Which of a link's holders gets an archive after `rootward.db` was restored in place: by the command,
 * and by an operator who copies the file. Each row is a row of the table in docs/operations.md.
 */
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { putInPlace } from "../../lib/adapters/embedded/put-in-place.ts";
import { onlyJson, runCli } from "../support/cli.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  claim,
  confirm,
  createFactory,
  fetchArchive,
  newClaimant,
  rebootstrap,
  stateOf,
} from "../support/owner.ts";
import { spawnServer } from "../support/server-process.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.remove());

const backupOf = (): string => join(server.folder, "backup");

async function cli(...args: readonly string[]) {
  return runCli([...args, "--data", server.data, "--json"]);
}

type How = "by hand" | "by the command";

/** Stops the service, puts rootward.db of the backup in place, or both, and starts it again. */
async function restore(how: How, signer: boolean): Promise<void> {
  await server.stop();
  if (how === "by the command") {
    const only = signer ? [] : ["--only", "service"];
    expect(await cli("restore", backupOf(), ...only)).toMatchObject({ code: 0 });
  } else {
    putBack(server.data, "rootward.db");
    if (signer) putBack(join(server.data, "signer"), "signer.db");
  }
  server = await startServer(server.folder);
}

function putBack(folder: string, name: string): void {
  const file = join(folder, name);
  for (const end of ["", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
  copyFileSync(join(backupOf(), name), file);
}

type Step = "claim" | "confirm" | "bootstrap again";

interface Row {
  readonly before: readonly Step[];
  readonly since: readonly Step[];
  readonly how: How;
  /** Whether the signer's database is put back with it; the outcome is the same. */
  readonly signer: boolean;
  /** The status of a claim by somebody else, by the claimant, and of the claimant's confirmation. */
  readonly outcome: readonly [number, number, number];
}

const both = (
  before: readonly Step[],
  since: readonly Step[],
  hand: Row["outcome"],
  command: Row["outcome"],
): readonly Row[] =>
  [false, true].flatMap((signer) => [
    { before, since, how: "by hand", signer, outcome: hand },
    { before, since, how: "by the command", signer, outcome: command },
  ]);

const ROWS: readonly Row[] = [
  // Nobody used it: by hand it still works, once. Then the second one is refused.
  ...both([], [], [200, 410, 410], [410, 410, 422]),
  ...both([], ["claim"], [410, 200, 200], [410, 410, 422]),
  ...both([], ["claim", "confirm"], [410, 410, 422], [410, 410, 422]),
  ...both([], ["bootstrap again"], [410, 410, 422], [410, 410, 422]),
  ...both(["claim"], [], [410, 200, 200], [410, 410, 200]),
  ...both(["claim"], ["confirm"], [410, 410, 200], [410, 410, 200]),
  ...both(["claim", "confirm"], [], [410, 410, 200], [410, 410, 200]),
];

test.each(ROWS)(
  "backup after $before, then $since, restored $how, with the signer $signer: $outcome",
  async ({ before, since, how, signer, outcome }) => {
    const { link } = await createFactory(server, "acme");
    const claimant = newClaimant();
    let archive: Uint8Array = new Uint8Array();
    const step = async (name: Step): Promise<void> => {
      if (name === "claim") {
        archive = await fetchArchive(link, await claim(server.url, link, claimant));
      } else if (name === "confirm") {
        expect(await confirm(server.url, link, claimant, archive)).toMatchObject({ status: 200 });
      } else {
        expect(await rebootstrap(server, "acme")).toMatchObject({ status: 201 });
      }
    };
    for (const name of before) await step(name);
    expect(await cli("backup", backupOf())).toMatchObject({ code: 0 });
    for (const name of since) await step(name);
    await restore(how, signer);
    const stranger = await claim(server.url, link, newClaimant());
    const again = await claim(server.url, link, claimant);
    const confirmed = await confirm(server.url, link, claimant, archive);
    expect([stranger.status, again.status, confirmed.status]).toEqual(outcome);
    const { state } = await stateOf(server, "acme");
    expect(state).toBe(confirmed.status === 200 ? "live" : "provisioned");
  },
);

test.each([400, -400])(
  "links are void by what was restored, with a clock %i days off",
  async (days) => {
    const { link: old } = await createFactory(server, "acme");
    expect(await cli("backup", backupOf())).toMatchObject({ code: 0 });
    await server.stop();
    const folders = new Map([["service", server.data] as const]);
    await putInPlace(backupOf(), folders, Date.now() + days * 86_400_000);
    server = await startServer(server.folder);
    expect(await claim(server.url, old, newClaimant())).toMatchObject({ status: 410 });
    const { link } = await createFactory(server, "later");
    expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
  },
);

describe("a backup", () => {
  test("is whole, has no secret folder in it, and is taken once", async () => {
    await createFactory(server, "acme");
    const made = await cli("backup", backupOf());
    expect(onlyJson(made)).toMatchObject({
      schema: 4,
      files: [{ part: "service" }, { part: "signer" }],
    });
    expect(readdirSync(backupOf()).toSorted()).toEqual([
      "manifest.json",
      "rootward.db",
      "signer.db",
    ]);
    const again = await cli("backup", backupOf());
    expect(again).toMatchObject({ code: 1 });
    expect(again.stderr).toContain("is not empty: name a new folder");
    // What helps with a file in the way of a download helps nobody here.
    expect(again.stderr).not.toContain("-o");
  });

  test("that is not finished, or was changed, is not put in place", async () => {
    await createFactory(server, "acme");
    await cli("backup", backupOf());
    await server.stop();
    const manifest = join(backupOf(), "manifest.json");
    const text = readFileSync(manifest);
    rmSync(manifest);
    expect((await cli("restore", backupOf())).stderr).toContain("one that was not finished");
    writeFileSync(manifest, text);
    const file = join(backupOf(), "rootward.db");
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.concat([bytes, Buffer.alloc(1)]));
    const changed = await cli("restore", backupOf());
    expect(changed).toMatchObject({ code: 2 });
    expect(changed.stderr).toContain("rootward.db is not the file that was backed up");
    server = await startServer(server.folder);
    expect(await stateOf(server, "acme")).toMatchObject({ factory: "acme" });
  });

  test("is taken while the service runs, and put in place only once it is stopped", async () => {
    const home = join(server.folder, "process");
    const data = join(home, "data");
    const running = await spawnServer(home);
    try {
      const folders = ["--data", data, "--json"];
      const taken = await runCli(["backup", backupOf(), ...folders]);
      expect(taken).toMatchObject({ code: 0 });
      const refused = await runCli(["restore", backupOf(), ...folders]);
      expect(refused).toMatchObject({ code: 2 });
      expect(refused.stderr).toContain("a service runs on this data folder already: stop it first");
      await running.stop();
      expect(await runCli(["restore", backupOf(), ...folders])).toMatchObject({ code: 0 });
    } finally {
      await running.kill();
    }
  });

  test("of both comes back, keeps what was there, and names what is void", async () => {
    await createFactory(server, "acme");
    await cli("backup", backupOf());
    await createFactory(server, "later");
    await server.stop();
    const restored = await cli("restore", backupOf());
    expect(restored).toMatchObject({ code: 0 });
    const { kept, voided, differing } = onlyJson(restored) as {
      kept: Record<string, string>;
      voided: string[];
      differing: string[];
    };
    expect([voided, differing]).toEqual([["acme"], []]);
    expect(readdirSync(kept["service"] ?? "").toSorted()).toEqual([
      "archives",
      "rootward.db",
      "shares",
    ]);
    expect(readdirSync(join(server.data, "shares"))).toEqual([]);
    server = await startServer(server.folder);
    expect(await stateOf(server, "later")).toMatchObject({ code: "not-found" });
    expect(await rebootstrap(server, "acme")).toMatchObject({ status: 201 });
  });
});
