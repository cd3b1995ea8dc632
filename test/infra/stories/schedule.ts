/**
 * What becomes of Factories as time passes, by nothing but runs of the schedule: deliveries that end,
 * metadata that is signed again, keys that are retired, warnings. The functions' clocks go forward, so
 * this is told last.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Updater } from "tuf-js";
import { changeRoot } from "../../../interop/fleet/owner-steps.ts";
import { ONLINE_ROLES } from "../../../lib/tuf/dialect.ts";
import { makeOwner, signerOf } from "../../support/cli-owner.ts";
import { IN_KMS } from "../../support/deployed/deployment.ts";
import type { TestServer } from "../../support/embedded.ts";
import {
  claim,
  createFactory,
  fetchArchive,
  newClaimant,
  readRoot,
  stateOf,
} from "../../support/owner.ts";
import { heardOf } from "./events.ts";
import type { Installation } from "./installation.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

/** With what each destroys a key pair of its kind. */
const FLEETS = [
  { factory: "fleet", keyType: "ed25519", signs: "kms:Decrypt", destroys: "dynamodb:DeleteItem" },
  { factory: IN_KMS, keyType: "rsa", signs: "kms:Sign", destroys: "kms:ScheduleKeyDeletion" },
] as const;

export function tellSchedule(one: Installation): void {
  let passed = 0;
  const pass = async (time: number): Promise<void> => {
    passed = time;
    await one.aws.moveClock(time);
    await one.aws.runSchedule();
  };
  /** The schedule did not run for so long, so its clock is believed once it went on evenly (ADR 8). */
  const passBelieved = async (time: number): Promise<void> => {
    const jump = Math.min(DAY, time - passed);
    await pass(time);
    for (let later = 0; later < jump; later += 14 * MINUTE) await pass(passed + 14 * MINUTE);
  };
  const calls = (action: string): number =>
    one.aws.calls.filter((call) => call.by === "signer" && call.action === action).length;

  describe("a fleet", () => {
    test.each(FLEETS)("$factory changes its online keys with its root", async (fleet) => {
      const { factory, keyType, signs } = fleet;
      // Of a server the helpers of owners need no more than this.
      const server = one as unknown as TestServer;
      const made = await makeOwner(server, factory, { keyType: "ed25519", onlineKeyType: keyType });
      const signers = [await signerOf(made, await readRoot(server, factory, "tuf", "main"))];
      const before = calls(signs);
      await changeRoot(made, { onlineKeys: { roles: ONLINE_ROLES, keyType }, signers });
      expect(await version(one, factory, "root")).toBe(2);
      expect(calls(signs)).toBeGreaterThan(before);
    });
  });

  test("a delivery that nobody confirms in time is ended: the archive is gone", async () => {
    const { link } = await createFactory(one, "late");
    const claimant = newClaimant();
    const granted = await claim(one.url, link, claimant);
    await fetchArchive(link, granted);
    await one.aws.runSchedule();
    expect((await claim(one.url, link, claimant)).status).toBe(200);
    await pass(61 * MINUTE);
    // One reading of a clock that jumped destroys nothing.
    expect((await claim(one.url, link, claimant)).status).toBe(410);
    expect(await stateOf(one, "late")).toMatchObject({ delivery: { state: "claimed" } });
    for (let run = 0; run < 5; run += 1) await pass(passed + 14 * MINUTE);
    expect((await fetch(String(granted.body["archiveUrl"]))).status).toBe(404);
    expect((await claim(one.url, link, claimant)).status).toBe(410);
    expect(await stateOf(one, "late")).toMatchObject({ delivery: { state: "expired" } });
    const subjects = one.aws.mails.map(({ Content }) => Content.Simple.Subject.Data);
    expect(subjects.at(-1)).toContain("late");
    expect(heardOf(one, "late").map(({ type }) => type)).toEqual(["delivery-expired"]);
  }, 60_000);

  test("metadata is signed again in good time, and devices follow", async () => {
    const before = await Promise.all(
      FLEETS.map(async ({ factory }) => ({
        timestamp: await version(one, factory, "timestamp"),
        snapshot: await version(one, factory, "snapshot"),
      })),
    );
    const logged = one.aws.logs().length;
    await pass(3 * DAY);
    expect(one.aws.logs().slice(logged)).toContain('"StillDue":0');
    for (const [index, { factory }] of FLEETS.entries()) {
      const { timestamp = 0, snapshot = 0 } = before[index] ?? {};
      expect(await version(one, factory, "timestamp")).toBeGreaterThan(timestamp);
      expect(await version(one, factory, "snapshot")).toBe(snapshot);
      await follow(one, factory);
    }
  }, 60_000);

  test("former online keys are destroyed once no backup can need them", async () => {
    const count = () => FLEETS.map(({ destroys }) => calls(destroys));
    const before = count();
    await passBelieved(30 * DAY);
    expect(count()).toEqual(before);
    await passBelieved(36 * DAY);
    for (const [index, destroyed] of count().entries()) {
      expect(destroyed - (before[index] ?? 0)).toBeGreaterThanOrEqual(ONLINE_ROLES.length);
    }
  }, 600_000);

  test("owners hear that their root will expire", async () => {
    await passBelieved(280 * DAY);
    const subjects = one.aws.mails.map(({ Content }) => Content.Simple.Subject.Data);
    for (const { factory } of FLEETS) {
      expect(subjects).toContainEqual(expect.stringContaining(`The root of ${factory} expires`));
    }
  }, 600_000);
}

async function version(one: Installation, factory: string, role: string): Promise<number> {
  const { json } = await one.aws.ask("GET", `/repo/${factory}/main/${role}.json`);
  const { signed } = json() as { readonly signed: { readonly version: number } };
  return signed.version;
}

/** A device that knew version 1 of the root. */
async function follow(one: Installation, factory: string): Promise<void> {
  const metadataDir = join(one.folder, `${factory}-later`);
  mkdirSync(metadataDir);
  const { text } = await one.aws.ask("GET", `/repo/${factory}/main/1.root.json`);
  writeFileSync(join(metadataDir, "root.json"), text);
  const metadataBaseUrl = `${one.aws.front}/repo/${factory}/main`;
  await new Updater({ metadataDir, metadataBaseUrl }).refresh();
}
