/**
 * The real history of Sigstore's root has most oddities that a chain of others can have:
 * fractional seconds, ECDSA keys as hex points, a keyid that does not follow from its key, empty
 * signatures, one person under two keyids. A reader that is only strict could not follow it.
 */
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import type { ChainPolicy } from "../../lib/tuf/chain.ts";
import { isJsonObject, parseJson } from "../../lib/tuf/json.ts";
import { follow, refusal } from "../support/tuf/follow.ts";
import { withSignatures } from "./broken-roots/row.ts";

const HISTORY = new URL("../../../shared/testdata/sigstore-root-history/", import.meta.url);
const VERSIONS = 15;
const isThere = existsSync(HISTORY);

describe("the history of Sigstore's root", () => {
  const policy: ChainPolicy = { dialect: "tuf", channel: "main", forms: "lenient" };
  const numbers = Array.from({ length: VERSIONS }, (_unused, i) => i + 1);
  const bytes: readonly Uint8Array[] = isThere
    ? numbers.map((n) => new Uint8Array(readFileSync(new URL(`${n}.root.json`, HISTORY))))
    : [];
  const run = isThere ? test : test.skip;
  const name = (what: string): string =>
    isThere ? what : `${what} (skipped: no ${HISTORY.pathname.split("/").slice(-4, -1).join("/")})`;

  run(name("is followed from version 1 to 15"), () => {
    expect(follow(bytes, policy).version).toBe(VERSIONS);
  });

  run(name("is refused where one version is left out"), () => {
    for (const version of numbers.slice(1, -1)) {
      const [code, message] = refusal(bytes.toSpliced(version - 1, 1), policy);
      expect(code).toBe("chain-broken");
      expect(message).toContain(`expected ${version} (the one after the trusted root)`);
    }
  });

  run(name("is refused where one signature of three is taken away"), () => {
    const body = parseJson(bytes[5] ?? new Uint8Array(), { maxBytes: 512_000 });
    const less = withSignatures(isJsonObject(body) ? body : {}, (list) => list.slice(0, 2));
    expect(refusal(bytes.toSpliced(5, 1, encodeJson(less)), policy)).toContain("current-threshold");
  });

  run(name("is refused by the strict forms, which is why there are lenient ones"), () => {
    expect(refusal(bytes, { ...policy, forms: "strict" })[0]).toBe("chain-broken");
  });
});
