/**
 * Laws of signatures (rules 15 to 19), with real keys: a root is followed exactly where a model that
 * only counts keys says so, in whatever order or spelling it comes, and strangers change nothing.
 * The laws of counting for any verifier are in signatures.test.ts.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { canonicalize, encodeJson } from "../../lib/tuf/canonical.ts";
import { nextInChain, type ChainPolicy } from "../../lib/tuf/chain.ts";
import { DIALECTS, firstChannel, type Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import type { JsonObject } from "../../lib/tuf/json.ts";
import { firstRoot } from "../../lib/tuf/roles.ts";
import { countSigners, MAX_SIGNATURES, signatureObject } from "../../lib/tuf/signatures.ts";
import type { Signature } from "../../lib/tuf/signatures.ts";
import { refusal } from "../support/tuf/follow.ts";
import { picks, spelled } from "../support/tuf/spelling.ts";
import { DAY, edits, ed25519Key, judge, NOW, party } from "../support/tuf/test-factory.ts";
import { rsaKey, signRoot, testFactory, type Party } from "../support/tuf/test-factory.ts";
import { alias, CI, ids, listed, PROD, TUF, withSignatures } from "./broken-roots/row.ts";

const utf8 = new TextEncoder();
const asText = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const SIGNERS = [rsaKey(), ed25519Key(), ed25519Key(), ed25519Key(), ed25519Key()];
const ONLINE = ed25519Key();
const STRANGER = ed25519Key();
const KEYS = SIGNERS.length;

/** Each key under two ids that follow from it: entry n and entry n + 5 are one key. */
const PARTIES: Readonly<Record<Dialect, readonly Party[]>> = {
  tuf: twice("tuf"),
  ats: twice("ats"),
};

function twice(dialect: Dialect): readonly Party[] {
  const parties = SIGNERS.map((signer) => party(signer, dialect));
  return [...parties, ...parties.map((one) => alias(one, dialect))];
}

function partyOf(dialect: Dialect, n: number): Party {
  const found = PARTIES[dialect][n];
  if (found === undefined) throw new Error(`no party ${n}`);
  return found;
}

/** The root role of a root: numbers of parties, and how many distinct keys have to sign. */
interface Role {
  readonly members: readonly number[];
  readonly threshold: number;
}

/** Any members and any threshold that they can meet, a low one more often than a high one. */
const role: fc.Arbitrary<Role> = fc
  .tuple(fc.shuffledSubarray([...Array(2 * KEYS).keys()], { minLength: 1 }), fc.nat(), fc.nat())
  .map(([members, n, m]) => {
    const keys = distinct(members);
    return { members, threshold: 1 + Math.min(n % keys, m % keys) };
  });

function distinct(members: readonly number[]): number {
  return new Set(members.map((n) => n % KEYS)).size;
}

const FLAWS = ["none", "none", "none", "other message", "other key", "noise"] as const;

/** One signature: in the name of party `by`, and what is wrong with it. */
interface Entry {
  readonly by: number;
  readonly flaw: (typeof FLAWS)[number];
}

const entry: fc.Arbitrary<Entry> = fc.record({
  by: fc.nat(2 * KEYS - 1),
  flaw: fc.constantFrom(...FLAWS),
});

function signedWith(dialect: Dialect, version: number, { members, threshold }: Role): JsonObject {
  const parties = members.map((n) => partyOf(dialect, n));
  const [first] = parties;
  const online = party(ONLINE, dialect).key;
  if (first === undefined) throw new Error("expected a member");
  const root = firstRoot({
    dialect,
    expires: NOW + 100 * DAY,
    rootKey: first.key,
    onlineKeys: { targets: online, snapshot: online, timestamp: online },
    targetsThreshold: 1,
  });
  const roles = jsonObject({ keyids: ids(...parties), threshold });
  return edits(root, [["version"], version], [["roles", "root"], roles], ...parties.map(listed));
}

