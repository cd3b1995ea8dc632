/**
 * Counting signatures (rules 15 to 17): a key counts once, by its fingerprint, whatever ids it goes
 * under and however often it is listed. The laws hold for any verifier, so here it is a table.
 */
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { DIALECTS, type Dialect } from "../../lib/tuf/dialect.ts";
import { Findings } from "../../lib/tuf/findings.ts";
import { isJsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import { rootKey, type KeyId, type RootKey } from "../../lib/tuf/keys.ts";
import {
  countSigners,
  MAX_SIGNATURES,
  readSignatures,
  rememberVerdicts,
  signatureObject,
  type Signature,
} from "../../lib/tuf/signatures.ts";
import type { KeyAlgorithm, PublicKey } from "../../lib/tuf/spki.ts";
import { ed25519Key, rsaKey } from "../support/tuf/test-factory.ts";

const MESSAGE = new Uint8Array(4);
const ALGORITHMS = ["ed25519", "rsa-pss-sha256", "ed25519", "rsa-pss-sha256"] as const;
const KEYS = ALGORITHMS.length;
const IDS = 3 * KEYS;

function key(n: number, algorithm: KeyAlgorithm = "ed25519"): PublicKey {
  const spki = Uint8Array.of(n);
  return { algorithm, spki, fingerprint: sha256(spki), signatureLength: null };
}

const id = (n: number): KeyId => sha256(Uint8Array.of(255, n)) as KeyId;

/** Twelve ids for four keys: id n stands for key n mod 4. */
const keys: ReadonlyMap<KeyId, RootKey> = new Map(
  Array.from({ length: IDS }, (_unused, n) => {
    const entry = { keyid: id(n), object: {}, key: key(n % KEYS, ALGORITHMS[n % KEYS]) };
    return [id(n), entry] as const;
  }),
);

/** A signature is good for key n if its bytes are n and 1. */
const verify = (by: PublicKey, message: Uint8Array, bytes: Uint8Array): boolean =>
  message === MESSAGE && bytes[0] === by.spki[0] && bytes[1] === 1;

const signatureOf = (n: number, good = true, method: string | null = null): Signature => ({
  keyid: id(n),
  method,
  bytes: Uint8Array.of(n % KEYS, good ? 1 : 0),
  object: {},
});

// Two ids more than there are keys for.
const keyids = fc.uniqueArray(fc.nat(IDS + 1).map(id), { maxLength: IDS });
const method = fc.constantFrom(null, null, "ed25519", "rsassa-pss", "rsassa-pss-sha256", "none");
const signature = fc
  .tuple(fc.nat(IDS + 1), fc.boolean(), method)
  .map(([n, good, name]) => signatureOf(n, good, name));
const signatures = fc.array(signature, { maxLength: 12 });

const counted = (ids: readonly KeyId[], list: readonly Signature[]): ReadonlySet<string> =>
  countSigners({ keyids: ids, threshold: 1 }, keys, list, MESSAGE, verify).signers;

describe("laws of counting", () => {
  test("one signature more never lowers the count, and raises it by one at most", () => {
    fc.assert(
      fc.property(keyids, signatures, signature, fc.nat(), (ids, list, more, at) => {
        const before = counted(ids, list).size;
        const after = counted(ids, list.toSpliced(at % (list.length + 1), 0, more)).size;
        expect(after - before === 0 || after - before === 1).toBe(true);
      }),
    );
  });

  test("no order and no repetition changes who signed", () => {
    const shuffled = signatures.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.subarray(list),
      ),
    );
    fc.assert(
      fc.property(keyids, shuffled, (ids, [list, other, again]) => {
        expect(counted(ids, [...other, ...again])).toEqual(counted(ids, list));
      }),
    );
  });

  test("no more ids for the same keys raise the count above the keys", () => {
    fc.assert(
      fc.property(keyids, signatures, (ids, list) => {
        const fingerprints = ids.flatMap((keyid) => keys.get(keyid)?.key.fingerprint ?? []);
        const signers = counted(ids, list);
        for (const signer of signers) expect(fingerprints).toContain(signer);
        expect(signers.size).toBeLessThanOrEqual(KEYS);
      }),
    );
  });

  test("what does not verify, or is by a key of no role, is nothing", () => {
    fc.assert(
      fc.property(keyids, signatures, (ids, list) => {
        const good = list.filter(
          ({ keyid, bytes }) => ids.includes(keyid) && keys.has(keyid) && bytes[1] === 1,
        );
        expect(counted(ids, list)).toEqual(counted(ids, good));
        const byOthers = counted([], list);
        expect(byOthers.size).toBe(0);
      }),
    );
  });

  test("each signature by a key of the role is valid or bad, no other is either, and the rest is missing", () => {
    fc.assert(
      fc.property(keyids, signatures, (ids, list) => {
        const role = { keyids: ids, threshold: 1 };
        const { bad, signers, missing } = countSigners(role, keys, list, MESSAGE, verify);
        const by = list.filter(({ keyid }) => ids.includes(keyid) && keys.has(keyid));
        const isBad = ({ keyid, bytes, method: said }: Signature): boolean => {
          const edwards = keys.get(keyid)?.key.algorithm === "ed25519";
          return (
            bytes[1] !== 1 || said === "none" || (said !== null && (said === "ed25519") !== edwards)
          );
        };
        expect(bad.map(({ keyid }) => keyid)).toEqual(by.filter(isBad).map(({ keyid }) => keyid));
        const fingerprints = by
          .filter((one) => !isBad(one))
          .map(({ keyid }) => keys.get(keyid)?.key.fingerprint);
        expect(signers).toEqual(new Set(fingerprints));
        const absent = ids.filter((one) => !fingerprints.includes(keys.get(one)?.key.fingerprint));
        expect(missing).toEqual(absent);
      }),
    );
  });
});

