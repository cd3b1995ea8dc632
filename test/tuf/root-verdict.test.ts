/**
 * What becomes of a root that is not refused: accepted and stored, called the same as the current
 * one, or a conflict with it; and the advice that refuses nothing. The refusals are in
 * root-update.test.ts.
 */
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { MAX_ROOT_BYTES, type Dialect } from "../../lib/tuf/dialect.ts";
import { formatTime } from "../../lib/tuf/expires.ts";
import type { FindingCode } from "../../lib/tuf/findings.ts";
import { isJsonArray, isJsonObject, jsonObject } from "../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import type { RootUpdate } from "../../lib/tuf/policy.ts";
import { verifySuccessor, type RootVerdict } from "../../lib/tuf/submitted-root.ts";
import { readSignedRoot, wholeSignedRoot, type SignedDraft } from "../../lib/tuf/signed-root.ts";
import {
  DAY,
  ed25519Key,
  edits,
  judge,
  NOW,
  party,
  readCurrent,
  signRoot,
  testFactory,
} from "../support/tuf/test-factory.ts";
import type { Edit, Party } from "../support/tuf/test-factory.ts";
import {
  alias,
  CI,
  fittingCi,
  ids,
  listed,
  PROD,
  signedOf,
  stored,
  TUF,
  withSignatures,
} from "./broken-roots/row.ts";

const FACTORIES = [TUF, CI, PROD].map(
  ([dialect, channel]) => [`${dialect} ${channel}`, testFactory(dialect, channel)] as const,
);

function codes(verdict: RootVerdict): readonly FindingCode[] {
  if (verdict.kind !== "refused") throw new Error(`expected a refusal, got ${verdict.kind}`);
  return [...new Set(verdict.errors.map(({ code }) => code))].sort();
}

function storedKeyids(verdict: RootVerdict): readonly (JsonValue | undefined)[] {
  const { signatures = null } = stored(verdict);
  const list = isJsonArray(signatures) ? signatures : [];
  return list.map((one) => (isJsonObject(one) ? one["keyid"] : undefined));
}

function reverse(value: JsonValue): JsonValue {
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => [name, reverse(member)] as const);
  return jsonObject(Object.fromEntries(members.toReversed()));
}

const PRIVATE_PEM = ["-----BEGIN ", " KEY-----\nMC4CAQA=\n-----END ", " KEY-----\n"].join(
  "PRIVATE",
);

const EMPTY: Readonly<Record<Dialect, JsonObject>> = {
  tuf: { sig: "" },
  ats: { method: "ed25519", sig: "" },
};

