/** Good roots with one part that fills the room: what the bodies of sizes.ts are made of. */
import type { Channel } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { hostileKeys, type HostileKind } from "./hostile-keys.ts";
import type { Random } from "./random.ts";
import { asList, asObject, asText, covered, member, signedBy, type Moment } from "./roots.ts";

export interface Filling {
  readonly moment: Moment;
  readonly channel: Channel;
  readonly random: Random;
  /** Bytes to fill. */
  readonly room: number;
  readonly next: JsonObject;
  /** `signed` as a body, signed. */
  readonly body: (signed: JsonObject) => Uint8Array;
}

/** An object or a list of as many parts as `room` holds, `length` bytes each or so. */
export function many(
  room: number,
  length: number,
  part: (i: number) => readonly [string, JsonValue],
): JsonObject {
  const count = Math.max(1, Math.floor(room / length));
  return jsonObject(Object.fromEntries(Array.from({ length: count }, (_, i) => part(i))));
}

export function hex64(i: number): string {
  return i.toString(16).padStart(64, "0");
}

export function text(json: string): Uint8Array {
  return new TextEncoder().encode(json);
}

/** Where a value goes that fills the room. */
export function filled({ next, body, random }: Filling, value: JsonValue): Uint8Array {
  const name = random.pick([
    "x-fill",
    "x-changelog",
    "x-key-owners",
    "version",
    "expires",
    "_type",
  ]);
  return body(jsonObject({ ...next, [name]: value }));
}

export function keysFor({ moment, room }: Filling, kind: HostileKind, most: number): JsonObject {
  return hostileKeys(kind, moment.dialect, Math.min(room, most));
}

export function withMany(
  { next, body }: Filling,
  name: "keys" | "roles",
  more: JsonObject,
): Uint8Array {
  return body(jsonObject({ ...next, [name]: jsonObject({ ...asObject(next[name]), ...more }) }));
}

export function withKeyids({ next, body, random }: Filling, more: readonly string[]): Uint8Array {
  return body(listed(next, random.pick(["root", "targets", "timestamp"]), more));
}

function listed(signed: JsonObject, name: string, more: readonly string[]): JsonObject {
  const roles = asObject(signed["roles"]);
  const keyids = [...asList(member(roles, name, "keyids")), ...more];
  const role = jsonObject({ ...asObject(roles[name]), keyids });
  return jsonObject({ ...signed, roles: jsonObject({ ...roles, [name]: role }) });
}

/**
 * All of `keys` are root keys, and the first of them sign, which makes 64 signatures with those of
 * the owner. Each is well formed, and bad.
 *
 * @param rsaLength of the signatures of RSA keys
 */
export function withSigners(
  { moment, channel, next }: Filling,
  keys: JsonObject,
  rsaLength = 256,
): Uint8Array {
  const all = jsonObject({ ...asObject(next["keys"]), ...keys });
  const signed = listed(jsonObject({ ...next, keys: all }), "root", Object.keys(keys));
  const own = asList(signedBy(moment, channel, signed)["signatures"]);
  const message = covered(signed, moment.dialect);
  const forged = Object.entries(keys).map(([keyid, key]) => {
    const type = asText(member(key, "keytype")).toLowerCase();
    const kind = type === "ecdsa" ? "p256" : type;
    const other = moment.pool.find((candidate) => candidate.kind === kind);
    const made = other?.sign(message) ?? new Uint8Array();
    const sig = kind === "rsa" ? Buffer.alloc(rsaLength, made).fill(0, 0, 1) : Buffer.from(made);
    const method = kind === "rsa" ? "rsassa-pss-sha256" : "ed25519";
    return moment.dialect === "tuf"
      ? jsonObject({ keyid, sig: sig.toString("hex") })
      : jsonObject({ keyid, method, sig: sig.toString("base64") });
  });
  const signatures = [...own, ...forged].slice(0, 64);
  return text(JSON.stringify({ signatures, signed }));
}

export function withSignatures(
  { moment, channel, next, room }: Filling,
  entry: (i: number) => JsonValue,
  length: number,
): Uint8Array {
  const body = signedBy(moment, channel, next);
  const more = Array.from({ length: Math.max(1, room / length) }, (_, i) => entry(i));
  return text(JSON.stringify({ ...body, signatures: [...asList(body["signatures"]), ...more] }));
}
