/**
 * `rootward backup` and `rootward restore`, cut off at every step: by a kill, and by a full disk. A half
 * backup is refused; a half restore leaves a whole database under each name, and is run again. Nothing that
 * was there is lost, and a backup that is not whole is refused before anything is touched.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CRASH, NO_LINKS, runCli, together, type CliOptions } from "../support/cli.ts";
import { startServer } from "../support/embedded.ts";
import { createFactory, stateOf } from "../support/owner.ts";
import { readFolder } from "../support/secrets.ts";

/** A run has far fewer. */
const MAX_STEPS = 100;

let home: string;
/** A data folder with the Factories acme and later, of which the backup beside it has acme only. */
let origin: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "rootward-restore-"));
  origin = join(home, "origin");
  const server = await startServer(join(home, "running"));
  await createFactory(server, "acme");
  expect(await backup(server.folder)).toMatchObject({ code: 0 });
  await createFactory(server, "later");
  // As a crash leaves it: what came last is in the logs.
  cpSync(server.folder, origin, { recursive: true });
  await server.stop();
  expect(existsSync(join(origin, "data", "rootward.db-wal"))).toBe(true);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const dataOf = (folder: string): string => join(folder, "data");
const backupOf = (folder: string): string => join(folder, "backup");
const filesOf = (folder: string): readonly (readonly [string, string])[] => [
  [dataOf(folder), "rootward.db"],
  [join(dataOf(folder), "signer"), "signer.db"],
];

function copyOf(name: string): string {
  const folder = join(home, name);
  cpSync(origin, folder, { recursive: true });
  return folder;
}

function backup(folder: string, options: CliOptions = {}, to = backupOf(folder)) {
  return runCli(["backup", to, "--data", dataOf(folder), "--json"], options);
}

function restore(folder: string, options: CliOptions = {}) {
  return runCli(["restore", backupOf(folder), "--data", dataOf(folder), "--json"], options);
}

const cutAt = (name: "CRASH_AT" | "FULL_AT", step: number): CliOptions => ({
  env: { [name]: `${step}` },
  node: ["--import", CRASH],
});

/** The Factories that a database knows; throws where it is damaged. */
function factoriesIn(folder: string, name: string): readonly string[] {
  const database = new DatabaseSync(join(folder, name), { timeout: 0 });
  try {
    expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
    const table = name === "rootward.db" ? "heads" : "signer_keys";
    const rows = database.prepare(`SELECT DISTINCT factory FROM ${table} ORDER BY factory`).all();
    return rows.map(({ factory }) => String(factory));
  } finally {
    database.close();
  }
}

const OLD = ["acme", "later"];
const NEW = ["acme"];

/** Whatever was there is there, under its name or aside. */
function expectNothingLost(folder: string): void {
  for (const [place, name] of filesOf(folder)) {
    const aside = readdirSync(place).filter((one) => one.startsWith("before-restore-"));
    // A copy that was not finished has another name.
    const kept = aside.filter((one) => existsSync(join(place, one, name)));
    const found = [
      factoriesIn(place, name),
      ...kept.map((one) => factoriesIn(join(place, one), name)),
    ];
    expect(found).toContainEqual(OLD);
  }
}

function expectRestored(folder: string): void {
  for (const [place, name] of filesOf(folder)) expect(factoriesIn(place, name)).toEqual(NEW);
  const temporary = readFolder(folder).filter(({ file }) => /\.tmp|\.db-/.test(file));
  expect(temporary.map(({ file }) => file)).toEqual([]);
  expectNothingLost(folder);
}

/** Every file of the data but the empty ones, by its content. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  return new Map(
    readFolder(dataOf(folder))
      .filter(({ bytes }) => bytes.length > 0)
      .map(({ file, bytes }) => [file, createHash("sha256").update(bytes).digest("hex")]),
  );
}

/** Runs that are cut off at each step, until one is not. @returns how many were */
async function everyStep(
  name: string,
  run: (step: number, folder: string) => Promise<boolean>,
): Promise<number> {
  const lane = async (first: number): Promise<number> => {
    for (let step = first; step <= MAX_STEPS; step += 2) {
      const folder = copyOf(`${name}-${step}`);
      const cut = await run(step, folder);
      rmSync(folder, { recursive: true });
      if (!cut) return step;
    }
    throw new Error("the run never ended by itself");
  };
  return Math.min(...(await together([lane(1), lane(2)])));
}