test("three ids of one key count once", () => {
  const list = [signatureOf(0), signatureOf(4), signatureOf(8)];
  expect(counted([id(0), id(4), id(8)], list).size).toBe(1);
  expect(counted([id(0), id(4), id(8), id(1)], [...list, signatureOf(1)]).size).toBe(2);
});

test.each<readonly [keyNumber: number, method: string | null, why: "method" | null]>([
  [0, "ed25519", null],
  [0, null, null],
  [1, "rsassa-pss", null],
  [1, "rsassa-pss-sha256", null],
  [1, "ed25519", "method"],
  [0, "rsassa-pss", "method"],
  [0, "ED25519", "method"],
  [0, "none", "method"],
  [0, "", "method"],
  [0, "__proto__", "method"],
  [0, "constructor", "method"],
])("key %d with method %j: %j", (n, name, why) => {
  const role = { keyids: [id(n)], threshold: 1 };
  const list = [signatureOf(n, true, name)];
  const { signers, bad } = countSigners(role, keys, list, MESSAGE, verify);
  expect([signers.size, bad]).toEqual(why === null ? [1, []] : [0, [{ keyid: id(n), why }]]);
});

test("the verifier is asked once for a signature and a key, and answers for each apart", () => {
  const asked: string[] = [];
  const remembered = rememberVerdicts((by, message, bytes) => {
    asked.push(`${by.fingerprint} ${bytes.join()}`);
    return verify(by, message, bytes);
  });
  const [good, bad] = [signatureOf(0).bytes, signatureOf(0, false).bytes];
  for (let i = 0; i < 3; i += 1) {
    const verdicts = [key(0), key(1)].flatMap((by) =>
      [good, bad].map((bytes) => remembered(by, MESSAGE, bytes)),
    );
    expect(verdicts).toEqual([true, false, false, false]);
  }
  expect(new Set(asked).size).toBe(4);
  expect(asked).toHaveLength(4);
});

