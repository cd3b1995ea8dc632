/**
 * Version numbers that ran ahead, since the service's clock was wrong for so long that it was believed.
 * Devices have such numbers, and both ways back must take them along (docs/operations.md):
 *
 *   ahead by 400 days        an operator runs `signer raise-ceiling`: numbers go on above
 *   close to 2^31-1          a root changes all online keys: numbers begin anew
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { MAX_VERSION, versionTime } from "../../lib/state/schedule.ts";
import { firstChannel, ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import { runCli } from "../../test/support/cli.ts";
import type { Owner } from "../../test/support/cli-owner.ts";
import { call } from "../../test/support/owner.ts";
import { FactoryLife } from "./factory-life.ts";
import type { ForeignClient } from "./foreign-client.ts";
import { startMirror } from "./mirror.ts";
import { deviceUrl, recordMoment, type Moment } from "./moment.ts";
import { changeRoot } from "./owner-steps.ts";
import { follows } from "./trial.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Two days pass until the clock was believed twice. A timestamp lives for longer. */
const AGO = 3 * DAY;
/** The clock says so many seconds before the highest version. */
const LEFT = 100;
/** Publishing leaves versions free for others, so that numbers end some more below it. */
const CLOSE = 3600;

export type Way = "raise-ceiling" | "begin-anew";
export const WAYS: readonly Way[] = ["raise-ceiling", "begin-anew"];

type Client = Pick<ForeignClient, "poll">;

/** @returns what is wrong */
export async function followFarVersions(
  client: Client,
  dialect: Dialect,
  way: Way,
  folderOf: (device: string) => string,
): Promise<readonly string[]> {
  const options = { dialect, keyType: "ed25519", onlineKeyType: "ed25519" } as const;
  const life = await FactoryLife.begin(way, AGO, options);
  const devices = new Devices(client, life, folderOf);
  try {
    await devices.poll("at first", ["every time", "late"]);
    const jump = way === "raise-ceiling" ? 400 * DAY : versionTime(MAX_VERSION - LEFT) - life.now;
    await life.setClock(jump);
    await publish(life.owner, "far");
    const far = await devices.poll("far ahead", ["every time", "later"]);
    await life.setClock(-jump);
    await devices.poll("clock put right", ["every time", "new then"]);
    if (!(await isStuck(life.owner)))
      devices.problems.push("publishing went on before the way back");
    await (way === "raise-ceiling" ? raiseCeiling(life) : changeOnlineKeys(life));
    const back = await devices.poll("way back", ["every time", "late", "new"]);
    if (way === "begin-anew") devices.expectLower(far, back);
    await publish(life.owner, "after");
    const last = await devices.poll("published", ["every time", "later", "late", "newer"]);
    await devices.refuse(far, last);
    return devices.problems;
  } finally {
    await life.end();
  }
}

class Devices {
  readonly problems: string[] = [];
  readonly #client: Client;
  readonly #life: FactoryLife;
  readonly #folderOf: (device: string) => string;
  #root: Uint8Array | undefined;

  constructor(client: Client, life: FactoryLife, folderOf: (device: string) => string) {
    this.#client = client;
    this.#life = life;
    this.#folderOf = folderOf;
  }

  /** Each device must end at what the owner reads. */
  async poll(when: string, devices: readonly string[]): Promise<Moment> {
    const { owner } = this.#life;
    const channel = firstChannel(owner.dialect);
    const moment = await recordMoment(owner, channel);
    for (const device of devices) {
      const answer = await this.#ask(device, deviceUrl(owner, channel), moment);
      const what = `${owner.factory} ${channel}: device "${device}", ${when}`;
      this.problems.push(...follows(what, moment.holdings, answer));
    }
    return moment;
  }

  /** No device takes again the documents that it had before. */
  async refuse(before: Moment, now: Moment): Promise<void> {
    const mirror = await startMirror();
    try {
      const roots = [...now.files].filter(([name]) => name.endsWith("root.json"));
      mirror.serve(new Map([...before.files, ...roots]));
      const { refusal } = await this.#ask("every time", mirror.url, now);
      const reasons = ["signature", "version"];
      if (refusal === null || !reasons.includes(refusal.reason)) {
        this.problems.push(
          `documents of before: expected a refusal, got ${refusal?.says ?? "none"}`,
        );
      }
      mirror.serve(now.files);
      const answer = await this.#ask("every time", mirror.url, now);
      this.problems.push(...follows("after documents of before", now.holdings, answer));
    } finally {
      await mirror.close();
    }
  }

  expectLower(before: Moment, after: Moment): void {
    for (const role of ONLINE_ROLES) {
      const [was, is] = [before.holdings[role]?.version ?? 0, after.holdings[role]?.version ?? 0];
      if (is < was && was > MAX_VERSION - CLOSE) continue;
      this.problems.push(`${role}: expected a number far below ${was}, got ${is}`);
    }
  }

  async #ask(device: string, url: string, { files }: Moment) {
    this.#root ??= files.get("1.root.json");
    if (this.#root === undefined) throw new Error("no root version 1");
    const folder = this.#folderOf(`${this.#life.owner.factory}, ${device}`);
    return this.#client.poll({ folder, url, root: this.#root });
  }
}

async function put(owner: Owner, name: string): Promise<number> {
  const sha256 = createHash("sha256").update(name).digest("hex");
  const url = `${owner.server.url}/ota/factories/${owner.factory}/targets/`;
  const targets = { [`${name}.bin`]: { length: name.length, hashes: { sha256 } } };
  const request = { method: "PUT", token: owner.env.ROOTWARD_TOKEN, body: { targets } };
  return (await call(url, request)).status;
}

async function publish(owner: Owner, name: string): Promise<void> {
  const status = await put(owner, name);
  if (status !== 200) throw new Error(`publishing ${name}: ${status}`);
}

/** 423: no version is to be had for a very long time. */
async function isStuck(owner: Owner): Promise<boolean> {
  return (await put(owner, "stuck")) === 423;
}

async function raiseCeiling({ owner }: FactoryLife): Promise<void> {
  const folder = join(owner.server.data, "signer");
  const args = ["signer", "raise-ceiling", owner.factory, "--signer-data", folder, "--yes"];
  const { code, stderr } = await runCli(args);
  if (code !== 0) throw new Error(`raise-ceiling: ${stderr}`);
}

async function changeOnlineKeys(life: FactoryLife): Promise<void> {
  const onlineKeys = { roles: ONLINE_ROLES, keyType: "ed25519" } as const;
  await changeRoot(life.owner, { onlineKeys, signers: [await life.rootKey()] });
}
