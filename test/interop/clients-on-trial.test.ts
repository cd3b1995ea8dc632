/**
 * The judge of foreign clients judged: a client that believes everything is found out by every row of
 * the table of tampered copies, one that refuses everything by every row too, and one that says what
 * is not so at every poll. Otherwise a suite that passes would say nothing.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fleet } from "../../interop/fleet/fleet.ts";
import type { Poll } from "../../interop/fleet/foreign-client.ts";
import { NOTHING, type Answer, type Held } from "../../interop/fleet/holdings.ts";
import type { History } from "../../interop/fleet/lie.ts";
import { readSigned } from "../../interop/fleet/signed-file.ts";
import { MOMENTS, tellStory } from "../../interop/fleet/story.ts";
import { TAMPERINGS } from "../../interop/fleet/tampering.ts";
import { tryLies } from "../../interop/fleet/trial.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { ROLES, type Role } from "../../lib/tuf/dialect.ts";
import { KEY_TYPES } from "../../lib/tuf/keys.ts";

const PLAN = { name: "on-trial", dialect: "tuf", keyType: "ed25519" } as const;

const folder = mkdtempSync(join(tmpdir(), "rootward-trial-"));
function folderOf(device: string): string {
  const own = join(folder, device);
  mkdirSync(own, { recursive: true });
  return own;
}

let history: History;
const problems: Record<string, readonly string[]> = {};

beforeAll(async () => {
  const fleets = [
    new Fleet({ poll: believe }, PLAN, "main", folderOf),
    new Fleet({ poll: boast }, PLAN, "main", folderOf),
  ];
  for await (const scene of tellStory(PLAN)) {
    for (const fleet of fleets) await fleet.live(scene);
  }
  const [believing, boasting] = fleets;
  if (believing === undefined || boasting === undefined) throw new Error("no fleets");
  history = believing.history;
  problems["believing"] = believing.problems;
  problems["boasting"] = boasting.problems;
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the story has what it promises: both types of keys in every role, and refreshes", () => {
  const { moments } = history;
  const last = moments["refreshed again"].files;
  const roots = [...last].filter(([name]) => name.endsWith(".root.json"));
  const types = roots.flatMap(([, bytes]) => {
    const { keys, roles } = readSigned(bytes).signed as unknown as TypedRoot;
    return Object.entries(roles).flatMap(([role, { keyids }]) =>
      keyids.map((keyid) => `${role} ${keys[keyid]?.keytype}`),
    );
  });
  const every = ROLES.flatMap((role) => KEY_TYPES.map((type) => `${role} ${type}`));
  expect(new Set(types)).toEqual(new Set(every));
  const [before, after] = [moments["online keys rotated"], moments["timestamp refreshed"]];
  const { timestamp } = after.holdings;
  expect(after.holdings).toEqual({ ...before.holdings, timestamp });
  expect(timestamp).not.toEqual(before.holdings.timestamp);
  const versions = MOMENTS.map((moment) => moments[moment].holdings.root?.version);
  expect(versions).toEqual([1, 1, 2, 3, 3, 6, 6]);
});

interface TypedRoot {
  readonly keys: Readonly<Record<string, { readonly keytype: string }>>;
  readonly roles: Readonly<Record<string, { readonly keyids: readonly string[] }>>;
}

test("a client that believes everything follows the service, and is found out by every lie", async () => {
  expect(problems["believing"]).toEqual([]);
  const { lies, problems: found } = await tryLies({ poll: believe }, history, folderOf);
  expect(lies).toBeGreaterThan(TAMPERINGS.length);
  expect(found.filter((problem) => problem.endsWith(": it was accepted"))).toHaveLength(lies);
  expect(found.filter((problem) => problem.includes("no place for"))).toEqual([]);
});

test("a client that refuses everything is found out at every lie", async () => {
  const { lies, problems: found } = await tryLies({ poll: refuse }, history, folderOf);
  const never = found.filter((problem) => problem.endsWith(": then, refused for signature: no"));
  expect(never).toHaveLength(lies);
});

test("a client that says another version than the owner's is found out at every poll", () => {
  // At each moment but the first, and at the last for every device.
  const polls = 3 * (MOMENTS.length - 1) + MOMENTS.length - 2;
  expect(problems["boasting"]).toHaveLength(polls);
});

/** Takes what it gets, wherever it can be read at all. */
async function believe({ url, root }: Poll): Promise<Answer> {
  const held: Record<string, Held> = {};
  let { roles } = readSigned(root).signed;
  const take = (role: Role, bytes: Uint8Array): Described => {
    const { signatures, signed } = readSigned(bytes);
    if (role === "root") roles = signed.roles;
    const signers = signatures.map(({ keyid }) => keyid);
    const keyids = roles[role].keyids.filter((keyid) => signers.includes(keyid)).toSorted();
    held[role] = { version: signed.version, keyids, sha256: sha256(bytes) };
    return signed;
  };
  const get = async (role: Role, version?: number): Promise<Described> => {
    const prefix = version === undefined ? "" : `${version}.`;
    const response = await fetch(`${url}/${prefix}${role}.json`);
    return take(role, new Uint8Array(await response.arrayBuffer()));
  };
  const { version } = take("root", root);
  try {
    for (let next = version + 1; ; next += 1) await get("root", next);
  } catch {
    // The end of the chain, or what is no JSON.
  }
  try {
    const timestamp = await get("timestamp");
    const snapshot = await get("snapshot", timestamp.meta?.["snapshot.json"]?.version);
    await get("targets", snapshot.meta?.["targets.json"]?.version);
  } catch {
    // The same.
  }
  return { held: { ...NOTHING, ...held }, refusal: null };
}

interface Described {
  readonly version: number;
  readonly meta?: Readonly<Record<string, { readonly version: number }>>;
}

async function refuse(): Promise<Answer> {
  return { held: NOTHING, refusal: { reason: "signature", says: "no" } };
}

async function boast(poll: Poll): Promise<Answer> {
  const { held } = await believe(poll);
  const { root } = held;
  return { held: { ...held, root: root && { ...root, version: root.version + 1 } }, refusal: null };
}
