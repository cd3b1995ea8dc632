/**
 * The judge of the fuzz run is judged: good roots have nothing against them, and of hand-made bad
 * ones each has its reason named, so that its verdict on a run means something.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { objections, saysTheSame } from "../support/independent-check.ts";
import { makeFleets, type Fleet } from "./fleets.ts";
import { ed25519FromSeed, keyidOf, makePool, type FuzzKey } from "./keys.ts";
import { Random } from "./random.ts";
import { asList, asObject, member, nextOf, signedBy, signersOf } from "./roots.ts";

let fleets: ReadonlyMap<string, Fleet>;
beforeAll(async () => {
  const made = await makeFleets(makePool(new Random(1)));
  fleets = new Map(made.map((fleet) => [fleet.name, fleet]));
});

function fleetOf(name: string): Fleet {
  const fleet = fleets.get(name);
  if (fleet === undefined) throw new Error(`no fleet ${name}`);
  return fleet;
}

const TUF = "tuf, three root keys";
const ATS = "ats, three root keys";

function against(fleet: Fleet, body: JsonObject | string): readonly string[] {
  const channel = fleet.dialect === "tuf" ? "main" : "ci";
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const current = fleet.current.get(channel) ?? new Uint8Array();
  const { dialect, now } = fleet;
  return objections({ dialect, current, next: Buffer.from(text), now });
}

/** The next root with `change` in it, signed by everybody who should. */
function changed(fleet: Fleet, change: (signed: JsonObject) => JsonObject): JsonObject {
  const channel = fleet.dialect === "tuf" ? "main" : "ci";
  return signedBy(fleet, channel, change(nextOf(fleet, channel)));
}

test.each([TUF, ATS, "tuf, just made", "ats, just made", "tuf, expired"])(
  "a good root of a Factory (%s) has nothing against it",
  (name) => {
    const fleet = fleetOf(name);
    const body = changed(fleet, (signed) => signed);
    expect(against(fleet, body)).toEqual([]);
    expect(against(fleet, JSON.stringify(body, null, 2))).toEqual([]);
  },
);

function withRole(signed: JsonObject, name: string, changes: Readonly<Record<string, JsonValue>>) {
  const roles = asObject(signed["roles"]);
  const role = jsonObject({ ...asObject(roles[name]), ...changes });
  return jsonObject({ ...signed, roles: jsonObject({ ...roles, [name]: role }) });
}

function withKey(signed: JsonObject, name: string, keyid: string, object: JsonObject): JsonObject {
  const keyids = [...asList(member(signed, "roles", name, "keyids")), keyid];
  const keys = jsonObject({ ...asObject(signed["keys"]), [keyid]: object });
  return withRole(jsonObject({ ...signed, keys }), name, { keyids });
}

const stranger = ed25519FromSeed(new Uint8Array(32).fill(7));
const ONES = jsonObject({
  keytype: "ed25519",
  keyval: { public: `01${"00".repeat(31)}` },
  scheme: "ed25519",
});

/** What is against a root whose `signed` is wrong and whose signatures are right. */
const WRONG: readonly (readonly [string, (signed: JsonObject, fleet: Fleet) => JsonObject])[] = [
  ["not a root", (signed) => ({ ...signed, _type: "targets" })],
  ["not the next version", (signed) => ({ ...signed, version: 2 ** 31 })],
  ["not the next version", (signed) => ({ ...signed, version: 1 })],
  ["not the next version", (signed) => ({ ...signed, version: "4" })],
  ["expires in another form", (signed) => ({ ...signed, expires: "2036-01-01T00:00:00.000Z" })],
  ["expired", (signed) => ({ ...signed, expires: "2026-01-15T12:00:00Z" })],
  ["expired", (signed) => ({ ...signed, expires: "2026-99-99T99:99:99Z" })],
  ["a character that clients disagree about", (signed) => ({ ...signed, "x-note": "caf\u00e9" })],
  ["a private key", (signed) => ({ ...signed, "x-note": "-----BEGIN EC PRIVATE KEY-----" })],
  ["a private key", (signed) => ({ ...signed, x: { keyval: { private: "00", public: "" } } })],
  ["root: keys or threshold wrong", (signed) => withRole(signed, "root", { threshold: 0 })],
  ["root: keys or threshold wrong", (signed) => withRole(signed, "root", { threshold: 4 })],
  ["root: keys or threshold wrong", (signed) => withRole(signed, "root", { threshold: "1" })],
  ["snapshot: keys or threshold wrong", (signed) => withRole(signed, "snapshot", { threshold: 2 })],
  ["timestamp: another key", (signed) => withRole(signed, "timestamp", { keyids: [] })],
  [
    "timestamp: another key",
    (signed, { dialect }) =>
      withKey(signed, "timestamp", stranger.keyid(dialect), stranger.object(dialect)),
  ],
  [
    "targets: another key",
    (signed, { dialect }) => {
      const added = withKey(signed, "targets", stranger.keyid(dialect), stranger.object(dialect));
      const keyids = asList(member(added, "roles", "targets", "keyids"));
      return withRole(added, "targets", { keyids: keyids.toReversed() });
    },
  ],
  [
    "an online key signs roots",
    (signed) => {
      const [online = ""] = asList(member(signed, "roles", "snapshot", "keyids"));
      const keyids = [...asList(member(signed, "roles", "root", "keyids")), online];
      return withRole(signed, "root", { keyids });
    },
  ],
];

