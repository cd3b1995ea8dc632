/** What only one dialect has, and what a lenient reader takes that a strict one refuses. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { DIALECTS, firstChannel } from "../../lib/tuf/dialect.ts";
import { readSignedRoot } from "../../lib/tuf/signed-root.ts";
import { DAY, edits, judge, NOW, readCurrent, signRoot } from "../support/tuf/test-factory.ts";
import { testFactory, type Edit, type Party } from "../support/tuf/test-factory.ts";
import { fittingCi, ids, listed, stored, withSignatures } from "./broken-roots/row.ts";

const tuf = testFactory("tuf", "main");
const ats = testFactory("ats", "ci");

test("tuf: unknown members are kept, byte for byte", () => {
  const { a, b, d } = tuf.parties;
  const signed = edits(
    tuf.next,
    [["x-note"], { b: [1, "\n\t"], a: null }],
    [["roles", "root", "x-tuf-on-ci"], { online: false }],
  );
  const body = signRoot(signed, "tuf", [a, b, d]);
  expect(stored(judge(tuf, body))).toEqual(body);
});

test.each(["more", "\u0001"])(
  "tuf: an unsigned member %j of a signature does not travel",
  (note) => {
    const { a, b, d } = tuf.parties;
    const body = signRoot(tuf.next, "tuf", [a, b, d]);
    const noted = withSignatures(body, (list) => list.map((one) => ({ ...one, note })));
    expect(stored(judge(tuf, noted))).toEqual(body);
  },
);

test("ats: consistent_snapshot may be missing", () => {
  const { a, b, d } = ats.parties;
  const body = signRoot(edits(ats.next, [["consistent_snapshot"], undefined]), "ats", [a, b, d]);
  expect(judge(ats, body)).toMatchObject({ kind: "accepted" });
});

test("tuf: a P-256 key that is trusted stays under its id, too", () => {
  const { a, b, c, d } = tuf.parties;
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const object = { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", keyval: { public: pem } };
  const odd: Edit = [["keys", "ab".repeat(32)], object];
  const role = (others: readonly Party[]): Edit => [
    ["roles", "root", "keyids"],
    [...ids(...others), "ab".repeat(32)],
  ];
  const before = edits(tuf.current.signed, odd, role([a, b, c]));
  const current = readCurrent(signRoot(before, "tuf", []), "tuf", "main");
  const next = signRoot(edits(tuf.next, odd, role([a, b, d])), "tuf", [a, b, d]);
  expect(judge(tuf, next, { current })).toMatchObject({ kind: "accepted" });
  expect(judge(tuf, next)).toMatchObject({ errors: [{ code: "keyid-derivation" }] });
});

test("tuf: x-key-owners is a member like any other that is not known", () => {
  const { a, b, d } = tuf.parties;
  const signed = edits(tuf.next, [["x-key-owners"], { somebody: "else" }]);
  expect(judge(tuf, signRoot(signed, "tuf", [a, b, d]))).toMatchObject({ kind: "accepted" });
});

test("ats prod: the highest targets threshold that aktualizr takes is taken", () => {
  const prod = testFactory("ats", "prod");
  const { a, b, d } = prod.parties;
  const body = signRoot(edits(prod.next, [["roles", "targets", "threshold"], 1000]), "ats", [
    a,
    b,
    d,
  ]);
  expect(judge(prod, body, fittingCi(body))).toMatchObject({ kind: "accepted" });
});

test("ats: targets-signatures are taken out before storing", () => {
  const { a, b, d } = ats.parties;
  const body = signRoot(ats.next, "ats", [a, b, d]);
  const verdict = judge(ats, edits(body, [["targets-signatures"], {}]));
  expect(stored(verdict)).toEqual(body);
});

test("ats: a former root key may stay, unused", () => {
  const { a, b, c, d } = ats.parties;
  const body = signRoot(edits(ats.next, listed(c)), "ats", [a, b, d]);
  expect(judge(ats, body)).toMatchObject({ kind: "accepted" });
});

test("ats: a signature may say rsassa-pss for rsassa-pss-sha256", () => {
  const { a, b, d } = ats.parties;
  const body = withSignatures(signRoot(ats.next, "ats", [a, b, d]), (list) =>
    list.map((one, i) => (i === 0 ? edits(one, [["method"], "rsassa-pss"]) : one)),
  );
  expect(stored(judge(ats, body))).toEqual(body);
});

test("ats: version 900 and later warn that aktualizr stops at 999", () => {
  const codesAt = (factory: typeof ats): readonly string[] => {
    const { a, b, d } = factory.parties;
    const verdict = judge(factory, signRoot(factory.next, factory.dialect, [a, b, d]));
    return verdict.kind === "accepted" ? verdict.warnings.map(({ code }) => code) : ["refused"];
  };
  expect(codesAt(testFactory("ats", "ci", 898))).toEqual([]);
  expect(codesAt(testFactory("ats", "ci", 899))).toEqual(["version-high"]);
  expect(codesAt(testFactory("ats", "ci", 999))).toEqual(["version-high"]);
  expect(codesAt(testFactory("tuf", "main", 899))).toEqual([]);
});

test.each([
  [899, "99 more can reach devices"],
  [998, "0 more can reach devices"],
  [999, "aktualizr never asks for it"],
])("ats: the root after version %i says what is left, and is no refusal", (before, words) => {
  const { parties, next } = testFactory("ats", "ci", before);
  const { a, b, d } = parties;
  const verdict = judge(testFactory("ats", "ci", before), signRoot(next, "ats", [a, b, d]));
  expect(verdict).toMatchObject({
    kind: "accepted",
    warnings: [{ code: "version-high", message: expect.stringContaining(words) }],
  });
});

test("ats prod: the targets threshold may be above the one online key that is listed", () => {
  const prod = testFactory("ats", "prod");
  const { a, b, d } = prod.parties;
  const signed = edits(prod.next, [["roles", "targets", "threshold"], 3]);
  expect(judge(prod, signRoot(signed, "ats", [a, b, d]))).toMatchObject({ kind: "accepted" });
});

test("ats prod: the changelog is that of ci, whoever sends it and however much later", () => {
  const prod = testFactory("ats", "prod");
  const { a, b, d } = prod.parties;
  const body = signRoot(prod.next, "ats", [a, b, d]);
  const later = { now: NOW + DAY, user: "somebody else", ...fittingCi(body) };
  expect(judge(prod, body, later)).toMatchObject({ kind: "accepted" });
  const other = fittingCi(body, [["x-changelog", "message"], "other words"]);
  expect(judge(prod, body, other)).toMatchObject({ errors: [{ code: "channels-differ" }] });
});

describe.each(DIALECTS)("%s: a lenient reader", (dialect) => {
  const { parties, channel, next } = testFactory(dialect, firstChannel(dialect));
  const { a, b, d, spare, targets } = parties;
  const ODD = "ab".repeat(32);

  /** The codes of errors and of warnings. */
  function read(reading: "strict" | "lenient", ...changes: Edit[]): readonly (readonly string[])[] {
    const body = signRoot(edits(next, ...changes), dialect, []);
    const { errors, warnings } = readSignedRoot(body, { dialect, channel, reading });
    return [errors, warnings].map((list) => list.map(({ code }) => code));
  }

  test("warns of a keyid that does not follow from its key", () => {
    const changes: Edit[] = [
      [["keys", ODD], spare.key.object],
      [
        ["roles", "root", "keyids"],
        [...ids(a, b, d), ODD],
      ],
    ];
    expect(read("strict", ...changes)).toEqual([["keyid-derivation"], []]);
    expect(read("lenient", ...changes)).toEqual([[], ["keyid-derivation"]]);
  });

  test.each<readonly [what: string, code: string, change: Edit]>([
    ["a key without a role", "key-unused", listed(spare)],
    ["fractions and an offset", "expires-format", [["expires"], "2027-01-15T12:00:00.99008-06:00"]],
  ])("takes %s", (_what, code, change) => {
    expect(read("strict", change)).toEqual([[code], []]);
    expect(read("lenient", change)).toEqual([[], []]);
  });

  test("takes the roles of ota-tuf, and in ats no other", () => {
    const role = { keyids: ids(targets), threshold: 1 };
    for (const name of ["offline-updates", "offline-snapshot", "remote-sessions"]) {
      expect(read("lenient", [["roles", name], role])).toEqual([[], []]);
    }
    const unknown = dialect === "ats" ? ["role-unknown"] : [];
    expect(read("lenient", [["roles", "mirrors"], role])).toEqual([unknown, []]);
  });

  test.each(["2027-01-15", "2027-01-15T12:00:00", "2027-01-15T12:00:00.Z", "2027-13-15T12:00:00Z"])(
    "does not take the time %s",
    (time) => expect(read("lenient", [["expires"], time])).toEqual([["expires-format"], []]),
  );
});
