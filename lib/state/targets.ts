/**
 * Publishing targets as a change of the head: entries by name are put in or taken out, and all that nobody
 * named stays as it is. A decision on an older head is never carried over. The whole is made anew from the
 * newest one (service/commit.ts), so no other publisher's entry is lost.
 */
import { jsonObject, sameJson, type JsonObject } from "../tuf/json.ts";
import type { Head } from "./head.ts";
import { withSignedRoles, type SignedRole } from "./roles.ts";
import { advance, type EventContext, type Transition } from "./transition.ts";

/**
 * The number of names that an event lists for each kind of change. It stays small; all names are in the
 * documents.
 */
const MAX_LOGGED_NAMES = 10;

export interface TargetsChange {
  /** Entries to put in the place of those of the same name, or to add. */
  readonly entries: JsonObject;
  /** Names to take out; one that is not there is no error. */
  readonly remove: readonly string[];
}

/** The result of a change, by name. */
export interface TargetsDelta {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
  /** Named in the change, and so already. */
  readonly unchanged: readonly string[];
}

/** @returns all entries after the change; equal to `before` where `delta` has only unchanged ones */
export function changeTargets(
  before: JsonObject,
  { entries, remove }: TargetsChange,
): { readonly targets: JsonObject; readonly delta: TargetsDelta } {
  const [added, replaced, unchanged]: [string[], string[], string[]] = [[], [], []];
  const after = new Map(Object.entries(before));
  for (const [name, entry] of Object.entries(entries)) {
    const old = after.get(name);
    if (old === undefined) added.push(name);
    else (sameJson(old, entry) ? unchanged : replaced).push(name);
    after.set(name, entry);
  }
  const removed = remove.filter((name) => after.delete(name));
  // In the order of the canonical form: a large document is sorted once, and not at each step.
  const sorted = [...after].sort(([a], [b]) => (a < b ? -1 : 1));
  const targets = jsonObject(Object.fromEntries(sorted));
  return { targets, delta: { added, replaced, removed, unchanged } };
}

export function isNoChange({ added, replaced, removed }: TargetsDelta): boolean {
  return added.length + replaced.length + removed.length === 0;
}

export interface SignedTargets {
  /** Targets, snapshot and timestamp. */
  readonly signed: readonly SignedRole[];
  readonly delta: TargetsDelta;
  /** The user who published them. */
  readonly user: string;
}

/** The swap that publishes targets, with the snapshot and the timestamp that describe them. */
export function publishSigned(
  head: Head,
  { signed, delta, user }: SignedTargets,
  context: EventContext,
): Transition {
  const logged = (names: readonly string[]): JsonObject =>
    jsonObject({ count: names.length, names: names.slice(0, MAX_LOGGED_NAMES) });
  return advance(
    head,
    {
      head: { roles: withSignedRoles(head.roles, signed) },
      documents: signed.map(({ document }) => document),
      type: "targets-published",
      details: jsonObject({
        roles: signed.map(({ channel, role, document }) => {
          const { version, sha256 } = document.address;
          return jsonObject({ channel, role, version, sha256 });
        }),
        user,
        added: logged(delta.added),
        replaced: logged(delta.replaced),
        removed: logged(delta.removed),
      }),
    },
    context,
  );
}
