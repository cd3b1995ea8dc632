/** The difference of two roots in words, for those who are asked to sign or apply the new one. */
import { ROLES, type Role } from "./dialect.ts";
import { formatTime } from "./expires.ts";
import { isJsonObject, jsonObject, sameJson, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import type { RootDraft } from "./root.ts";
import { show } from "./show.ts";

export interface RootChange {
  readonly kind: "key-added" | "key-removed" | "threshold" | "expires" | "other";
  readonly role?: Role;
  /** The key that is added or removed. */
  readonly keyid?: KeyId;
  /** Names roles, keyids and their owners. */
  readonly message: string;
}

/** The members of `signed` that change in every root, or that are described by their own kind. */
const TOLD: readonly string[] = ["version", "x-changelog", "roles", "expires"];
/** A member that comes and goes with a key of a role is described with that key. */
const BY_KEYID: readonly string[] = ["keys", "x-key-owners"];

/** @returns the changes from `before` to `after` but for version and changelog; empty if none */
export function rootChanges(before: RootDraft, after: RootDraft): readonly RootChange[] {
  const changes: RootChange[] = [];
  for (const role of ROLES) {
    const [old, next] = [before.roles[role], after.roles[role]];
    if (old === undefined || next === undefined) continue;
    for (const keyid of next.keyids.filter((id) => !old.keyids.includes(id))) {
      const message = `role ${role}: adds key ${withOwner(keyid, after)}`;
      changes.push({ kind: "key-added", role, keyid, message });
    }
    for (const keyid of old.keyids.filter((id) => !next.keyids.includes(id))) {
      const message = `role ${role}: removes key ${withOwner(keyid, before)}`;
      changes.push({ kind: "key-removed", role, keyid, message });
    }
    if (old.threshold !== next.threshold) {
      const message = `role ${role}: threshold from ${old.threshold} to ${next.threshold}`;
      changes.push({ kind: "threshold", role, message });
    }
  }
  if (before.expires !== after.expires && after.expires !== null) {
    const from = before.expires === null ? "none" : formatTime(before.expires);
    const message = `expires: from ${from} to ${formatTime(after.expires)}`;
    changes.push({ kind: "expires", message });
  }
  const told = new Set(changes.flatMap(({ keyid }) => (keyid === undefined ? [] : [keyid])));
  for (const name of otherMembers(before.signed, after.signed, told)) {
    changes.push({ kind: "other", message: otherWords(name, before.signed, after.signed) });
  }
  if (!sameJson(otherRoles(before.signed), otherRoles(after.signed))) {
    changes.push({ kind: "other", message: 'changes "roles" in more than keys and thresholds' });
  }
  return changes;
}

/** Short values in words; of others only that they change. */
function otherWords(name: string, before: JsonObject, after: JsonObject): string {
  const [old, next] = [before[name], after[name]];
  if ([old, next].some((value) => typeof value === "object" && value !== null)) {
    return `changes ${show(name)}`;
  }
  return `changes ${show(name)} from ${show(old)} to ${show(next)}`;
}

/** The roles without the members that have words of their own. */
function otherRoles(signed: JsonObject): JsonObject {
  const roles = isJsonObject(signed["roles"]) ? signed["roles"] : jsonObject({});
  return jsonObject(
    Object.fromEntries(
      Object.entries(roles).map(([name, role]) => {
        if (!isJsonObject(role) || !ROLES.some((known) => known === name)) return [name, role];
        const { keyids: _, threshold: __, ...others } = role;
        return [name, jsonObject(others)];
      }),
    ),
  );
}

/** A keyid as people read it: with the name of its owner, where the root tells. */
function withOwner(keyid: KeyId, { signed }: RootDraft): string {
  const owner = keyOwners(signed).get(keyid);
  return owner === undefined ? keyid : `${keyid} (${show(owner)})`;
}

/** The owner of each key, as `x-key-owners` tells: names by keyid. */
export function keyOwners(signed: JsonObject): ReadonlyMap<string, string> {
  const owners = signed["x-key-owners"];
  if (!isJsonObject(owners)) return new Map();
  return new Map(
    Object.entries(owners).flatMap(([keyid, owner]) => {
      const name = isJsonObject(owner) ? owner["polis-id"] : undefined;
      return typeof name === "string" && name !== "" ? [[keyid, name] as const] : [];
    }),
  );
}

function otherMembers(
  before: JsonObject,
  after: JsonObject,
  told: ReadonlySet<string>,
): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => {
    const [old, next] = [before[name] ?? null, after[name] ?? null];
    if (TOLD.includes(name) || sameJson(old, next)) return false;
    return !BY_KEYID.includes(name) || changesUntold(old, next, told);
  });
}

/** Whether anything changes but entries that come or go with a key of which words tell. */
function changesUntold(before: JsonValue, after: JsonValue, told: ReadonlySet<string>): boolean {
  const [old, next] = [before ?? jsonObject({}), after ?? jsonObject({})];
  if (!isJsonObject(old) || !isJsonObject(next)) return true;
  return [...new Set([...Object.keys(old), ...Object.keys(next)])].some((keyid) => {
    const [was, is] = [old[keyid] ?? null, next[keyid] ?? null];
    if (sameJson(was, is)) return false;
    return !told.has(keyid) || (was !== null && is !== null);
  });
}