describe("a restore", () => {
  test("that is killed at any step leaves whole databases, and is run again", async () => {
    const seen = new Set<string>();
    const steps = await everyStep("killed", async (step, folder) => {
      const { code } = await restore(folder, cutAt("CRASH_AT", step));
      if (code === 0) return false;
      expect(code).toBeNull();
      const other = join(home, `started-${step}`);
      cpSync(folder, other, { recursive: true });
      // Whoever starts the service instead of restoring again has one of the two.
      const server = await startServer(other);
      const states = await Promise.all(OLD.map((factory) => stateOf(server, factory)));
      expect(states[0]).toMatchObject({ factory: "acme" });
      await server.remove();
      expectNothingLost(folder);
      seen.add(
        filesOf(folder)
          .map(([place, file]) => factoriesIn(place, file).length)
          .join(),
      );
      expect(await restore(folder)).toMatchObject({ code: 0 });
      expectRestored(folder);
      return true;
    });
    expect(steps).toBeGreaterThan(20);
    // Nothing restored, the service's only, and both.
    expect([...seen].toSorted()).toEqual(["1,1", "1,2", "2,2"]);
  }, 300_000);

  test("that finds the disk full at any step changes nothing, and is run again", async () => {
    const steps = await everyStep("full", async (step, folder) => {
      const { code, stderr } = await restore(folder, cutAt("FULL_AT", step));
      if (code === 0) return false;
      expect(code).toBe(1);
      expect(stderr).toContain("the disk is full");
      expectNothingLost(folder);
      const names = readdirSync(dataOf(folder), { recursive: true, encoding: "utf8" });
      const left = names.filter((one) => /\.tmp$|before-restore/.test(one));
      // Once the renames have begun, what was there is kept as well.
      if (!left.some((one) => one.endsWith("signer.db"))) expect(left).toEqual([]);
      expect(await restore(folder)).toMatchObject({ code: 0 });
      expectRestored(folder);
      return true;
    });
    expect(steps).toBeGreaterThan(10);
  }, 300_000);

  test("needs no hard links", async () => {
    const folder = copyOf("no-links");
    expect(await restore(folder, { node: ["--import", NO_LINKS] })).toMatchObject({ code: 0 });
    expectRestored(folder);
  });

  test("takes the place of a damaged database, and keeps it", async () => {
    const folder = copyOf("damaged");
    const [file, damage] = [join(dataOf(folder), "rootward.db"), Buffer.alloc(8192, 7)];
    writeFileSync(file, damage);
    // It would mend the database.
    rmSync(`${file}-wal`);
    const { code, stdout } = await restore(folder);
    expect(code).toBe(0);
    expect(factoriesIn(dataOf(folder), "rootward.db")).toEqual(NEW);
    const { kept } = JSON.parse(stdout) as { kept: { service: string } };
    expect(readFileSync(join(kept.service, "rootward.db")).equals(damage)).toBe(true);
  });

  test("is refused while another program has a database open", async () => {
    const folder = copyOf("open");
    const reader = new DatabaseSync(join(dataOf(folder), "rootward.db"));
    reader.exec("BEGIN; SELECT * FROM heads");
    try {
      const { code, stderr } = await restore(folder);
      expect([code, stderr]).toEqual([1, expect.stringContaining("close it first")]);
    } finally {
      reader.close();
    }
    for (const [place, name] of filesOf(folder)) expect(factoriesIn(place, name)).toEqual(OLD);
    expect(readdirSync(dataOf(folder)).filter((one) => /\.tmp|before/.test(one))).toEqual([]);
  });
});

interface Manifest {
  form: unknown;
  time: unknown;
  schema: unknown;
  signer: unknown;
  files: Record<string, unknown>[];
}

const [A, B] = ["rootward.db", "signer.db"] as const;
/** Of two databases that are one another's, also as the manifest has them. */
function exchanged({ files: [service, signer] }: Manifest, folder: string): Partial<Manifest> {
  renameSync(join(folder, A), join(folder, "other"));
  renameSync(join(folder, B), join(folder, A));
  renameSync(join(folder, "other"), join(folder, B));
  return {
    files: [
      { ...signer, part: "service" },
      { ...service, part: "signer" },
    ],
  };
}

