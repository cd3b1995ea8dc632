/**
 * Envelopes whose `signed` may be good and whose signatures are not what they seem: too few, by the
 * wrong keys, counted twice, over something else, or in a form that a loose reader takes.
 */
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import type { Channel } from "../../lib/tuf/dialect.ts";
import type { Random } from "./random.ts";
import {
  asList,
  asNumber,
  asObject,
  asText,
  covered,
  signedBy,
  signersOf,
  type Moment,
  type Signer,
} from "./roots.ts";

/** Signs `signed` by all, by exactly enough, or by a wrong or too small set of keys. */
export function signedSomehow(
  moment: Moment,
  channel: Channel,
  signed: JsonObject,
  random: Random,
): JsonObject {
  const { old, own, all } = signersOf(moment, channel, signed);
  const strangers = moment.pool
    .filter((key) => all.every((signer) => signer.key !== key))
    .map((key) => ({ key, keyid: key.keyid(moment.dialect) }));
  const some = (list: readonly Signer[]) =>
    random.shuffled(list).slice(0, random.below(list.length + 1));
  // One key under two ids, and as little as possible beside it.
  const twins = all.filter((a) => all.some((b) => a !== b && a.key === b.key));
  if (twins.length > 0 && random.oneIn(2)) {
    return signedBy(moment, channel, signed, [...new Set([...twins, ...some(all)])]);
  }
  const sets: readonly (readonly Signer[])[] = [
    all,
    all,
    all,
    all,
    random.shuffled(all),
    old,
    own,
    some(all),
    some(all),
    all.slice(1),
    [...all, ...strangers],
    strangers,
    [...some(all), ...strangers],
  ];
  const signers = random.pick(sets);
  return signedBy(moment, channel, signed, signers);
}

type Mutation = (
  list: readonly JsonObject[],
  random: Random,
  setting: Setting,
) => readonly JsonValue[];

interface Setting {
  readonly moment: Moment;
  readonly channel: Channel;
  readonly signed: JsonObject;
}

const MUTATIONS: readonly Mutation[] = [
  (list, random) => random.shuffled([...list, ...list.slice(0, 1 + random.below(2))]),
  (list, random) => list.slice(random.below(list.length + 1)),
  (list, random) => {
    const sigs = random.shuffled(list.map(({ sig }) => sig));
    return list.map((entry, i) => jsonObject({ ...entry, sig: sigs[i] }));
  },
  (list, random) =>
    one(list, random, (entry) => ({ ...entry, keyid: asText(entry["keyid"]).toUpperCase() })),
  (list, random) => {
    const [entry = jsonObject({})] = random.shuffled(list);
    const id = asText(entry["keyid"]);
    const keyid = random.pick([id.toUpperCase(), ` ${id}`, "ab".repeat(32), id.slice(0, 63), ""]);
    return [...list, jsonObject({ ...entry, keyid })];
  },
  (list, random) =>
    one(list, random, (entry) => ({ ...entry, sig: otherSig(asText(entry["sig"]), random) })),
  (list, random) => {
    const method = random.pick(["rsassa-pss", "rsassa-pss-sha256", "ed25519", "none", "", null, 1]);
    return one(list, random, (entry) => ({ ...entry, method }));
  },
  (list, random) =>
    one(list, random, (entry) => ({ ...entry, [random.pick(["x", "__proto__"])]: 1 })),
  (list, random) => one(list, random, ({ keyid }) => jsonObject({ keyid })),
  (list, random) => [...list, random.pick<JsonValue>([null, 1, "x", [], {}])],
  (list, random, { moment }) => {
    const waiting = random.pick(moment.pool).keyid(moment.dialect);
    return [...list, jsonObject({ keyid: waiting, method: "ed25519", sig: "" })];
  },
  (_, random, setting) => overSomethingElse(random, setting),
];

/** `body` with other signatures, and now and then with more in the envelope. */
export function mutateSignatures(setting: Setting, body: JsonObject, random: Random): JsonObject {
  const list = asList(body["signatures"]).map(asObject);
  const signatures = random.pick(MUTATIONS)(list, random, setting);
  const more = random.pick(["x", "targets-signatures", "__proto__", "signature"]);
  return random.oneIn(12)
    ? jsonObject({ ...body, signatures, [more]: {} })
    : jsonObject({ ...body, signatures });
}

/** Good signatures of another document: another version, another dialect, the text, the envelope. */
function overSomethingElse(random: Random, { moment, channel, signed }: Setting) {
  const other = random.pick<() => Uint8Array>([
    () => covered({ ...signed, version: asNumber(signed["version"]) - 1 }, moment.dialect),
    () => covered(signed, moment.dialect === "tuf" ? "ats" : "tuf"),
    () => Buffer.from(JSON.stringify(signed)),
    () => covered({ signed }, moment.dialect),
    () => new Uint8Array(),
  ])();
  const { all } = signersOf(moment, channel, signed);
  return all.map(({ key, keyid }) => key.entry(other, moment.dialect, keyid));
}

function one(
  list: readonly JsonObject[],
  random: Random,
  change: (entry: JsonObject) => Readonly<Record<string, JsonValue>>,
): readonly JsonObject[] {
  const place = random.below(list.length);
  return list.map((entry, i) => (i === place ? jsonObject(change(entry)) : entry));
}

function otherSig(sig: string, random: Random): JsonValue {
  const i = random.below(sig.length);
  const [start, end] = [sig.slice(0, i), sig.slice(i + 1)];
  const longer = [`${sig}00`, `${sig}=`, `${sig}AAAA`, `00${sig}`, ` ${sig}`, `${sig}\n`];
  const respelled = [sig.toUpperCase(), sig.replaceAll("=", ""), sig.replaceAll("+", "-")];
  const others = ["", "00".repeat(64), "A".repeat(88), "zz", null, 1];
  const one = start + random.pick(["0", "f", "A", "z"]) + end;
  return random.pick([start, one, one, ...longer, ...respelled, ...others]);
}
