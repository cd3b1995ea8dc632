/**
 * Building role documents: the `signed` values of the four roles in both dialects, and the
 * envelope around them. Nothing is signed here; signatures come from outside.
 */
import { encodeJson } from "./canonical.ts";
import { typeName, type Dialect, type OnlineRole, type Role } from "./dialect.ts";
import { formatTime } from "./expires.ts";
import { isJsonArray, isJsonObject, jsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId, RootKey } from "./keys.ts";
import type { Sha256 } from "./bytes.ts";
import type { Root } from "./root.ts";

/** The TUF specification that the tuf dialect follows. */
const SPEC_VERSION = "1.0.31";

/** The description of one document by another in `meta`. */
export interface MetaEntry {
  readonly version: number;
  readonly length: number;
  readonly sha256: Sha256;
}

function header(dialect: Dialect, role: Role, version: number, expires: number): JsonObject {
  return jsonObject({
    _type: typeName(dialect, role),
    spec_version: dialect === "tuf" ? SPEC_VERSION : undefined,
    version,
    expires: formatTime(expires),
  });
}

/** The `signed` of root version 1. In ats the prod targets threshold starts at 2 (rule 10). */
export function firstRoot(spec: {
  readonly dialect: Dialect;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly rootKey: RootKey;
  readonly onlineKeys: Readonly<Record<OnlineRole, RootKey>>;
  readonly targetsThreshold: number;
}): JsonObject {
  const { dialect, rootKey, onlineKeys } = spec;
  const all = [rootKey, onlineKeys.targets, onlineKeys.snapshot, onlineKeys.timestamp];
  const role = (key: RootKey, threshold = 1): JsonObject =>
    jsonObject({ keyids: [key.keyid], threshold });
  return jsonObject({
    ...header(dialect, "root", 1, spec.expires),
    consistent_snapshot: dialect === "tuf",
    keys: jsonObject(Object.fromEntries(all.map(({ keyid, object }) => [keyid, object]))),
    roles: jsonObject({
      root: role(rootKey),
      targets: role(onlineKeys.targets, spec.targetsThreshold),
      snapshot: role(onlineKeys.snapshot),
      timestamp: role(onlineKeys.timestamp),
    }),
  });
}

/** The changes of a rotation of one root key. */
export interface Rotation {
  /** The keyids that leave the root role: the caller's own. */
  readonly remove: readonly KeyId[];
  readonly add: RootKey;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly changelog: { readonly user: string; readonly message: string; readonly time: number };
}

/**
 * The `signed` of the root after `current` in which one root key takes the place of another; keys that no
 * role uses leave, with their owners. Everything else is as in `current`.
 */
export function rotatedRoot(current: Root, rotation: Rotation): JsonObject {
  const { add, remove, changelog } = rotation;
  const keyids = current.roles.root.keyids.filter((keyid) => !remove.includes(keyid));
  const roles = object(current.signed["roles"]);
  const nextRoles = jsonObject({
    ...roles,
    root: jsonObject({ ...object(roles["root"]), keyids: [...keyids, add.keyid] }),
  });
  const keep = (members: JsonObject): JsonObject => usedMembers(members, nextRoles);
  const owners = current.signed["x-key-owners"];
  const owner = jsonObject({
    "polis-id": changelog.user,
    "created-at": formatTime(changelog.time),
  });
  return jsonObject({
    ...current.signed,
    version: current.version + 1,
    expires: formatTime(rotation.expires),
    keys: jsonObject({ ...keep(object(current.signed["keys"])), [add.keyid]: add.object }),
    roles: nextRoles,
    "x-changelog": jsonObject({
      "polis-id": changelog.user,
      message: changelog.message,
      timestamp: formatTime(changelog.time),
    }),
    "x-key-owners": jsonObject({ ...keep(object(owners)), [add.keyid]: owner }),
  });
}

/**
 * The same root with `key` as the online key of a role, in the place of `before`; a key that no role uses
 * leaves.
 */
export function withOnlineKey(
  signed: JsonObject,
  role: OnlineRole,
  before: KeyId,
  key: RootKey,
): JsonObject {
  const roles = object(signed["roles"]);
  const keyids = keyidsIn(roles[role] ?? null).map((keyid) =>
    keyid === before ? key.keyid : keyid,
  );
  const nextRoles = jsonObject({
    ...roles,
    [role]: jsonObject({ ...object(roles[role]), keyids }),
  });
  const keys = { ...object(signed["keys"]), [key.keyid]: key.object };
  return jsonObject({
    ...signed,
    roles: nextRoles,
    keys: usedMembers(jsonObject(keys), nextRoles),
  });
}

/** Those members of an object by keyid whose key some role uses. */
function usedMembers(members: JsonObject, roles: JsonObject): JsonObject {
  const used = new Set(Object.values(roles).flatMap(keyidsIn));
  return jsonObject(
    Object.fromEntries(Object.entries(members).filter(([keyid]) => used.has(keyid))),
  );
}

/** The same root with another targets threshold: how prod differs from ci. */
export function withTargetsThreshold(signed: JsonObject, threshold: number): JsonObject {
  const roles = object(signed["roles"]);
  const targets = jsonObject({ ...object(roles["targets"]), threshold });
  return jsonObject({ ...signed, roles: jsonObject({ ...roles, targets }) });
}

export function targetsDocument(
  dialect: Dialect,
  version: number,
  expires: number,
  targets: JsonObject,
): JsonObject {
  return jsonObject({ ...header(dialect, "targets", version, expires), targets });
}

export function snapshotDocument(
  dialect: Dialect,
  version: number,
  expires: number,
  targets: MetaEntry,
): JsonObject {
  const meta = jsonObject({ "targets.json": metaObject(targets) });
  return jsonObject({ ...header(dialect, "snapshot", version, expires), meta });
}

export function timestampDocument(
  dialect: Dialect,
  version: number,
  expires: number,
  snapshot: MetaEntry,
): JsonObject {
  const meta = jsonObject({ "snapshot.json": metaObject(snapshot) });
  return jsonObject({ ...header(dialect, "timestamp", version, expires), meta });
}

function metaObject({ version, length, sha256 }: MetaEntry): JsonObject {
  return jsonObject({ version, length, hashes: jsonObject({ sha256 }) });
}

/** The document as stored and served. UTF-8. */
export function envelope(signed: JsonObject, signatures: readonly JsonObject[]): Uint8Array {
  return encodeJson(jsonObject({ signatures, signed }));
}

function keyidsIn(role: JsonValue): readonly JsonValue[] {
  const keyids = object(role)["keyids"];
  return isJsonArray(keyids) ? keyids : [];
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : jsonObject({});
}