type Change = (manifest: Manifest, folder: string) => Partial<Manifest> & Record<string, unknown>;
const DAMAGED = "its manifest.json is damaged";
const BAD: readonly (readonly [string, Change, string])[] = [
  ["names a part twice", ({ files }) => ({ files: [...files, ...files.slice(0, 1)] }), DAMAGED],
  [
    "names a part twice, and the other not",
    ({ files: [one] }) => ({ files: [{ ...one }, { ...one }] }),
    DAMAGED,
  ],
  [
    "names an unknown part",
    ({ files }) => ({ files: [...files, { ...files[0], part: "keys" }] }),
    DAMAGED,
  ],
  [
    "names a path as a part",
    ({ files: [one] }) => ({ files: [{ ...one, part: "../rootward.db" }] }),
    DAMAGED,
  ],
  [
    "names a path beside a part",
    ({ files: [one] }) => ({ files: [{ ...one, file: "/etc/passwd" }] }),
    DAMAGED,
  ],
  ["names no part", () => ({ files: [] }), DAMAGED],
  [
    "is of a later form",
    () => ({ form: 2, files: "other" as never }),
    "the backup has form 2, this version of rootward knows 1",
  ],
  ["is of no form", () => ({ form: "1" }), DAMAGED],
  ["is of a later schema", () => ({ schema: 99 }), "the backup has schema 99"],
  [
    "is of another schema than its files",
    () => ({ schema: 3 }),
    `${A} is not the file that was backed up`,
  ],
  ["is of a schema that is none", () => ({ schema: -1 }), DAMAGED],
  ["has a time that is none", () => ({ time: "yesterday" }), DAMAGED],
  [
    "has another signer than its files",
    () => ({ signer: "0".repeat(32) }),
    `${A} is not the file that was backed up`,
  ],
  [
    "has a size that is another",
    ({ files: [one] }) => ({ files: [{ ...one, size: 4096 }] }),
    `${A} is not the file that was backed up`,
  ],
  ["has a size that is none", ({ files: [one] }) => ({ files: [{ ...one, size: -1 }] }), DAMAGED],
  [
    "has a hash that is none",
    ({ files: [one] }) => ({ files: [{ ...one, sha256: "x" }] }),
    DAMAGED,
  ],
  ["has more than a manifest has", () => ({ shares: [] }), DAMAGED],
  ["takes one database for the other", exchanged, `${A} is not the file that was backed up`],
];

test.each(BAD)(
  "a manifest that %s is refused before anything is touched",
  async (_, change, said) => {
    const folder = copyOf("bad");
    try {
      const file = join(backupOf(folder), "manifest.json");
      const manifest = JSON.parse(readFileSync(file, "utf8")) as Manifest;
      const changed = { ...manifest, ...change(manifest, backupOf(folder)) };
      writeFileSync(file, JSON.stringify(changed));
      const before = contentOf(folder);
      expect(await restore(folder)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(said),
      });
      expect(contentOf(folder)).toEqual(before);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);

describe("a backup", () => {
  test("that is killed at any step is refused, or whole", async () => {
    const steps = await everyStep("backup-killed", async (step, folder) => {
      rmSync(backupOf(folder), { recursive: true });
      const { code } = await backup(folder, cutAt("CRASH_AT", step));
      if (code === 0) return false;
      expect(code).toBeNull();
      const whole = existsSync(join(backupOf(folder), "manifest.json"));
      const { code: restored, stderr } = await restore(folder);
      if (!whole) expect([restored, stderr]).toEqual([2, expect.stringContaining("is no backup")]);
      else expect(restored).toBe(0);
      for (const [place, name] of filesOf(folder)) expect(factoriesIn(place, name)).toEqual(OLD);
      return true;
    });
    expect(steps).toBeGreaterThan(8);
  }, 300_000);

  test("that finds the disk full leaves nothing, and is taken again", async () => {
    const steps = await everyStep("backup-full", async (step, folder) => {
      rmSync(backupOf(folder), { recursive: true });
      mkdirSync(backupOf(folder));
      const { code, stderr } = await backup(folder, cutAt("FULL_AT", step));
      if (code === 0) return false;
      expect([code, stderr]).toEqual([1, expect.stringContaining("the disk is full")]);
      expect(readdirSync(backupOf(folder))).toEqual([]);
      expect(await backup(folder)).toMatchObject({ code: 0 });
      return true;
    });
    expect(steps).toBeGreaterThan(4);
  }, 300_000);
});