test("after more bad signatures than are allowed, no new one is looked at", () => {
  const asked: number[] = [];
  const remembered = rememberVerdicts((by, message, bytes) => {
    asked.push(bytes[0] ?? -1);
    return verify(by, message, bytes);
  }, 1);
  const good = [0, 1, 2].map((n) => signatureOf(n).bytes);
  const bad = [0, 1, 2].map((n) => signatureOf(n, false).bytes);
  const ask = (n: number, bytes: Uint8Array = new Uint8Array()): boolean =>
    remembered(key(n), MESSAGE, bytes);
  expect([ask(0, good[0]), ask(0, bad[0]), ask(1, good[1]), ask(1, bad[1])]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(asked).toEqual([0, 0, 1, 1]);
  // Two are more than one. What was good before is good still.
  expect([ask(2, good[2]), ask(2, bad[2]), ask(1, good[1])]).toEqual([false, false, true]);
  expect(asked).toHaveLength(4);
});

describe("reading", () => {
  const [A, B] = [id(0), id(1)];
  const tuf = { keyid: A, sig: "ab01" };
  const ats = { keyid: A, method: "ed25519", sig: "qwE=" };

  function read(value: JsonValue | undefined, dialect: Dialect): readonly [number, string[]] {
    const findings = new Findings();
    const list = readSignatures(value, dialect, findings);
    return [list.length, findings.errors.map(({ code }) => code)];
  }

  const many = (n: number): JsonValue =>
    Array.from({ length: n }, (_unused, i) => ({ keyid: id(i), sig: "00" }));

  test.each<readonly [name: string, dialect: Dialect, value: JsonValue | undefined, n: number]>([
    ["none", "tuf", [], 0],
    ["one of tuf", "tuf", [tuf], 1],
    ["one of ats", "ats", [ats], 1],
    ["two keyids", "tuf", [tuf, { ...tuf, keyid: B }], 2],
    ["an empty one, left out", "tuf", [{ keyid: A, sig: "" }], 0],
    ["an empty one of ats, left out", "ats", [{ ...ats, sig: "" }], 0],
    ["64", "tuf", many(MAX_SIGNATURES), 64],
  ])("takes %s", (_name, dialect, value, n) => {
    expect(read(value, dialect)).toEqual([n, []]);
  });

  test.each<readonly [name: string, dialect: Dialect, value: JsonValue | undefined, code: string]>([
    ["nothing", "tuf", undefined, "signature-malformed"],
    ["an object", "tuf", { 0: tuf }, "signature-malformed"],
    ["a string as signature", "tuf", ["ab01"], "signature-malformed"],
    ["null as signature", "ats", [null], "signature-malformed"],
    ["no keyid", "tuf", [{ sig: "ab01" }], "signature-malformed"],
    ["an upper-case keyid", "tuf", [{ ...tuf, keyid: A.toUpperCase() }], "signature-malformed"],
    ["a short keyid", "tuf", [{ ...tuf, keyid: "ab" }], "signature-malformed"],
    ["no sig", "tuf", [{ keyid: A }], "signature-malformed"],
    ["sig a number", "tuf", [{ ...tuf, sig: 1 }], "signature-malformed"],
    ["upper-case hex", "tuf", [{ ...tuf, sig: "AB01" }], "signature-malformed"],
    ["half a byte", "tuf", [{ ...tuf, sig: "ab0" }], "signature-malformed"],
    ["base64 in tuf", "tuf", [{ ...tuf, sig: "qwE=" }], "signature-malformed"],
    ["base64 without padding", "ats", [{ ...ats, sig: "qwE" }], "signature-malformed"],
    ["base64 with bits left over", "ats", [{ ...ats, sig: "qwF=" }], "signature-malformed"],
    ["base64 with a newline", "ats", [{ ...ats, sig: "qwE=\n" }], "signature-malformed"],
    ["base64url", "ats", [{ ...ats, sig: "-_8=" }], "signature-malformed"],
    ["ats without method", "ats", [{ keyid: A, sig: "qwE=" }], "signature-malformed"],
    ["ats with a method that is no text", "ats", [{ ...ats, method: 1 }], "signature-malformed"],
    ["ats with a member more", "ats", [{ ...ats, note: "" }], "signature-malformed"],
    ["a good one and a bad one", "tuf", [tuf, { keyid: B }], "signature-malformed"],
    ["65", "tuf", many(MAX_SIGNATURES + 1), "signature-count"],
    ["a keyid twice", "tuf", [tuf, tuf], "signature-repeated"],
    ["a keyid twice, other bytes", "tuf", [tuf, { ...tuf, sig: "ff" }], "signature-repeated"],
    ["a keyid twice, empty once", "tuf", [{ ...tuf, sig: "" }, tuf], "signature-repeated"],
  ])("refuses %s, and counts none of them", (_name, dialect, value, code) => {
    expect(read(value, dialect)).toEqual([0, [code]]);
  });

  test("what is written is read back", () => {
    for (const dialect of DIALECTS) {
      for (const signer of [ed25519Key(), rsaKey()]) {
        const { keyid } = rootKey(signer.publicKey, dialect);
        const bytes = signer.sign(MESSAGE);
        const object = signatureObject(keyid, signer.publicKey, bytes, dialect);
        const findings = new Findings();
        const [one] = readSignatures([object], dialect, findings);
        expect(findings.errors).toEqual([]);
        expect(one?.keyid).toBe(keyid);
        expect(Buffer.compare(one?.bytes ?? new Uint8Array(), bytes)).toBe(0);
        expect(isJsonObject(object) && Object.keys(object).length).toBe(dialect === "ats" ? 3 : 2);
      }
    }
  });
});
