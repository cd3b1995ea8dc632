/**
 * Following a chain of roots: each version follows the one before, none can be left out, and none
 * can be changed. Our own chains in both dialects; sigstore-history.test.ts follows a real one.
 */
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { nextInChain, readTrustedRoot, type ChainPolicy } from "../../lib/tuf/chain.ts";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { firstChannel, DIALECTS, type Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { firstRoot, rotatedRoot } from "../../lib/tuf/roles.ts";
import { follow, refusal } from "../support/tuf/follow.ts";
import { alias, ids, listed, signedOf, withSignatures } from "./broken-roots/row.ts";
import {
  DAY,
  edits,
  ed25519Key,
  NOW,
  party,
  readCurrent,
  rsaKey,
} from "../support/tuf/test-factory.ts";
import { signRoot, type Party } from "../support/tuf/test-factory.ts";

const LENGTH = 6;
const ONLINE = [ed25519Key(), ed25519Key(), ed25519Key()] as const;
/** Who holds the one root key, version by version: RSA and Ed25519 in turn. */
const HOLDERS = [rsaKey(), ed25519Key(), rsaKey(), ed25519Key(), ed25519Key(), rsaKey()] as const;

interface Chain {
  readonly policy: ChainPolicy;
  readonly holders: readonly Party[];
  readonly bodies: readonly JsonObject[];
  readonly bytes: readonly Uint8Array[];
}

/** Six roots; each hands the one root key to the next holder. Those in the middle are expired. */
function makeChain(dialect: Dialect): Chain {
  const channel = firstChannel(dialect);
  const holders = HOLDERS.map((signer) => party(signer, dialect));
  const [targets, snapshot, timestamp] = ONLINE.map((signer) => party(signer, dialect).key);
  const [holder] = holders;
  if (!holder || !targets || !snapshot || !timestamp) throw new Error("no keys");
  const onlineKeys = { targets, snapshot, timestamp };
  const expires = NOW - 1000 * DAY;
  const spec = { dialect, expires, rootKey: holder.key, onlineKeys, targetsThreshold: 1 };
  const bodies = [signRoot(firstRoot(spec), dialect, [holder])];
  holders.slice(1).reduce((before, next) => {
    const current = readCurrent(bodies.at(-1) ?? null, dialect, channel);
    const signed = rotatedRoot(current, {
      remove: ids(before),
      add: next.key,
      expires: expires + current.version * DAY,
      changelog: { user: "owner", message: "handed over\n", time: NOW - 1000 * DAY },
    });
    bodies.push(signRoot(signed, dialect, [before, next]));
    return next;
  }, holder);
  const policy: ChainPolicy = { dialect, channel, reading: "strict" };
  return { policy, holders, bodies, bytes: bodies.map((body) => encodeJson(body)) };
}

describe.each(DIALECTS)("a chain of six roots, %s", (dialect) => {
  const { policy, holders, bodies, bytes } = makeChain(dialect);
  const last = bytes.at(-1) ?? new Uint8Array();
  const holder = (version: number): Party => {
    const found = holders[version - 1];
    if (found === undefined) throw new Error(`no holder ${version}`);
    return found;
  };

  /** The chain with version 4 made anew: `signed` changed, and signed by `by`. */
  function withFourth(
    change: (signed: JsonObject) => JsonObject,
    by: readonly Party[] = [holder(3), holder(4)],
  ): readonly Uint8Array[] {
    const signed = change(signedOf(bodies[3] ?? jsonObject({})));
    return bytes.with(3, encodeJson(signRoot(signed, dialect, by)));
  }

  test("is followed from version 1 to the last", () => {
    expect(bytes).toHaveLength(LENGTH);
    const root = follow(bytes, policy);
    expect(root.version).toBe(LENGTH);
    expect(root.roles.root.keyids).toEqual(ids(holder(LENGTH)));
    expect(root.expires).toBeLessThan(NOW);
  });

  test("is followed from any version that is trusted", () => {
    for (let i = 0; i < LENGTH; i += 1) expect(follow(bytes.slice(i), policy).version).toBe(LENGTH);
  });

  test.each([2, 3, 4, 5])("is refused without version %d", (version) => {
    const [code, message, ...codes] = refusal(bytes.toSpliced(version - 1, 1), policy);
    expect(code).toBe("chain-broken");
    expect(message).toContain(`root version ${version + 1} does not follow`);
    expect(message).toContain(`expected ${version} (the one after the trusted root)`);
    expect(codes).toEqual(["version-skipped", "current-threshold"]);
  });

  test("is refused backwards, and with a version twice", () => {
    expect(refusal(bytes.slice(0, 3).toReversed(), policy)[0]).toBe("chain-broken");
    expect(refusal([...bytes, last], policy)).toContain("version-skipped");
  });

  test("a first root that is not signed by itself is not trusted", () => {
    const strangers = signRoot(signedOf(bodies[0] ?? {}), dialect, [holder(2)]);
    const [code, , ...codes] = refusal([encodeJson(strangers)], policy);
    expect([code, ...codes]).toEqual(["chain-broken", "new-threshold"]);
  });

  test("a later root that is not signed by itself is not trusted either", () => {
    const unsigned = encodeJson(signRoot(signedOf(bodies[3] ?? {}), dialect, []));
    const [code, , ...codes] = refusal([unsigned], policy);
    expect([code, ...codes]).toEqual(["chain-broken", "new-threshold"]);
  });

  test("a root signed anew with nothing changed is followed", () => {
    const again = follow(
      withFourth((signed) => signed),
      policy,
    );
    expect(again.version).toBe(LENGTH);
  });

  test.each<readonly [name: string, codes: readonly string[], chain: readonly Uint8Array[]]>([
    ["unsigned", ["current-threshold", "new-threshold"], withFourth((signed) => signed, [])],
    ["signed by the old key alone", ["new-threshold"], withFourth((signed) => signed, [holder(3)])],
    [
      "signed by the new key alone",
      ["current-threshold"],
      withFourth((signed) => signed, [holder(4)]),
    ],
    [
      "signed by a former key",
      ["current-threshold"],
      withFourth((signed) => signed, [holder(1), holder(2), holder(4)]),
    ],
    [
      "of a thief with one key",
      ["current-threshold"],
      withFourth((signed) => replaceKey(signed, holder(4), holder(6)), [holder(6)]),
    ],
    [
      "with one key under two ids for a threshold of two",
      ["threshold-range"],
      withFourth(
        (signed) =>
          edits(signed, listed(alias(holder(4), dialect)), [
            ["roles", "root"],
            { keyids: ids(holder(4), alias(holder(4), dialect)), threshold: 2 },
          ]),
        [holder(3), holder(4), alias(holder(4), dialect)],
      ),
    ],
    [
      "with threshold 0",
      ["threshold-range"],
      withFourth((signed) => edits(signed, [["roles", "root", "threshold"], 0])),
    ],
    ["with another version", ["version-skipped"], withFourth((s) => edits(s, [["version"], 5]))],
  ])("version 4 %s is refused", (_name, codes, chain) => {
    const [code, message, ...found] = refusal(chain, policy);
    expect(code).toBe("chain-broken");
    expect(message).toMatch(/root version [45] /);
    expect(found).toEqual(expect.arrayContaining([...codes]));
  });

  test("a key stays under the id that the root before lists it under, whatever that is", () => {
    const odd: Party = {
      signer: holder(1).signer,
      key: { ...holder(1).key, keyid: holder(6).key.keyid },
    };
    const first = replaceKey(signedOf(bodies[0] ?? {}), holder(1), odd);
    const second = edits(first, [["version"], 2]);
    const written = (signed: JsonObject, ...by: readonly Party[]): Uint8Array =>
      encodeJson(signRoot(signed, dialect, by));
    expect(follow([written(first, odd), written(second, odd)], policy).version).toBe(2);
    const [trusted = new Uint8Array()] = bytes;
    expect(refusal([trusted, written(second, holder(1), odd)], policy)).toContain(
      "keyid-derivation",
    );
  });

  test("no byte of `signed` can be changed", () => {
    const [, , before = new Uint8Array(), fourth = new Uint8Array()] = bytes;
    const trusted = readTrustedRoot(before, policy, verifySignature);
    const start = Buffer.from(fourth).indexOf('"signed":') + '"signed":'.length;
    for (let at = start; at < fourth.length - 1; at += 7) {
      const changed = fourth.with(at, (fourth[at] ?? 0) ^ 1);
      expect(() => nextInChain(trusted, changed, policy, verifySignature)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(?:chain-broken|malformed)$/) }),
      );
    }
    expect(nextInChain(trusted, fourth, policy, verifySignature).root.version).toBe(4);
  });

  test("no signature can be changed", () => {
    for (const at of [0, 1]) {
      const body = withSignatures(bodies[3] ?? {}, (list) =>
        list.map((one, i) => (i === at ? edits(one, [["sig"], list[1 - at]?.["sig"]]) : one)),
      );
      expect(refusal(bytes.with(3, encodeJson(body)), policy)).toContain("signature-invalid");
    }
  });

  test("what is no JSON is malformed", () => {
    expect(refusal(bytes.with(3, Buffer.from("<html>")), policy)[0]).toBe("malformed");
    expect(refusal(bytes.with(3, Buffer.from("[]")), policy)).toContain("envelope-members");
  });
});

/** `signed` with `next` in the place of the one root key. */
function replaceKey(signed: JsonObject, before: Party, next: Party): JsonObject {
  return edits(
    signed,
    listed(next),
    [["keys", before.key.keyid], undefined],
    [["roles", "root", "keyids"], ids(next)],
    [["x-key-owners"], undefined],
  );
}
