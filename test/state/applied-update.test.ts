/** A repeated apply: for an hour it is a success, for those who asked for it, and then there is no update. */
import { expect, test } from "vitest";
import type { Head } from "../../lib/state/head.ts";
import { wasApplied } from "../../lib/state/root-update.ts";
import { DEFAULT_REFRESH } from "../../lib/state/schedule.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { creation } from "../contract/sample-head.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const HOUR = 3_600_000;
const applied: Head["applied"] = {
  txidHash: sha256Text("transaction"),
  startedBy: "token:alice",
  appliedAt: NOW,
};
const head: Head = { ...creation("acme").head, rootUpdate: null, applied };

test.each<[string, boolean, Head, string, "token:alice" | "token:bob", number]>([
  ["by who started it", true, head, "", "token:alice", NOW],
  ["in the last millisecond of the hour", true, head, "", "token:alice", NOW + HOUR - 1],
  ["an hour after", false, head, "", "token:alice", NOW + HOUR],
  ["by another without the transaction id", false, head, "", "token:bob", NOW],
  ["by another with it", true, head, "transaction", "token:bob", NOW],
  ["with it an hour after", false, head, "transaction", "token:bob", NOW + HOUR],
  ["with another id", false, head, "another", "token:alice", NOW],
  ["where none was applied", false, { ...head, applied: null }, "", "token:alice", NOW],
])("%s: %j", (_, expected, before, txid, actor, now) => {
  const context = { now, actor, eventId: "00".repeat(16), policy: DEFAULT_REFRESH };
  expect(wasApplied(before, txid, context)).toBe(expected);
});
