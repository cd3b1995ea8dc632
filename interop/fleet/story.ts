/**
 * The life of a Factory on a real server, moment by moment. Root keys and online keys change their
 * type in both directions, alone and together; the service refreshes by its schedule; several roots
 * come with no poll between.
 *
 * It begins months ago, and the service's clock is first behind the devices' by days and then ahead.
 * So what is published at the beginning has expired for devices, and so has one root in the middle,
 * and yet every document was signed in good time.
 */
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import { ONLINE_ROLES, type Dialect } from "../../lib/tuf/dialect.ts";
import type { KeyType } from "../../lib/tuf/keys.ts";
import type { Owner } from "../../test/support/cli-owner.ts";
import { FactoryLife } from "./factory-life.ts";
import { changeRoot, rotateByCommand } from "./owner-steps.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Until the schedule signs targets, and with them all online roles (lib/state/schedule.ts). */
const MONTHS = 130 * DAY;
/** Until it signs the timestamp, and nothing else. */
const DAYS = 3 * DAY;
/** Less than a timestamp lives; more than DAYS and the short-lived root together. */
const BEHIND = 4 * DAY;

export interface Plan {
  /** The name of the Factory. */
  readonly name: string;
  readonly dialect: Dialect;
  /** The type of the first keys, root and online; the other type takes turns with it. */
  readonly keyType: KeyType;
}

export const MOMENTS = [
  "bootstrapped",
  "first poll",
  "root rotated",
  "online keys rotated",
  "timestamp refreshed",
  "several rotations",
  "refreshed again",
] as const;
export type MomentName = (typeof MOMENTS)[number];

/** To devices, which have the real clock, what was published then has expired. */
export const LONG_AGO: MomentName = "bootstrapped";

export interface Scene {
  readonly moment: MomentName;
  readonly owner: Owner;
}

/** Each scene lasts until the next one is asked for. */
export async function* tellStory(plan: Plan): AsyncGenerator<Scene, void, undefined> {
  const { name, dialect, keyType: one } = plan;
  const other: KeyType = one === "rsa" ? "ed25519" : "rsa";
  const options = { dialect, keyType: one, onlineKeyType: one };
  const life = await FactoryLife.begin(name, MONTHS + BEHIND, options);
  try {
    yield { moment: "bootstrapped", owner: life.owner };
    await life.pass(MONTHS);
    yield { moment: "first poll", owner: life.owner };
    await rotateByCommand(life.owner, other);
    yield { moment: "root rotated", owner: life.owner };
    const signers = [await life.rootKey()];
    const onlineKeys = { roles: ONLINE_ROLES, keyType: other };
    await changeRoot(life.owner, { onlineKeys, signers });
    yield { moment: "online keys rotated", owner: life.owner };
    await life.pass(DAYS);
    yield { moment: "timestamp refreshed", owner: life.owner };
    await rotateThrice(life, one, other);
    yield { moment: "several rotations", owner: life.owner };
    await life.pass(DAYS);
    yield { moment: "refreshed again", owner: life.owner };
  } finally {
    await life.end();
  }
}

/** A root that has expired for devices, one of threshold 2, and one with another timestamp key. */
async function rotateThrice(life: FactoryLife, one: KeyType, other: KeyType): Promise<void> {
  const { owner } = life;
  const [before, third] = [await life.rootKey(), await makeSigningKey(one)];
  const [fourth, fifth] = [await makeSigningKey(other), await makeSigningKey(one)];
  await changeRoot(owner, {
    rootKeys: { add: third, remove: [before], threshold: 1, expires: life.now + 12 * HOUR },
    signers: [before, third],
  });
  await changeRoot(owner, {
    rootKeys: { add: fourth, remove: [], threshold: 2, expires: life.now + 365 * DAY },
    signers: [third, fourth],
  });
  await changeRoot(owner, {
    rootKeys: { add: fifth, remove: [third], threshold: 2, expires: life.now + 365 * DAY },
    onlineKeys: { roles: ["timestamp"], keyType: one },
    signers: [third, fourth, fifth],
  });
}
