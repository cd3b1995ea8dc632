/** What one root changes of another, in words: for whoever is asked to sign or apply it. */
import { ROLES, type Role } from "./dialect.ts";
import { formatTime } from "./expires.ts";
import { isJsonObject, sameJson, type JsonObject, type JsonValue } from "./json.ts";
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

/** The members of `signed` that change in every root, or are told of by their own kind. */
const TOLD: readonly string[] = ["version", "x-changelog", "roles", "expires"];
/** Of these what comes and goes is told of with its key; here it is what changes and stays. */
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
  for (const name of otherMembers(before.signed, after.signed)) {
    changes.push({ kind: "other", message: `changes ${show(name)}` });
  }
  return changes;
}

/** A keyid as people read it: with the name of its owner, where the root tells. */
function withOwner(keyid: KeyId, { signed }: RootDraft): string {
  const owner = keyOwners(signed).get(keyid);
  return owner === undefined ? keyid : `${keyid} (${show(owner)})`;
}

/** Who brought each key, as `x-key-owners` tells: names by keyid. */
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

function otherMembers(before: JsonObject, after: JsonObject): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => {
    const [old, next] = [before[name] ?? null, after[name] ?? null];
    if (TOLD.includes(name) || sameJson(old, next)) return false;
    return !BY_KEYID.includes(name) || changesWhatStays(old, next);
  });
}

function changesWhatStays(before: JsonValue, after: JsonValue): boolean {
  if (!isJsonObject(before) || !isJsonObject(after)) return before !== null && after !== null;
  return Object.keys(before).some(
    (keyid) =>
      Object.hasOwn(after, keyid) && !sameJson(before[keyid] ?? null, after[keyid] ?? null),
  );
}
