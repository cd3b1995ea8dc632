/** What waits to be told of stays small, loses nothing, and reads what earlier versions stored. */
import { expect, test } from "vitest";
import type { EventType } from "../../lib/state/event.ts";
import { toStored, type Effect, type MessageEffect } from "../../lib/state/effect.ts";
import { messagesOf } from "../../lib/state/messages.ts";
import { untoldEvents, withoutDone, withMessages } from "../../lib/state/waiting-messages.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { jsonObject } from "../../lib/tuf/json.ts";

const PEOPLE = { owner: { id: "o", email: "o@example.com" }, provisioner: null };

function after(events: readonly EventType[], pending: readonly Effect[] = []): readonly Effect[] {
  let all = pending;
  for (const [at, type] of events.entries()) {
    all = withMessages(all, messagesOf(at + 1, PEOPLE, jsonObject({})), type);
  }
  return all;
}
const minted = (count: number): EventType[] => Array.from({ length: count }, () => "token-minted");
const refs = (all: readonly Effect[]): readonly string[] =>
  all.filter(({ kind }) => kind === "notify").map((effect) => toStored(effect).ref);
const ownerOf = (seq: number): MessageEffect => {
  return {
    kind: "notify",
    reader: "owner",
    events: { first: seq, last: seq, count: 1, shared: false },
  };
};

test("common events share a notice beyond eight, and what matters keeps one of its own", () => {
  const all = after([...minted(100), "delivery-confirmed", ...minted(3)]);
  expect(refs(all)).toEqual([
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((seq) => `${seq} owner`),
    "9-104/95 owner",
    "101 owner",
  ]);
  const announced = all.filter(({ kind }) => kind === "announce").map(toStored);
  expect(announced.at(-2)?.ref).toBe("9-104/95");
  expect(untoldEvents(all)).toBe(104);
});

test("however many events there are, and of whatever type, what waits is bounded", () => {
  const types: EventType[] = ["delivery-refused", "factory-bootstrapped-again", "token-minted"];
  const all = after(Array.from({ length: 10_000 }, (_, at) => types[at % 3] ?? "token-minted"));
  expect(all.length).toBeLessThanOrEqual(2 * 33);
  expect(untoldEvents(all)).toBe(10_000);
});

test("a head of an earlier version is read, and its thousand notices become few", () => {
  const old = Array.from({ length: 1000 }, (_, at) => ownerOf(at + 1));
  const keyid = "1".repeat(64) as KeyId;
  const other: Effect = { kind: "destroy-key", role: "targets", keyid };
  const all = withMessages([...old, other], [ownerOf(1001)], "root-accepted");
  expect(refs(all)).toHaveLength(33);
  expect(refs(all).at(-1)).toBe("33-1001/969 owner");
  expect(all).toContainEqual(other);
});

test("what a shared notice grew by while it was sent is told later", () => {
  const before = after(minted(20));
  const sent = before.filter((effect) => toStored(effect).ref.startsWith("9-20/12"));
  expect(sent).toHaveLength(2);
  let grown = before;
  for (const seq of [21, 22, 23]) {
    grown = withMessages(grown, messagesOf(seq, PEOPLE, jsonObject({})), "token-minted");
  }
  expect(refs(withoutDone(grown, sent)).at(-1)).toBe("21-23/3 owner");
  expect(refs(withoutDone(before, sent))).toHaveLength(8);
  expect(withoutDone(before, [ownerOf(99)])).toBe(before);
});