describe.each(FACTORIES)("%s", (_name, factory) => {
  const { dialect, channel, current, currentBody, parties, next } = factory;
  const { a, b, c, d, spare } = parties;
  const good = signRoot(next, dialect, [a, b, d]);

  /** What is judged of `next` with `changes`, signed by `by`. */
  function submit(
    changes: readonly Edit[],
    by: readonly Party[] = [a, b, c, d],
    update: Partial<RootUpdate> = {},
    base = next,
  ): RootVerdict {
    const body = signRoot(edits(base, ...changes), dialect, by);
    const ci = channel === "prod" && update.ciRoot !== null ? fittingCi(body) : {};
    return judge(factory, body, { ...ci, ...update });
  }

  test("a good root is accepted, with nothing to say", () => {
    const verdict = judge(factory, good);
    expect(verdict).toMatchObject({ kind: "accepted", warnings: [] });
    expect(verdict.kind === "accepted" && verdict.root.version).toBe(current.version + 1);
  });

  test("the order of members and of signatures does not matter", () => {
    const reversed = signRoot(signedOf(jsonObject({ signed: reverse(next) })), dialect, [d, b, a]);
    expect(judge(factory, reversed)).toMatchObject({ kind: "accepted" });
  });

  test("what is stored is what was verified, and reads as the same root", () => {
    const body = stored(judge(factory, good));
    const forms = { dialect, channel, reading: "strict", trustedKeys: current.keys } as const;
    const { draft, errors } = readSignedRoot(body, forms);
    expect(errors).toEqual([]);
    expect(body).toEqual(good);
    const verdict = judge(factory, good);
    expect(verdict).toMatchObject({ root: { message: draft?.root.message } });
    expect(draft && verifySuccessor(current, draft, "strict", verifySignature)).toEqual([]);
  });

  test("signatures that are empty or by no root key are taken out", () => {
    const empty = jsonObject({ keyid: c.key.keyid, ...EMPTY[dialect] });
    const many = signRoot(next, dialect, [spare, a, parties.targets, b, d]);
    const body = withSignatures(many, (list) => [empty, ...list]);
    expect(storedKeyids(judge(factory, body))).toEqual(ids(a, b, d));
  });

  test("a bad signature by a stranger is no finding", () => {
    const stranger = jsonObject({ keyid: spare.key.keyid, ...EMPTY[dialect] });
    const sig = dialect === "tuf" ? "00" : "AA==";
    const body = withSignatures(good, (list) => [...list, edits(stranger, [["sig"], sig])]);
    expect(storedKeyids(judge(factory, body))).toEqual(ids(a, b, d));
  });

  test("128 keys are not too many", () => {
    const more = Array.from({ length: 128 - 6 }, () => party(ed25519Key(), dialect));
    const keyids = [...ids(a, b, d), ...ids(...more)];
    const changes: Edit[] = [...more.map(listed), [["roles", "root", "keyids"], keyids]];
    expect(submit(changes)).toMatchObject({ kind: "accepted" });
    const one = party(ed25519Key(), dialect);
    const beyond: Edit[] = [
      listed(one),
      [
        ["roles", "root", "keyids"],
        [...keyids, ...ids(one)],
      ],
    ];
    const body = signRoot(edits(next, ...changes, ...beyond), dialect, [a, b, d]);
    expect(codes(judge(factory, body))).toEqual(["key-count"]);
  });

  test("a root may be as long as clients read, and not a byte longer", () => {
    const most = MAX_ROOT_BYTES[dialect];
    const sized = (length: number): RootVerdict =>
      submit([[["x-changelog", "message"], "m".repeat(length)]], [a, b, d]);
    const short = sized(0);
    const room = most - (short.kind === "accepted" ? short.document.length : 0);
    const full = sized(room);
    expect(full.kind === "accepted" && full.document.length).toBe(most);
    expect(codes(sized(room + 1))).toEqual(["root-too-large"]);
  });

  test("after 16 bad signatures no other is looked at, and the answer says so", () => {
    const many = Array.from({ length: 17 }, () => party(ed25519Key(), dialect));
    const keyids = [...ids(a, b, d), ...ids(...many)];
    const changes: Edit[] = [...many.map(listed), [["roles", "root", "keyids"], keyids]];
    const signed = edits(next, ...changes);
    const verdict = (bad: number): RootVerdict => {
      const good = signRoot(signed, dialect, [a, b, d]);
      const other = signRoot(edits(signed, [["expires"], ""]), dialect, many.slice(0, bad));
      const body = withSignatures(good, (list) => [
        ...(other["signatures"] as readonly JsonObject[]),
        ...list,
      ]);
      return judge(factory, body, channel === "prod" ? fittingCi(good) : {});
    };
    expect(verdict(0)).toMatchObject({ kind: "accepted" });
    const all = verdict(16);
    expect(all.kind === "refused" && all.errors).toHaveLength(16);
    const some = verdict(17);
    expect(codes(some)).toEqual(["signature-invalid"]);
    expect(some.kind === "refused" && some.errors.map(({ message }) => message)).toEqual([
      "signatures: more than 16 by known keys do not verify, the others were not looked at",
    ]);
  });

  test("a reader of foreign chains looks at every signature, and bad ones do not matter", () => {
    const many = Array.from({ length: 20 }, () => party(ed25519Key(), dialect));
    const keyids = [...ids(a, b, d), ...ids(...many)];
    const changes: Edit[] = [...many.map(listed), [["roles", "root", "keyids"], keyids]];
    const body = signRoot(edits(next, ...changes), dialect, [...many, a, b, d]);
    const { draft } = readSignedRoot(body, { dialect, channel, reading: "strict" });
    const asked: string[] = [];
    const bad = new Set<string>(many.map(({ key }) => key.key.fingerprint));
    const judged = (reading: "strict" | "lenient"): readonly FindingCode[] => {
      if (draft === null) throw new Error("cannot be read");
      const findings = verifySuccessor(current, draft, reading, (key) => {
        asked.push(key.fingerprint);
        return !bad.has(key.fingerprint);
      });
      return findings.map(({ code }) => code);
    };
    expect(judged("lenient")).toEqual([]);
    expect(asked).toHaveLength(23);
    // The two by keys of the current root, and then bad ones until there are too many.
    expect(judged("strict")).toEqual(["signature-invalid"]);
    expect(asked).toHaveLength(23 + 2 + 17);
  });

  test.each([[["version"]], [["expires"]], [["keys"]], [["roles", "targets"]]])(
    "a root whose %j cannot be read is not whole",
    (path) => {
      const read = (signed: JsonObject): SignedDraft | null =>
        readSignedRoot(signRoot(signed, dialect, []), { dialect, channel, reading: "strict" })
          .draft;
      expect(wholeSignedRoot(read(next))).toEqual(read(next));
      expect(read(edits(next, [path, null]))).not.toBeNull();
      expect(wholeSignedRoot(read(edits(next, [path, null])))).toBeNull();
      expect(wholeSignedRoot(null)).toBeNull();
    },
  );

  test("signatures of leaving and of coming keys are both kept", () => {
    const body = signRoot(next, dialect, [a, b, c, d]);
    expect(storedKeyids(judge(factory, body))).toEqual(ids(a, b, c, d));
  });

  test("all that is broken is reported at once", () => {
    const verdict = submit(
      [
        [["_type"], "snapshot"],
        [["version"], current.version + 3],
        [["expires"], formatTime(NOW - DAY)],
        [["roles", "timestamp", "threshold"], 0],
        [["roles", "root", "threshold"], 3],
        [["keys", "AB"], spare.key.object],
        [["x-changelog", "polis-id"], "somebody else"],
        listed(spare),
      ],
      [a],
    );
    // Prod carries changelog and expiry of ci, which were judged with ci.
    const expected: FindingCode[] = channel === "prod" ? [] : ["changelog"];
    expected.push("current-threshold");
    if (channel !== "prod") expected.push("expires-passed");
    expected.push("key-unused", "keyid-format", "new-threshold", "online-keys");
    expected.push("threshold-range", "type-wrong", "version-skipped");
    expect(codes(verdict)).toEqual(expected);
  });

  test("the same root is the same, with other signatures or with none", () => {
    const signed = signedOf(currentBody);
    const others = signRoot(signed, dialect, [c, a]);
    expect(others).not.toEqual(currentBody);
    for (const body of [currentBody, others, jsonObject({ signatures: [], signed })]) {
      expect(judge(factory, body)).toEqual({ kind: "same", warnings: [] });
    }
  });

  test.each([0, -1, -2])("another root of version current %d is a conflict", (step) => {
    const got = current.version + step;
    const verdict = submit([[["version"], got]]);
    expect(verdict).toEqual({ kind: "conflict", current: current.version, got });
  });

  test("a conflict is one even where more is wrong", () => {
    const verdict = submit(
      [
        [["version"], current.version],
        [["expires"], ""],
      ],
      [],
      { ciRoot: null },
    );
    expect(verdict).toMatchObject({ kind: "conflict" });
  });

  test("a private key is refused loudly, even where the root is the same or a conflict", () => {
    const message: Edit = [["signed", "x-changelog", "message"], PRIVATE_PEM];
    const old = signRoot(edits(next, [["version"], current.version]), dialect, []);
    expect(codes(judge(factory, edits(old, message)))).toContain("private-key");
    const beside = edits(currentBody, [["targets-signatures"], [PRIVATE_PEM]]);
    expect(codes(judge(factory, beside))).toContain("private-key");
  });

  test("an expired current root is no obstacle", () => {
    const now = NOW + 200 * DAY;
    expect(current.expires).toBeLessThan(now);
    const time: Edit = [["x-changelog", "timestamp"], formatTime(now)];
    expect(submit([time], [a, b, d], { now })).toMatchObject({ kind: "accepted" });
  });

  test("a key of the current root under two ids counts once", () => {
    const again = alias(a, dialect);
    const roles: Edit = [["roles", "root", "keyids"], ids(a, again, b)];
    const doubled = signRoot(edits(signedOf(currentBody), listed(again), roles), dialect, []);
    const changed = { current: readCurrent(doubled, dialect, channel) };
    expect(codes(submit([], [a, again, d], changed))).toEqual(["current-threshold"]);
    expect(submit([], [a, again, b, d], changed)).toMatchObject({ kind: "accepted" });
  });

  test("a key that is trusted stays under its id, whatever that is", () => {
    const odd: Party = { signer: b.signer, key: { ...b.key, keyid: spare.key.keyid } };
    const renamed = edits(signedOf(currentBody), [["keys", b.key.keyid], undefined], listed(odd), [
      ["roles", "root", "keyids"],
      ids(a, odd, c),
    ]);
    const changed = { current: readCurrent(signRoot(renamed, dialect, []), dialect, channel) };
    const changes: Edit[] = [
      [["keys", b.key.keyid], undefined],
      listed(odd),
      [["roles", "root", "keyids"], ids(a, odd, d)],
    ];
    expect(submit(changes, [a, odd, d], changed)).toMatchObject({ kind: "accepted" });
    expect(codes(submit(changes, [a, odd, d]))).toContain("keyid-derivation");
  });

  test("a new key may come under each id that follows from it", () => {
    const other = alias(spare, dialect);
    const changes: Edit[] = [listed(other), [["roles", "root", "keyids"], ids(a, b, d, other)]];
    expect(submit(changes)).toMatchObject({ kind: "accepted" });
  });

  test("offline targets keys may follow the online one", () => {
    const threshold = channel === "prod" ? 2 : 1;
    const keyids = ids(parties.targets, spare);
    const changes: Edit[] = [listed(spare), [["roles", "targets"], { keyids, threshold }]];
    expect(submit(changes)).toMatchObject({ kind: "accepted" });
  });

  test.each([
    [3653 * DAY, "in ten years with as many leap days as can be"],
    [1000, "in a second"],
  ])("a root may expire %d ms from now, %s", (time) => {
    const verdict = submit([[["expires"], formatTime(NOW + time)]]);
    expect(verdict).toMatchObject({ kind: "accepted" });
  });

  test("a root without changelog and owners is good", () => {
    const changes = edits(next, [["x-changelog"], undefined], [["x-key-owners"], undefined]);
    expect(submit([], [a, b, d], {}, changes)).toMatchObject({ kind: "accepted" });
  });

  test.each([
    "2026-01-15T13:55:00.123456789+02:00",
    "2026-01-15T11:55:00Z",
    "2026-01-15T12:05:00Z",
  ])("a changelog of %s is within five minutes", (time) => {
    const verdict = submit([[["x-changelog", "timestamp"], time]]);
    expect(verdict).toMatchObject({ kind: "accepted" });
  });

  test("an operator who brings a root back is neither its author nor in time", () => {
    const late = { now: NOW + DAY };
    expect(submit([], undefined, { ...late, user: null })).toMatchObject({ kind: "accepted" });
    // Prod carries the changelog of ci, whoever sends it.
    if (channel !== "prod") expect(codes(submit([], undefined, late))).toEqual(["changelog"]);
  });

  test("a message that speaks of private keys holds none", () => {
    for (const message of ["the private key of b is on a new token", "NO PRIVATE KEY IS HERE"]) {
      expect(submit([[["x-changelog", "message"], message]])).toMatchObject({ kind: "accepted" });
    }
    expect(submit([[["x-changelog", "private"], "it is"]])).toMatchObject({ kind: "accepted" });
  });

  describe("advice refuses nothing:", () => {
    const withoutD: readonly Edit[] = [
      [["roles", "root", "keyids"], ids(a, b)],
      [["keys", d.key.keyid], undefined],
      [["x-key-owners"], undefined],
    ];
    test.each<readonly [says: RegExp, changes: readonly Edit[], update: Partial<RootUpdate>]>([
      [/threshold is 1.*lower than before/, [[["roles", "root", "threshold"], 1]], {}],
      [/fewer than three root keys/, withoutD, {}],
      [/less than 30 days/, [[["expires"], formatTime(NOW + 29 * DAY)]], {}],
      [/first root key/, [], { initialKey: a.key.keyid }],
      [/^$/, [], { initialKey: c.key.keyid }],
      [/^$/, [[["expires"], formatTime(NOW + 30 * DAY)]], {}],
    ])("%s", (says, changes, update) => {
      const verdict = submit(changes, [a, b, c, d], update);
      expect(verdict.kind).toBe("accepted");
      const warnings = verdict.kind === "accepted" ? verdict.warnings : [];
      expect(warnings.every(({ code }) => code === "advice")).toBe(true);
      expect(warnings.map(({ message }) => message).join("; ")).toMatch(says);
    });

    test.each([0, -DAY])("none to extend a root that expired %d ms from now", (time) => {
      // Refused, but for prod: it follows a ci root that has expired since.
      const verdict = submit([[["expires"], formatTime(NOW + time)]]);
      expect(verdict).toMatchObject({
        kind: channel === "prod" ? "accepted" : "refused",
        warnings: [],
      });
    });
  });
});
