/**
 * The real history of Sigstore's root has most oddities that a chain of others can have:
 * fractional seconds, ECDSA keys as hex points, a keyid that does not follow from its key, empty
 * signatures, one person under two keyids. It is followed from the first version to the last, and
 * in no other order. What only the lenient policy takes is in sigstore-forms.test.ts, what becomes
 * of a single changed bit in sigstore-flips.test.ts.
 */
import { describe, expect } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { nextInChain } from "../../lib/tuf/chain.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { follow, refusal } from "../support/tuf/follow.ts";
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
  VERSIONS,
} from "../support/tuf/sigstore.ts";

const LAST = VERSIONS.length;

describe("the history of Sigstore's root", () => {
  testHistory(named("is followed from version 1 to 15"), () => {
    expect(follow(FILES, LENIENT).version).toBe(LAST);
  });

  testHistory(named("is followed from any version that is trusted, to the same root"), () => {
    const { message } = follow(FILES, LENIENT);
    for (const first of VERSIONS) {
      const last = follow(FILES.slice(first - 1), LENIENT);
      expect(Buffer.compare(last.message, message)).toBe(0);
    }
  });

  testHistory(named("has one wrong keyid, in version 11, and that is named"), () => {
    const warnings = VERSIONS.slice(1).flatMap((version) => {
      const before = rootOf(version - 1);
      const step = nextInChain(before, fileOf(version), LENIENT, verifySignature);
      return step.warnings.map(({ code, message }) => [version, code, message]);
    });
    const [wrong, right] = [
      "7247f0dbad85b147e1863bade761243cc785dcb7aa410e7105dd3d2b61a36d2c",
      "0c87432c3bf09fd99189fdc32fa5eaedf4e4a5fac7bab73fa04a2e0fc64af6f5",
    ];
    const message = `key ${wrong}: the id does not follow from the key, expected ${right}`;
    expect(warnings).toEqual([[11, "keyid-derivation", message]]);
    // The same key, under the right id, in version 12.
    const fingerprints = [rootOf(11), rootOf(12)].map(({ keys }) =>
      [...keys.values()].flatMap(({ keyid, key }) =>
        keyid === wrong || keyid === right ? key.fingerprint : [],
      ),
    );
    expect(fingerprints[0]).toHaveLength(1);
    expect(fingerprints[1]).toEqual(fingerprints[0]);
  });

  testHistory(named("is refused where one version is left out"), () => {
    for (const version of VERSIONS.slice(1, -1)) {
      const [code, message] = refusal(FILES.toSpliced(version - 1, 1), LENIENT);
      expect(code).toBe("chain-broken");
      expect(message).toContain(`expected ${version} (the one after the trusted root)`);
    }
  });

  testHistory(named("is refused where two versions or more are left out"), () => {
    const runs = VERSIONS.slice(1, -1).flatMap((first) =>
      Array.from({ length: LAST - 1 - first }, (_unused, i) => [first, i + 2] as const),
    );
    expect(runs).toHaveLength(78);
    for (const [first, count] of runs) {
      const found = refusal(FILES.toSpliced(first - 1, count), LENIENT);
      expect(found).toContain("version-skipped");
    }
  });

  testHistory(named("goes on from each of 15 versions with the next and with no other"), () => {
    const steps = VERSIONS.flatMap((before) =>
      VERSIONS.map((next) => {
        const found = codesOf(() =>
          nextInChain(rootOf(before), fileOf(next), LENIENT, verifySignature),
        );
        return [before, next, found] as const;
      }),
    );
    const taken = steps.filter(([, , found]) => found.length === 0);
    expect(taken.map(([before, next]) => [before, next])).toEqual(
      VERSIONS.slice(1).map((next) => [next - 1, next]),
    );
    for (const [before, next, found] of steps) {
      if (next !== before + 1) expect(found).toContain("version-skipped");
    }
  });

  testHistory(named("is refused with a version twice, with two swapped, and backwards"), () => {
    const broken = [
      ...FILES.map((bytes, i) => FILES.toSpliced(i, 0, bytes)),
      ...VERSIONS.slice(1).map((n) => FILES.toSpliced(n - 2, 2, fileOf(n), fileOf(n - 1))),
      FILES.toReversed(),
      [...FILES, fileOf(1)],
    ];
    for (const chain of broken) expect(refusal(chain, LENIENT)).toContain("version-skipped");
  });

  testHistory(named("is refused where one signature of three is taken away"), () => {
    const { signed } = bodyOf(6);
    const signatures = signaturesOf(bodyOf(6)).slice(0, 2);
    const less = encodeJson(jsonObject({ signatures, signed }));
    expect(refusal(FILES.with(5, less), LENIENT)).toContain("current-threshold");
  });

  testHistory(named("is refused by the strict forms, which is why there are lenient ones"), () => {
    expect(refusal(FILES, STRICT)[0]).toBe("chain-broken");
  });

  testHistory(named("counts a person once who signs under an old and a new keyid"), () => {
    const counts = [5, 9, 10].map((version) => {
      const keys = [version - 1, version].flatMap((n) => [...rootOf(n).keys.values()]);
      const keyids = signaturesOf(bodyOf(version)).map(({ keyid }) => keyid);
      const signers = keys.filter(({ keyid }) => keyids.includes(keyid));
      return [keyids.length, new Set(signers.map(({ key }) => key.fingerprint)).size];
    });
    expect(counts).toEqual([
      [8, 4],
      [10, 5],
      [10, 5],
    ]);
  });
});
