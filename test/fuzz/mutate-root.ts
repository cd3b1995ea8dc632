/**
 * Mutations of a root's `signed` that know what a root is: thresholds, keys under two ids, online
 * keys among root keys, keys that verify anything. They are signed again afterwards, by the right
 * keys, so that nothing but the rule itself can refuse them. A good change is among them too.
 */
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { keyidOf, usable, type Pool } from "./keys.ts";
import { changed } from "./mutate-tree.ts";
import type { Random } from "./random.ts";
import { asList, asNumber, asObject, asText, member } from "./roots.ts";

export interface RootSetting {
  readonly dialect: Dialect;
  readonly pool: Pool;
  readonly now: number;
  readonly random: Random;
}

type Mutation = (signed: JsonObject, setting: RootSetting) => JsonObject;

const ROLE_NAMES = ["root", "targets", "snapshot", "timestamp"] as const;
const HARD = [0, 1, 2, 3, 64, 1000, 1001, 2 ** 31, -1, 1.5, "1", null, true] as const;
/** Of small order, not canonical, no point at all, too short, too long, not hex. */
const POINTS = [
  `01${"00".repeat(31)}`,
  "00".repeat(32),
  `ec${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  `ee${"ff".repeat(30)}7f`,
  `02${"00".repeat(31)}`,
  "ab".repeat(31),
  "ab".repeat(33),
  "AB".repeat(32),
];

const MUTATIONS: readonly Mutation[] = [
  (signed, setting) => otherThreshold(signed, setting),
  (signed, setting) => otherThreshold(signed, setting),
  (signed, setting) => otherRootKeys(signed, setting),
  (signed, setting) => otherRootKeys(signed, setting),
  (signed, { random, ...rest }) => {
    const to = random.pick(ROLE_NAMES);
    const [moved] = random.shuffled(keyidsOf(signed, random.pick(ROLE_NAMES)));
    if (moved === undefined) return otherRootKeys(signed, { random, ...rest });
    return withRole(signed, to, { keyids: random.shuffled([...keyidsOf(signed, to), moved]) });
  },
  (signed, { random }) => {
    const name = random.pick(ROLE_NAMES);
    const keyids = keyidsOf(signed, name).map((id) =>
      random.oneIn(2) ? random.pick([id.toUpperCase(), `${id} `, id.slice(1), ""]) : id,
    );
    return withRole(signed, name, { keyids });
  },
  (signed, setting) => twinKey(signed, setting),
  (signed, setting) => twinKey(signed, setting),
  (signed, { random, dialect }) => {
    const text = random.pick(POINTS);
    const object = jsonObject({
      keytype: dialect === "tuf" ? "ed25519" : "ED25519",
      keyval: jsonObject({ public: text }),
      ...(dialect === "tuf" && { scheme: "ed25519" }),
    });
    return withKey(signed, keyidOf(object, dialect), object, random.pick(["root", "targets"]));
  },
  (signed, { random, pool }) => {
    const [keyid = ""] = random.shuffled(Object.keys(asObject(signed["keys"])));
    const text = random.pick(pool).text;
    return asObject(
      changed(signed, ["keys", keyid, "keyval", "public"], () => respelled(text, random)),
    );
  },
  (signed, { random }) => {
    const version = asNumber(signed["version"]) + random.pick([-2, -1, 1, 2, 900, 2 ** 31]);
    return jsonObject({ ...signed, version });
  },
  (signed, { random, now }) => jsonObject({ ...signed, expires: anExpiry(random, now) }),
  (signed, { random }) =>
    jsonObject({
      ...signed,
      _type: random.pick(["root", "Root", "ROOT", "targets", "Timestamp", 1]),
    }),
  (signed, { random }) =>
    jsonObject({
      ...signed,
      spec_version: random.pick(["1.0", "1.0.31", "2.0", "1", "1.x", 1, null]),
    }),
  (signed, { random }) =>
    jsonObject({ ...signed, consistent_snapshot: random.pick([true, false, "true", 0, null]) }),
  (signed, { random, now }) => jsonObject({ ...signed, "x-changelog": aChangelog(random, now) }),
  (signed, { random }) => {
    const owner = jsonObject({ "polis-id": "owner", "created-at": "2026-01-15T12:00:00Z" });
    const keyid = random.pick([...keyidsOf(signed, "root"), "0".repeat(64), "constructor"]);
    return jsonObject({ ...signed, "x-key-owners": random.pick([{ [keyid]: owner }, [], null]) });
  },
  (signed, { random }) => {
    const secret = random.pick([
      "-----BEGIN PRIVATE KEY-----\n",
      "-----BEGIN RSA PRIVATE KEY-----",
      "x",
    ]);
    const note = random.pick([
      secret,
      { keyval: { private: secret } },
      { [secret]: 1 },
      [[secret]],
    ]);
    return jsonObject({
      ...signed,
      [random.pick(["x-note", "x-changelog", "x-key-owners"])]: note,
    });
  },
  (signed, { random }) => {
    const name = random.pick(["mirrors", "offline-updates", "__proto__", "x"]);
    const role = random.pick([
      member(signed, "roles", "root") ?? null,
      {},
      { keyids: [], threshold: 0 },
    ]);
    return jsonObject({
      ...signed,
      roles: jsonObject({ ...asObject(signed["roles"]), [name]: role }),
    });
  },
];

export function mutateRoot(signed: JsonObject, setting: RootSetting): JsonObject {
  let mutated = signed;
  for (let left = setting.random.pick([1, 1, 1, 2, 3]); left > 0; left -= 1) {
    mutated = setting.random.pick(MUTATIONS)(mutated, setting);
  }
  return mutated;
}

/** One to five root keys of the pool with a threshold that they can reach; a good change. */
export function otherRootKeys(
  signed: JsonObject,
  { dialect, pool, random }: RootSetting,
): JsonObject {
  const [first, ...others] = random.shuffled(usable(pool, dialect)).slice(0, 1 + random.below(5));
  const keys = first === undefined ? others : [first, ...others];
  const online = ROLE_NAMES.slice(1).flatMap((name) => keyidsOf(signed, name));
  const kept = Object.entries(asObject(signed["keys"])).filter(([keyid]) => online.includes(keyid));
  const own = keys.map((key) => [key.keyid(dialect), key.object(dialect)] as const);
  const known = jsonObject({ ...signed, keys: jsonObject(Object.fromEntries([...kept, ...own])) });
  const keyids = own.map(([keyid]) => keyid);
  return withRole(known, "root", { keyids, threshold: 1 + random.below(keys.length) });
}

function otherThreshold(signed: JsonObject, { random }: RootSetting): JsonObject {
  const name = random.pick(["root", "root", "root", ...ROLE_NAMES]);
  const most = keyidsOf(signed, name).length;
  return withRole(signed, name, { threshold: random.pick([0, most + 1, random.pick(HARD)]) });
}

/** A key of a role once more, under an id that follows from another way to write it. */
function twinKey(signed: JsonObject, { dialect, random }: RootSetting): JsonObject {
  const name = random.pick(["root", "root", "targets", "timestamp"] as const);
  const [keyid = ""] = random.shuffled(keyidsOf(signed, name));
  const object = asObject(member(signed, "keys", keyid));
  const text = asText(member(object, "keyval", "public"));
  const twin = random.pick([
    jsonObject({ ...object, ...(dialect === "tuf" && { "x-twin": 1 }) }),
    jsonObject({ ...object, ...(dialect === "tuf" && { "x-twin": 2 }) }),
    jsonObject({ ...object, keyval: jsonObject({ public: respelled(text, random) }) }),
    object,
  ]);
  const derived = keyidOf(twin, dialect);
  const id = random.oneIn(4) ? random.pick([keyid.toUpperCase(), "ab".repeat(32)]) : derived;
  const more = withKey(signed, id, twin, name);
  const { length } = keyidsOf(more, name);
  return random.oneIn(2) ? withRole(more, name, { threshold: random.pick([length, 2]) }) : more;
}

/** The same key for a loose reader. */
function respelled(text: string, random: Random): string {
  return random.pick([
    text,
    text.trimEnd(),
    `${text}\n`,
    `\n${text}`,
    text.toUpperCase(),
    text.replaceAll("\n", "\r\n"),
    text.replace(/\n(.)/, " \n$1"),
    text.replaceAll("PUBLIC KEY", "RSA PUBLIC KEY"),
    text + text,
  ]);
}

function anExpiry(random: Random, now: number): JsonValue {
  const day = 86_400_000;
  const time = new Date(
    now + random.pick([-400, -1, 0, 1, 20, 400, 3652, 3654]) * day,
  ).toISOString();
  const [date, seconds] = [time.slice(0, 10), time.slice(0, 19)];
  const strange = [
    "2027-02-30T00:00:00Z",
    "2027-01-01T24:00:00Z",
    "9999-12-31T23:59:59Z",
    "",
    null,
  ];
  const forms = [`${seconds}z`, time, `${date} 12:00:00Z`, `${seconds}+00:00`, 1_800_000_000];
  return random.oneIn(2) ? `${seconds}Z` : random.pick([...strange, ...forms]);
}

function aChangelog(random: Random, now: number): JsonValue {
  const time = now + random.pick([0, 0, 299_000, -299_000, 301_000, -86_400_000]);
  const timestamp = `${new Date(time).toISOString().slice(0, 19)}Z`;
  const user = random.pick(["owner", "owner", "admin", "", null]);
  const message = random.pick(["m", 'a\r\n\t"\\', "caf\u00e9", "\u007f"]);
  const whole = { "polis-id": user, message, timestamp };
  return random.pick([whole, whole, whole, { timestamp }, [], "x"]);
}

function keyidsOf(signed: JsonObject, name: string): readonly string[] {
  return asList(member(signed, "roles", name, "keyids")).map(asText);
}

function withRole(signed: JsonObject, name: string, changes: Readonly<Record<string, JsonValue>>) {
  const roles = asObject(signed["roles"]);
  const role = jsonObject({ ...asObject(roles[name]), ...changes });
  return jsonObject({ ...signed, roles: jsonObject({ ...roles, [name]: role }) });
}

function withKey(signed: JsonObject, keyid: string, object: JsonObject, name: string): JsonObject {
  const keys = jsonObject({ ...asObject(signed["keys"]), [keyid]: object });
  return withRole(jsonObject({ ...signed, keys }), name, {
    keyids: [...keyidsOf(signed, name), keyid],
  });
}
