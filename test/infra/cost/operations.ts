/**
 * What people, devices and the schedule do, one after the other, on a Factory of the dialect tuf; each is
 * measured by itself. A second Factory has its online keys in KMS.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { sha256Text } from "../../../lib/tuf/bytes.ts";
import { keysIn } from "../../support/cli-owner.ts";
import { IN_KMS } from "../../support/deployed/deployment.ts";
import {
  claim,
  confirm,
  createFactory,
  fetchArchive,
  newClaimant,
  readRoot,
  rotate,
  submit,
} from "../../support/owner.ts";
import { succeeded, type Installation } from "../stories/installation.ts";
import { measure, type Usage } from "./usage.ts";

const DAY = 86_400_000;
/** Where exactly this is due (lib/state/schedule.ts). */
const TIMESTAMP_DUE = 3 * DAY;
const SNAPSHOT_DUE = 18 * DAY;
const TARGETS_DUE = 130 * DAY;

export const OPERATIONS = [
  "bootstrap",
  "bootstrap, online keys in KMS",
  "claim of a delivery, and fetching it",
  "confirmation of a delivery",
  "`rootward keys rotate`",
  "ingestion of a root that came whole",
  "refusal of a root",
  "publication of targets",
  "device: the next root, which there is not",
  "device: timestamp, asked whether it changed",
  "device: timestamp",
  "device: snapshot",
  "device: targets",
  "device: a former version",
  "schedule: nothing is due",
  "schedule: a timestamp",
  "schedule: a timestamp, online keys in KMS",
  "schedule: timestamp and snapshot",
  "schedule: all online roles",
] as const;
export type Operation = (typeof OPERATIONS)[number];
export type Measured = Readonly<Record<Operation, Usage>>;

type Step = (name: Operation, run: () => Promise<unknown>) => Promise<void>;

export async function measureAll(one: Installation): Promise<Measured> {
  const usages = new Map<Operation, Usage>();
  const step: Step = async (name, run) => {
    usages.set(name, await measure(one.aws, run));
  };
  const link = await bootstrapStep(one, step);
  const owner = await deliverySteps(one, link, step);
  await ownerSteps(one, owner, step);
  await deviceSteps(one, step);
  await scheduleSteps(one, step);
  await kmsSteps(one, step);
  expect([...usages.keys()].toSorted()).toEqual(OPERATIONS.toSorted());
  expect(one.aws.refused).toEqual([]);
  return Object.fromEntries(usages) as Measured;
}

async function bootstrapStep(one: Installation, step: Step): Promise<string> {
  let link = "";
  await step("bootstrap", async () => {
    ({ link } = await createFactory(one, "acme"));
  });
  return link;
}

interface Owner {
  readonly archive: string;
  readonly token: string;
}

async function deliverySteps(one: Installation, link: string, step: Step): Promise<Owner> {
  const claimant = newClaimant();
  const archive = join(one.folder, "acme.tgz");
  let bytes = new Uint8Array();
  let token = "";
  await step("claim of a delivery, and fetching it", async () => {
    bytes = new Uint8Array(await fetchArchive(link, await claim(one.url, link, claimant)));
  });
  await step("confirmation of a delivery", async () => {
    const { body } = await confirm(one.url, link, claimant, bytes);
    token = String(body["ownerToken"]);
  });
  writeFileSync(archive, bytes, { mode: 0o600 });
  return { archive, token };
}

async function ownerSteps(one: Installation, { archive, token }: Owner, step: Step) {
  const command = ["keys", "rotate", archive, "--key-type", "ed25519"];
  await step("`rootward keys rotate`", async () => succeeded(await one.cli(command, token)));

  // With the token that an owner has; the operator's is known without a look into the table.
  const asOwner = { url: one.url, adminToken: token };
  const current = await readRoot(one, "acme", "tuf", "main");
  const [, second] = await keysIn(archive);
  if (second === undefined) throw new Error("the archive has no second key");
  const next = await rotate(current, second, { user: "owner" });
  await step("ingestion of a root that came whole", async () => {
    expect(await submit(asOwner, "acme", next.body)).toMatchObject({ status: 200 });
  });
  const other = await rotate(current, second, { user: "owner" });
  await step("refusal of a root", async () => {
    expect(await submit(asOwner, "acme", other.body)).toMatchObject({ status: 409 });
  });
  const publish = async (name: string): Promise<void> => {
    const targets = { [name]: { length: 3, hashes: { sha256: sha256Text(name) } } };
    const put = { token, body: { targets } };
    expect(await one.aws.ask("PUT", "/ota/factories/acme/targets/", put)).toMatchObject({
      status: 200,
    });
  };
  // The first one after a new root brings the signer's trust up to it.
  await publish("first.bin");
  await step("publication of targets", () => publish("app.bin"));
}

async function deviceSteps(one: Installation, step: Step): Promise<void> {
  const ask = (file: string, headers = {}) =>
    one.aws.ask("GET", `/repo/acme/main/${file}`, { headers });
  const asked = (name: Operation, file: string, status: number, headers = {}) =>
    step(name, async () => expect(await ask(file, headers)).toMatchObject({ status }));
  const version = async (role: string): Promise<number> => {
    const { signed } = (await ask(`${role}.json`)).json() as { signed: { version: number } };
    return signed.version;
  };
  const etag = (await ask("timestamp.json")).headers["etag"];
  await asked("device: the next root, which there is not", "4.root.json", 404);
  await asked("device: timestamp, asked whether it changed", "timestamp.json", 304, {
    "if-none-match": etag,
  });
  await asked("device: timestamp", "timestamp.json", 200);
  await asked("device: snapshot", `${await version("snapshot")}.snapshot.json`, 200);
  await asked("device: targets", `${await version("targets")}.targets.json`, 200);
  await asked("device: a former version", "2.root.json", 200);
}

/** As time passes for one Factory. */
async function scheduleSteps({ aws }: Installation, step: Step): Promise<void> {
  const run = () => aws.runSchedule();
  await step("schedule: nothing is due", run);
  await aws.moveClock(TIMESTAMP_DUE);
  await step("schedule: a timestamp", run);
  await aws.moveClock(SNAPSHOT_DUE);
  await step("schedule: timestamp and snapshot", run);
  await aws.moveClock(TARGETS_DUE);
  await step("schedule: all online roles", run);
}

/** Nothing of the first Factory is due any more by then. */
async function kmsSteps(one: Installation, step: Step): Promise<void> {
  await one.aws.moveClock(0);
  let link = "";
  await step("bootstrap, online keys in KMS", async () => {
    ({ link } = await createFactory(one, IN_KMS, { onlineKeyType: "rsa" }));
  });
  const claimant = newClaimant();
  const archive = await fetchArchive(link, await claim(one.url, link, claimant));
  await confirm(one.url, link, claimant, archive);
  await one.aws.moveClock(TIMESTAMP_DUE);
  await step("schedule: a timestamp, online keys in KMS", () => one.aws.runSchedule());
}