describe.each([TUF, ATS])("of a Factory (%s)", (name) => {
  test.each(WRONG)("%s", (reason, change) => {
    const fleet = fleetOf(name);
    const body = changed(fleet, (signed) => jsonObject(change(signed, fleet)));
    expect(against(fleet, body)).toContain(reason);
  });

  test("too few signatures", () => {
    const fleet = fleetOf(name);
    const channel = fleet.dialect === "tuf" ? "main" : "ci";
    const signed = nextOf(fleet, channel);
    const { all } = signersOf(fleet, channel, signed);
    const strangers = fleet.pool.slice(5, 8).map((key) => signer(key, fleet));
    const both = ["too few signatures by the current root", "too few signatures by itself"];
    for (const signers of [all.slice(0, 1), [], strangers, [...all.slice(1, 2), ...strangers]]) {
      expect(against(fleet, signedBy(fleet, channel, signed, signers))).toEqual(both);
    }
    expect(against(fleet, signedBy(fleet, channel, signed, all.slice(0, 2)))).toEqual([]);
    const good = signedBy(fleet, channel, signed);
    expect(against(fleet, { ...good, signed: { ...signed, "x-more": 1 } })).toEqual(both);
  });

  test("signatures by one side only", () => {
    const fleet = fleetOf(name);
    const channel = fleet.dialect === "tuf" ? "main" : "ci";
    const others = fleet.pool.slice(5, 7);
    const signed = nextOf(fleet, channel, { keys: others, threshold: 2 });
    const { old, own } = signersOf(fleet, channel, signed);
    const [byOld, byNew] = [old, own].map((by) => signedBy(fleet, channel, signed, by));
    expect(against(fleet, byOld ?? {})).toEqual(["too few signatures by itself"]);
    expect(against(fleet, byNew ?? {})).toEqual(["too few signatures by the current root"]);
  });
});

test("one key under two ids counts once", () => {
  const fleet = fleetOf("tuf, just made");
  const [first] = fleet.pool;
  if (first === undefined) throw new Error("no keys");
  const twin = jsonObject({ ...first.object("tuf"), "x-twin": 1 });
  const body = changed(fleet, (signed) =>
    withRole(withKey(signed, "root", keyidOf(twin, "tuf"), twin), "root", { threshold: 2 }),
  );
  expect(asList(body["signatures"])).toHaveLength(2);
  expect(against(fleet, body)).toEqual([
    "too few signatures by itself",
    "root: keys or threshold wrong",
  ]);
});

test("a point of small order is no key", () => {
  const body = changed(fleetOf("tuf, just made"), (signed) =>
    withRole(withKey(signed, "root", keyidOf(ONES, "tuf"), ONES), "root", { threshold: 2 }),
  );
  expect(against(fleetOf("tuf, just made"), body)).toContain("root: keys or threshold wrong");
});

test("the form of the text", () => {
  const fleet = fleetOf(TUF);
  const text = JSON.stringify(changed(fleet, (signed) => signed));
  const version = /"version":(\d+)/.exec(text)?.[1] ?? "";
  const cases = [
    [`"version":${version}`, `"version":${version}.0`, `number ${version}.0`],
    [`"version":${version}`, `"version":${version}e0`, `number ${version}e0`],
    [`"version":${version}`, `"version":1,"version":${version}`, 'member "version" twice'],
    [
      `"version":${version}`,
      `"version":1,"v\\u0065rsion":${version}`,
      'member "v\\u0065rsion" twice',
    ],
    ['{"signatures"', '{"signatures":[],"signatures"', 'member "signatures" twice'],
  ] as const;
  for (const [from, to, reason] of cases) {
    expect(against(fleet, text.replace(from, to))).toEqual([reason]);
  }
  for (const unreadable of [`\ufeff${text}`, `${text}x`, "", "[]"]) {
    expect(against(fleet, unreadable)).not.toEqual([]);
  }
});

test("two roots say the same whatever their signatures, white space and order are", () => {
  const body = changed(fleetOf(TUF), (signed) => signed);
  const backwards = Object.fromEntries(Object.entries(asObject(body["signed"])).toReversed());
  const same = JSON.stringify({ signed: backwards, signatures: [] }, null, 1);
  const other = JSON.stringify({ ...body, signed: { ...backwards, "x-more": 1 } });
  expect(saysTheSame(Buffer.from(JSON.stringify(body)), Buffer.from(same))).toBe(true);
  expect(saysTheSame(Buffer.from(JSON.stringify(body)), Buffer.from(other))).toBe(false);
});

function signer(key: FuzzKey, { dialect }: Fleet) {
  return { key, keyid: key.keyid(dialect) };
}