function bytesOf(dialect: Dialect, message: Uint8Array, { by, flaw }: Entry): Uint8Array {
  const { signer } = partyOf(dialect, by);
  switch (flaw) {
    case "none":
      return signer.sign(message);
    case "other message":
      return signer.sign(message.subarray(1));
    case "other key":
      return partyOf(dialect, (by + 1) % KEYS).signer.sign(message);
    case "noise":
      return new Uint8Array(64).fill(by + 1);
  }
}

/** The model: the distinct keys of `members` that signed well, by number. */
function signersAmong(members: readonly number[], entries: readonly Entry[]): number {
  const good = entries.filter(({ by, flaw }) => flaw === "none" && members.includes(by));
  return distinct(good.map(({ by }) => by));
}

describe.each(DIALECTS)("signatures, %s", (dialect) => {
  const MESSAGE = utf8.encode("what is signed");
  const keys = new Map(PARTIES[dialect].map(({ key }) => [key.keyid, key]));
  const bytes = new Map<string, Uint8Array>();

  function signature(one: Entry): Signature {
    const { keyid } = partyOf(dialect, one.by).key;
    const known = bytes.get(`${one.by} ${one.flaw}`) ?? bytesOf(dialect, MESSAGE, one);
    bytes.set(`${one.by} ${one.flaw}`, known);
    return { keyid, method: null, bytes: known, object: {} };
  }

  function count({ members, threshold }: Role, entries: readonly Entry[]): number {
    const keyids = ids(...members.map((n) => partyOf(dialect, n)));
    const list = entries.map(signature);
    return countSigners({ keyids, threshold }, keys, list, MESSAGE, verifySignature).signers.size;
  }

  test("as many count as the model says; one more takes none away, and a repetition adds none", () => {
    const entries = fc.array(entry, { maxLength: 12 });
    fc.assert(
      fc.property(role, entries, entry, fc.nat(), (who, list, more, at) => {
        const before = count(who, list);
        expect(before).toBe(signersAmong(who.members, list));
        const after = count(who, list.toSpliced(at % (list.length + 1), 0, more));
        expect(after).toBeGreaterThanOrEqual(before);
        expect(after).toBe(signersAmong(who.members, [...list, more]));
        expect(count(who, [...list.toReversed(), ...list])).toBe(before);
      }),
      { numRuns: 60 },
    );
  });
});

