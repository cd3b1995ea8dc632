/**
 * Good roots to start from: the next root of a channel, unsigned, and its envelope with every
 * signature that the pool can make. Members keep the order of the roles, not that of their ids,
 * which are random: so a place in the text is the same place in every run.
 */
import { canonicalize } from "../../lib/tuf/canonical.ts";
import { ROLES, type Channel, type Dialect } from "../../lib/tuf/dialect.ts";
import { isJsonArray, isJsonObject, jsonObject } from "../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import { withTargetsThreshold } from "../../lib/tuf/roles.ts";
import { DAY } from "../support/memory-service.ts";
import type { FuzzKey, Pool } from "./keys.ts";

/** A Factory at one time, as far as roots are concerned. */
export interface Moment {
  readonly dialect: Dialect;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly current: ReadonlyMap<Channel, Uint8Array>;
  /** The owner's keys, former and future ones too. */
  readonly pool: Pool;
}

export function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : jsonObject({});
}

export function asList(value: JsonValue | undefined): readonly JsonValue[] {
  return isJsonArray(value) ? value : [];
}

export function asText(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

export function asNumber(value: JsonValue | undefined): number {
  return typeof value === "number" ? value : 0;
}

export function member(
  value: JsonValue | undefined,
  ...path: readonly string[]
): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>((inner, name) => {
    const object = asObject(inner);
    return Object.hasOwn(object, name) ? object[name] : undefined;
  }, value);
}

/** The `signed` of a served root, in the order of the roles. */
function signedOf(bytes: Uint8Array | undefined): JsonObject {
  const body = JSON.parse(Buffer.from(bytes ?? []).toString()) as JsonValue;
  const signed = asObject(member(body, "signed"));
  const roles = asObject(signed["roles"]);
  const names = new Set([...ROLES, ...Object.keys(roles)]);
  const keyids = [...names].flatMap((name) => asList(member(roles, name, "keyids"))).map(asText);
  const inOrder = (object: JsonObject, order: Iterable<string>): JsonObject =>
    jsonObject(Object.fromEntries([...new Set(order)].map((name) => [name, object[name]])));
  const keys = asObject(signed["keys"]);
  return jsonObject({
    ...signed,
    keys: inOrder(keys, [...keyids, ...Object.keys(keys)]),
    roles: inOrder(roles, names),
  });
}

export function versionOf(bytes: Uint8Array | undefined): number {
  return asNumber(signedOf(bytes)["version"]);
}

/** A good next root; prod's is ci's of that version, once there is one. */
export function nextOf(
  moment: Moment,
  channel: Channel,
  rootRole: { readonly keys: readonly FuzzKey[]; readonly threshold: number } | null = null,
): JsonObject {
  const { current, dialect, now } = moment;
  const signed = signedOf(current.get(channel));
  const version = asNumber(signed["version"]) + 1;
  if (channel === "prod" && versionOf(current.get("ci")) === version) {
    const threshold = asNumber(member(signed, "roles", "targets", "threshold"));
    return withTargetsThreshold(signedOf(current.get("ci")), threshold);
  }
  const expires = `${new Date(now + 365 * DAY).toISOString().slice(0, 19)}Z`;
  const next = jsonObject({ ...signed, version, expires, "x-changelog": undefined });
  if (rootRole === null) return next;
  const { keys, threshold } = rootRole;
  const objects = keys.map((key) => [key.keyid(dialect), key.object(dialect)] as const);
  const keyids = keys.map((key) => key.keyid(dialect));
  const roles = jsonObject({
    ...asObject(signed["roles"]),
    root: jsonObject({ keyids, threshold }),
  });
  const all = { ...asObject(signed["keys"]), ...Object.fromEntries(objects) };
  const used = new Set(Object.values(roles).flatMap((role) => asList(member(role, "keyids"))));
  const kept = Object.entries(all).filter(([keyid]) => used.has(keyid));
  return jsonObject({ ...next, keys: jsonObject(Object.fromEntries(kept)), roles });
}

/** A key of the pool, under an id that a root lists it with. */
export interface Signer {
  readonly key: FuzzKey;
  readonly keyid: string;
}

/** Everybody in the pool who is a root key of `root`, whatever id or type it says. */
function rootSigners(root: JsonObject, pool: Pool): readonly Signer[] {
  const keyids = asList(member(root, "roles", "root", "keyids"));
  return keyids.flatMap((keyid) => {
    const text = member(root, "keys", asText(keyid), "keyval", "public");
    const key = pool.find((candidate) => candidate.text === text);
    return key === undefined ? [] : [{ key, keyid: asText(keyid) }];
  });
}

/** Root keys of the current root, and then those that are new in `signed`. */
export function signersOf(moment: Moment, channel: Channel, signed: JsonObject) {
  const old = rootSigners(signedOf(moment.current.get(channel)), moment.pool);
  const own = rootSigners(signed, moment.pool);
  const added = own.filter(({ keyid }) => old.every((signer) => signer.keyid !== keyid));
  return { old, own, all: [...old, ...added] };
}

/** The envelope of `signed`, by all of its signers unless others are named. */
export function signedBy(
  moment: Moment,
  channel: Channel,
  signed: JsonObject,
  signers: readonly Signer[] = signersOf(moment, channel, signed).all,
): JsonObject {
  const message = covered(signed, moment.dialect);
  const signatures = signers.map(({ key, keyid }) => key.entry(message, moment.dialect, keyid));
  return jsonObject({ signatures, signed });
}

/** What a signature covers; for what has no canonical form, the nearest thing. */
export function covered(signed: JsonValue, dialect: Dialect): Uint8Array {
  try {
    return canonicalize(signed, dialect);
  } catch {
    return Buffer.from(JSON.stringify(signed));
  }
}
