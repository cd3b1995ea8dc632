/**
 * Strict ingestion and the lenient reading of foreign chains are one verifier under one policy
 * value. Over the real history of Sigstore's root the two differ in the rows of
 * sigstore-leniencies.ts, each on its own, and in nothing else.
 */
import { describe, expect } from "vitest";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { readChainRoot, type ChainPolicy } from "../../lib/tuf/chain.ts";
import { isJsonObject, jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { refusal } from "../support/tuf/follow.ts";
import {
  bodyOf,
  codesOf,
  fileOf,
  FILES,
  LENIENT,
  named,
  rootOf,
  signaturesOf,
  STRICT,
  testHistory,
  textOf,
  VERSIONS,
} from "../support/tuf/sigstore.ts";
import { edits } from "../support/tuf/test-factory.ts";
import { signedOf } from "./broken-roots/row.ts";
import { isHexKey, LENIENCIES, objectAt, publicOf, type Leniency } from "./sigstore-leniencies.ts";

/** What `policy` says of `signed` in the place of a version; signatures are not looked at. */
function said(signed: JsonObject, version: number, policy: ChainPolicy): readonly string[] {
  const bytes = encodeJson(jsonObject({ signatures: [], signed }));
  const before = version > 1 ? rootOf(version - 1) : undefined;
  return codesOf(() => readChainRoot(bytes, policy, before)).slice(1);
}

function published(version: number): JsonObject {
  return signedOf(bodyOf(version));
}

function repaired(version: number, rows: readonly Leniency[]): JsonObject {
  return rows.reduce((done, { repair }) => repair(done, version), published(version));
}

describe("each version under the strict policy", () => {
  testHistory.each(VERSIONS)(named("%d: what its leniencies say, and no more"), (version) => {
    const rows = LENIENCIES.filter(({ versions }) => versions.includes(version));
    const expected = new Set(rows.flatMap(({ codes }) => codes));
    expect(said(published(version), version, STRICT)).toEqual([...expected].sort());
    expect(said(published(version), version, LENIENT)).toEqual([]);
  });

  testHistory.each(VERSIONS)(named("%d: nothing, written as it should be"), (version) => {
    expect(said(repaired(version, LENIENCIES), version, STRICT)).toEqual([]);
  });

  testHistory(named("the chain is followed from 4 to 10, and from 11 on"), () => {
    const stopped = VERSIONS.map((first) => {
      const [, message = ""] = refusal(FILES.slice(first - 1), STRICT);
      return Number(/root version (\d+) is not a valid root/.exec(message)?.[1] ?? 0);
    });
    expect(stopped).toEqual([2, 3, 4, 11, 11, 11, 11, 11, 11, 11, 0, 0, 0, 0, 0]);
  });
});

describe.each(LENIENCIES)("$name", (row) => {
  const { versions, codes, repair } = row;

  testHistory.each(versions)(named("alone in version %d: refused, and taken leniently"), (n) => {
    const others = LENIENCIES.filter((one) => one !== row);
    const signed = repaired(n, others);
    expect(said(signed, n, STRICT)).toEqual(codes);
    expect(said(signed, n, LENIENT)).toEqual([]);
  });

  testHistory(named("is in no other version"), () => {
    const changed = VERSIONS.filter((version) => {
      const signed = published(version);
      return Buffer.compare(encodeJson(repair(signed, version)), encodeJson(signed)) !== 0;
    });
    expect(changed).toEqual(versions);
  });
});

describe("what a leniency means", () => {
  testHistory(named("an offset is added, and milliseconds are kept"), () => {
    expect([1, 2, 3].map((version) => new Date(rootOf(version).expires).toISOString())).toEqual([
      "2021-12-18T19:28:12.990Z",
      "2022-05-11T19:09:02.663Z",
      "2022-11-10T21:58:09.733Z",
    ]);
  });

  testHistory.each<readonly [time: string, taken: boolean]>([
    ["2022-11-10T21:58:09.7Z", true],
    ["2022-11-10T21:58:09.733402317+00:00", true],
    ["2022-11-10T21:58:09.7334023170Z", false],
    ["2022-11-10T21:58:09,7Z", false],
    ["2022-11-10T21:58:09.7", false],
    ["2022-11-10T21:58:09+0000", false],
    ["2022-11-10T21:58:09+24:00", false],
    ["2022-11-10 21:58:09Z", false],
    ["2022-11-10t21:58:09z", false],
    ["2022-11-31T21:58:09.7Z", false],
    ["2022-02-29T21:58:09Z", false],
    ["2022-11-10T24:00:00Z", false],
  ])(named("version 3 with expires %s is taken: %p"), (time, taken) => {
    const signed = edits(published(3), [["expires"], time]);
    expect(said(signed, 3, LENIENT)).toEqual(taken ? [] : ["expires-format"]);
  });

  testHistory.each(VERSIONS)(named("each hex key of version %d is named, no other"), (version) => {
    const before = version > 1 ? rootOf(version - 1) : undefined;
    let message = "";
    try {
      readChainRoot(fileOf(version), STRICT, before);
    } catch (error) {
      message = String(error);
    }
    const refused = [...message.matchAll(/key ([0-9a-f]{64}): expected one PEM/g)];
    const hex = [...rootOf(version).keys.values()].filter(({ object }) => isHexKey(object));
    expect(refused.map(([, keyid]) => keyid)).toEqual(hex.map(({ keyid }) => keyid));
  });

  testHistory.each<readonly [name: string, change: (hex: string) => string]>([
    ["in capitals", (hex) => hex.toUpperCase()],
    ["compressed", (hex) => `02${hex.slice(2, 66)}`],
    ["without its first byte", (hex) => hex.slice(2)],
    ["off the curve", (hex) => `${hex.slice(0, -1)}${hex.endsWith("0") ? 1 : 0}`],
    ["at infinity", () => "00"],
    ["with a byte more", (hex) => `${hex}00`],
    ["with a newline", (hex) => `${hex}\n`],
  ])(named("a hex point %s is no key"), (_name, change) => {
    const [{ keyid = "", object = {} } = {}] = rootOf(4).keys.values();
    const changed = edits(object, [["keyval", "public"], change(publicOf(object))]);
    const signed = edits(published(4), [["keys", keyid], changed]);
    expect(said(signed, 4, LENIENT)).toContain("key-material");
  });

  testHistory(named("a key without a role is taken, though no version has one"), () => {
    const former = [...rootOf(10).keys.values()].find(({ keyid }) => keyid.startsWith("7247f0db"));
    const { keyid = "", object = {} } = former ?? {};
    const signed = edits(published(15), [["keys", keyid], object]);
    expect(said(signed, 15, STRICT)).toEqual(["key-unused"]);
    expect(said(signed, 15, LENIENT)).toEqual([]);
  });
});

interface Parts {
  readonly signed: JsonObject;
  readonly keys: readonly JsonObject[];
  readonly sigs: readonly JsonObject[];
}
type Trait = (parts: Parts) => boolean;

describe("oddities that the strict policy takes as well, and where they are", () => {
  const from = (first: number): readonly number[] => VERSIONS.slice(first - 1);

  testHistory.each<readonly [what: string, versions: readonly number[], has: Trait]>([
    ["ECDSA keys in PEM", from(5), ({ keys }) => !keys.some(isHexKey)],
    ["the keytype ecdsa", from(9), ({ keys }) => keys.every((key) => key["keytype"] === "ecdsa")],
    ["unknown members of keys", from(1), ({ keys }) => "keyid_hash_algorithms" in (keys[0] ?? {})],
    ["unknown members of signed", from(10), ({ signed }) => "x-tuf-on-ci-expiry-period" in signed],
    ["empty signatures", [12, 13, 14], ({ sigs }) => sigs.some(({ sig }) => sig === "")],
    [
      "signatures by keys that leave",
      [5, 9, 10],
      ({ signed, sigs }) =>
        sigs.some(({ keyid, sig }) => sig !== "" && !(textOf(keyid) in objectAt(signed, "keys"))),
    ],
  ])(named("%s"), (_what, versions, has) => {
    const found = VERSIONS.filter((version) => {
      const signed = published(version);
      const keys = Object.values(objectAt(signed, "keys")).filter((key) => isJsonObject(key));
      return has({ signed, keys, sigs: signaturesOf(bodyOf(version)) });
    });
    expect(found).toEqual(versions);
  });
});
