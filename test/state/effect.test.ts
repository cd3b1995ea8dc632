/** Effects are stored as a kind and a `ref`: the form of every release so far is read, and written again. */
import * as v from "valibot";
import { expect, test } from "vitest";
import { effect, includesEffect, toStored, type Effect } from "../../lib/state/effect.ts";

const HASH = "a".repeat(64);
const INSTANCE = "b".repeat(32);
const read = (kind: string, ref: string): Effect => v.parse(effect, { kind, ref });
const own = (seq: number) => ({ first: seq, last: seq, count: 1, shared: false });

const KNOWN: readonly (readonly [kind: Effect["kind"], ref: string, effect: object])[] = [
  ["follow-roots", "main 2", { channel: "main", version: 2 }],
  ["follow-roots", "prod 2147483647", { channel: "prod", version: 2_147_483_647 }],
  ["destroy-share", HASH, { idHash: HASH }],
  ["destroy-archive", HASH, { idHash: HASH }],
  ["withdraw-link", HASH, { idHash: HASH }],
  ["destroy-key", `targets ${HASH}`, { role: "targets", keyid: HASH }],
  ["forget-instance", INSTANCE, { instance: INSTANCE }],
  // A release before readers had effects of their own.
  ["notify", "7", { reader: null, events: own(7) }],
  ["notify", "7 owner", { reader: "owner", events: own(7) }],
  ["notify", "7 former-provisioner", { reader: "former-provisioner", events: own(7) }],
  [
    "notify",
    "9-104/95 owner",
    { reader: "owner", events: { first: 9, last: 104, count: 95, shared: true } },
  ],
  // What a shared notice grew by may be one event. It stays shared.
  [
    "notify",
    "8-8/1 owner",
    { reader: "owner", events: { first: 8, last: 8, count: 1, shared: true } },
  ],
  ["announce", "7", { events: own(7) }],
  ["announce", "9-20/12", { events: { first: 9, last: 20, count: 12, shared: true } }],
  ["end-token", HASH, { token: HASH }],
  ["end-token", "ended", { token: "ended" }],
];

test.each(KNOWN)("%s %s", (kind, ref, members) => {
  expect(read(kind, ref)).toEqual({ kind, ...members });
  expect(toStored(read(kind, ref))).toEqual({ kind, ref });
});

test.each([
  ["notify", "7 auditor"],
  ["notify", "7 owner twice"],
  ["notify", "seven owner"],
  ["announce", "9-20"],
  ["follow-roots", "staging 2"],
  ["follow-roots", "main 0"],
  ["follow-roots", "main"],
  ["destroy-share", HASH.toUpperCase()],
  ["destroy-key", HASH],
  ["destroy-key", `root ${HASH}`],
  ["forget-instance", HASH],
  ["end-token", "all"],
])("%s %s is of a later release, and is kept as it is", (kind, ref) => {
  expect(read(kind, ref)).toEqual({ kind: "later", stored: { kind, ref } });
  expect(toStored(read(kind, ref))).toEqual({ kind, ref });
});

test("a kind that nobody knows makes the head one of a later release", () => {
  expect(v.safeParse(effect, { kind: "rotate", ref: "1" }).success).toBe(false);
  expect(v.safeParse(effect, { kind: "notify", ref: "1", to: "x" }).success).toBe(false);
});

test("effects are the same where kind and subject are", () => {
  const all = KNOWN.map(([kind, ref]) => read(kind, ref));
  for (const [at, one] of all.entries()) {
    expect(includesEffect(all, one)).toBe(true);
    expect(includesEffect(all.toSpliced(at, 1), one)).toBe(false);
  }
});