describe.each(DIALECTS)("a step along a chain, %s", (dialect) => {
  const channel = firstChannel(dialect);
  const entries = fc.uniqueArray(entry, {
    selector: ({ by }) => by,
    minLength: KEYS - 1,
    maxLength: 2 * KEYS,
  });
  const step = fc.record({ before: role, next: role, entries });

  /** Why a root is refused after another, with these signatures in this order. */
  function codes(
    before: Role,
    next: Role,
    list: readonly Entry[],
    reading: ChainPolicy["reading"],
  ): readonly string[] {
    const by = before.members.map((n) => partyOf(dialect, n));
    const first = signRoot(signedWith(dialect, 1, before), dialect, by);
    const signed = signedWith(dialect, 2, next);
    const message = canonicalize(signed, dialect);
    const signatures = list.map((one) => {
      const { key } = partyOf(dialect, one.by);
      return signatureObject(key.keyid, key.key, bytesOf(dialect, message, one), dialect);
    });
    const chain = [first, jsonObject({ signatures, signed })].map((body) => encodeJson(body));
    return refusal(chain, { dialect, channel, reading }).slice(2);
  }

  test("is taken exactly where both thresholds are met by distinct keys", () => {
    const seen = { taken: 0, refused: 0 };
    fc.assert(
      fc.property(step, ({ before, next, entries: list }) => {
        const expected: string[] = [];
        if (signersAmong(before.members, list) < before.threshold) {
          expected.push("current-threshold");
        }
        if (signersAmong(next.members, list) < next.threshold) expected.push("new-threshold");
        seen[expected.length === 0 ? "taken" : "refused"] += 1;
        expect(codes(before, next, list, "lenient")).toEqual(expected);
        const known = [...before.members, ...next.members];
        const bad = list.filter(({ by, flaw }) => flaw !== "none" && known.includes(by));
        const invalid = bad.map(() => "signature-invalid");
        expect(codes(before, next, list, "strict")).toEqual([...expected, ...invalid]);
      }),
      { numRuns: 60 },
    );
    // A law that never sees one of the two would hold of anything.
    expect(Math.min(seen.taken, seen.refused)).toBeGreaterThan(0);
  });

  test("is the same in any order of signatures, and refused with one twice", () => {
    const shuffled = step.chain(({ before, next, entries: list }) =>
      fc.tuple(
        fc.constant([before, next, list] as const),
        fc.shuffledSubarray([...list], { minLength: list.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([[before, next, list], other]) => {
        const found = codes(before, next, list, "strict");
        expect(codes(before, next, other, "strict")).toEqual(found);
        const doubled = [...list, ...other.slice(0, 1)];
        expect(codes(before, next, doubled, "lenient")).toContain("signature-repeated");
      }),
      { numRuns: 25 },
    );
  });
});

const FACTORIES = [TUF, CI, PROD].map(
  ([dialect, channel]) => [`${dialect} ${channel}`, testFactory(dialect, channel)] as const,
);

describe.each(FACTORIES)("a good root, %s", (_name, factory) => {
  const { dialect, channel, parties, current, next } = factory;
  const { a, b, d, spare, targets } = parties;
  const good = signRoot(next, dialect, [a, b, d]);
  const message = canonicalize(next, dialect);
  const stored = asText(encodeJson(good));
  const { key: stranger } = party(STRANGER, dialect);

  /** A signature by nobody that either root lists as a root key; `n` tells many apart. */
  const strange = fc.record({ n: fc.nat(1000), kind: fc.nat(2) }).map(({ n, kind }) => {
    const keyid = stranger.keyid.slice(0, -4) + n.toString(16).padStart(4, "0");
    const from = [spare, targets][n] ?? { signer: STRANGER, key: { ...stranger, keyid } };
    const noise = new Uint8Array(64).fill(n);
    const sig = [STRANGER.sign(message), noise, new Uint8Array(0)][kind] ?? noise;
    return signatureObject(from.key.keyid as typeof stranger.keyid, stranger.key, sig, dialect);
  });
  const strangers = (maxLength: number, minLength = 0): fc.Arbitrary<readonly JsonObject[]> =>
    fc.uniqueArray(strange, { selector: ({ keyid }) => keyid, minLength, maxLength });

  test("stays accepted, and is stored the same, with up to 61 signatures of strangers", () => {
    fc.assert(
      fc.property(strangers(MAX_SIGNATURES - 3), fc.array(fc.nat()), (more, places) => {
        const body = withSignatures(good, (list) =>
          more.reduce<readonly JsonObject[]>(
            (done, one, i) => done.toSpliced((places[i] ?? i) % (done.length + 1), 0, one),
            list,
          ),
        );
        const verdict = judge(factory, body);
        expect(verdict.kind).toBe("accepted");
        expect(verdict.kind === "accepted" && asText(verdict.document)).toBe(stored);
        for (const reading of ["strict", "lenient"] as const) {
          const policy: ChainPolicy = { dialect, channel, reading };
          const taken = nextInChain(current, encodeJson(body), policy, verifySignature);
          expect(asText(taken.root.message)).toBe(asText(message));
        }
      }),
      { numRuns: 25 },
    );
  });

  test("is refused with more, whoever they are", () => {
    fc.assert(
      fc.property(strangers(MAX_SIGNATURES, MAX_SIGNATURES - 2), (more) => {
        const body = withSignatures(good, (list) => [...more, ...list]);
        const codes = judge(factory, body);
        expect(codes).toMatchObject({
          kind: "refused",
          errors: expect.arrayContaining([expect.objectContaining({ code: "signature-count" })]),
        });
      }),
      { numRuns: 3 },
    );
  });

  test("is the same root however it is spelled", () => {
    fc.assert(
      fc.property(picks, (pick) => {
        const bytes = utf8.encode(spelled(good, pick()));
        const policy: ChainPolicy = { dialect, channel, reading: "strict" };
        const { root } = nextInChain(current, bytes, policy, verifySignature);
        expect(asText(root.message)).toBe(asText(message));
      }),
      { numRuns: 25 },
    );
  });
});
