/** What a root changes, in words: each change once, keys with their owners, and nothing else. */
import { describe, expect, test } from "vitest";
import { DIALECTS, firstChannel } from "../../lib/tuf/dialect.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import { keyOwners, rootChanges } from "../../lib/tuf/root-diff.ts";
import type { RootDraft } from "../../lib/tuf/root.ts";
import { readSignedRoot } from "../../lib/tuf/signed-root.ts";
import { edits, OWNER, signRoot, testFactory, type Edit } from "../support/tuf/test-factory.ts";
import { ids, listed } from "./broken-roots/row.ts";

describe.each(DIALECTS)("%s", (dialect) => {
  const channel = firstChannel(dialect);
  const { current, next, parties } = testFactory(dialect, channel);
  const { a, c, d, spare, timestamp } = parties;

  const draftOf = (signed: JsonObject): RootDraft => {
    const body = signRoot(signed, dialect, []);
    const { draft } = readSignedRoot(body, { dialect, channel, reading: "lenient" });
    if (draft === null) throw new Error("cannot be read");
    return draft.root;
  };
  /** What `changes` change of the current root; its version always does. */
  const changed = (...changes: readonly Edit[]): readonly string[] => {
    const after = draftOf(edits(current.signed, [["version"], 5], ...changes));
    return rootChanges(current, after).map(({ kind, message }) => `${kind}: ${message}`);
  };

  test("a rotation takes one key away, adds another with its owner, and extends the root", () => {
    const messages = rootChanges(current, draftOf(next)).map(({ message }) => message);
    expect(messages).toEqual([
      `role root: adds key ${d.key.keyid} ("${OWNER}")`,
      `role root: removes key ${c.key.keyid}`,
      "expires: from 2026-04-25T12:00:00Z to 2027-01-15T12:00:00Z",
    ]);
  });

  test("a key that leaves is named with the owner that the root before tells", () => {
    const before = draftOf(edits(next, [["x-key-owners", a.key.keyid], { "polis-id": "ada" }]));
    const after = draftOf(edits(next, [["roles", "root", "keyids"], ids(d)]));
    const removed = rootChanges(before, after).map(({ message }) => message);
    expect(removed).toContain(`role root: removes key ${a.key.keyid} ("ada")`);
  });

  test("nothing is said where nothing changes but version and changelog", () => {
    expect(changed()).toEqual([]);
    expect(changed([["x-changelog"], { message: "hello" }])).toEqual([]);
  });

  test("owners and key objects of keys that stay, and of no other", () => {
    const owners = (value: JsonValue | undefined): RootDraft =>
      draftOf(edits(current.signed, [["x-key-owners"], value]));
    const told = (before: JsonValue | undefined, after: JsonValue | undefined): number =>
      rootChanges(owners(before), owners(after)).length;
    const [A, C] = [a.key.keyid, c.key.keyid];
    const [ada, eve] = [{ "polis-id": "ada" }, { "polis-id": "eve" }];
    expect(told({ [A]: ada, [C]: ada }, { [C]: eve, [A]: ada })).toBe(1);
    expect(told({ [A]: ada }, "eve")).toBe(1);
    expect(told("eve", { [A]: ada })).toBe(1);
    // A name that somebody gives to a key that stays, or takes from it, is signed like all else.
    expect(told({ [A]: ada }, { [C]: ada })).toBe(1);
    expect(told({ [A]: ada }, undefined)).toBe(1);
    expect(told(undefined, { [A]: ada })).toBe(1);
    expect(told(undefined, "eve")).toBe(1);
    expect(told({ [A]: ada }, { [A]: ada })).toBe(0);
    expect(changed([["keys", A], { ...a.key.object, "x-note": "" }])).toEqual([
      'other: changes "keys"',
    ]);
    expect(rootChanges(owners({ [A]: ada }), owners({ [A]: eve }))).toEqual([
      { kind: "other", message: 'changes "x-key-owners"' },
    ]);
  });

  test("each role's threshold and keys, and each other member", () => {
    const keyids = ids(timestamp, spare);
    expect(
      changed(
        listed(spare),
        [["roles", "timestamp"], { keyids, threshold: 2 }],
        [["x-note"], "new"],
        [["consistent_snapshot"], undefined],
      ),
    ).toEqual([
      `key-added: role timestamp: adds key ${spare.key.keyid}`,
      "threshold: role timestamp: threshold from 1 to 2",
      `other: changes "consistent_snapshot" from ${dialect === "tuf"} to nothing`,
      'other: changes "x-note" from nothing to "new"',
    ]);
  });

  test("what no words are for is named, so that nobody signs it unseen", () => {
    const more = 'other: changes "roles" in more than keys and thresholds';
    const [A] = [a.key.keyid];
    const twin = spare.key.object;
    expect(changed([["roles", "root", "x-note"], 1])).toEqual([more]);
    expect(changed([["roles", "mirrors"], { keyids: [A], threshold: 1 }])).toEqual([more]);
    expect(changed([["keys", spare.key.keyid], twin])).toEqual(['other: changes "keys"']);
  });

  test("a part that cannot be read", () => {
    const roles = changed([["roles", "root"], undefined], [["roles", "timestamp", "threshold"], 3]);
    expect(roles).toEqual([
      "threshold: role timestamp: threshold from 1 to 3",
      'other: changes "roles" in more than keys and thresholds',
    ]);
    expect(changed([["expires"], "soon"])).toEqual([]);
    const without = draftOf(edits(current.signed, [["roles", "root"], undefined]));
    expect(rootChanges(without, current)).toHaveLength(1);
    const never = draftOf(edits(current.signed, [["expires"], "soon"]));
    expect(rootChanges(never, current).map(({ message }) => message)).toEqual([
      "expires: from none to 2026-04-25T12:00:00Z",
    ]);
  });
});

test("owners are read where they have a name", () => {
  const owners = {
    a: { "polis-id": "ada" },
    b: { "polis-id": 1 },
    c: { "polis-id": "" },
    d: "dora",
  };
  expect([...keyOwners({ "x-key-owners": owners })]).toEqual([["a", "ada"]]);
  expect(keyOwners({ "x-key-owners": ["ada"] }).size).toBe(0);
  expect(keyOwners({}).size).toBe(0);
});
