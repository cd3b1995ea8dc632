/**
 * Edge cases of keys and signatures, each with the one right answer (rules 13 and 15): the key is
 * refused, or the signature is valid or invalid, and verifying never throws. A key that should have
 * been refused counts what nobody signed; a signature in a second form was not made by its key.
 *
 * The rows are in edge-cases/, made there by our own code; published constants name their source.
 */
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { parseKey } from "../../lib/tuf/keys.ts";
import { KeyMaterialError, type PublicKey } from "../../lib/tuf/spki.ts";
import { expectRefused } from "../support/tuf/der.ts";
import { ecdsaDer } from "./edge-cases/ecdsa-der.ts";
import { ecdsaKeys } from "./edge-cases/ecdsa-keys.ts";
import { P256 } from "./edge-cases/ecdsa-sign.ts";
import { ecdsaSignatures } from "./edge-cases/ecdsa-signatures.ts";
import { ED25519_KEYS } from "./edge-cases/ed25519-keys.ts";
import { ED25519_SIGNATURES } from "./edge-cases/ed25519-signatures.ts";
import { attemptBy, MESSAGES, SIGNERS } from "./edge-cases/honest.ts";
import { flipped, text, type Attempt, type EdgeGroup } from "./edge-cases/row.ts";
import { RSA_KEYS } from "./edge-cases/rsa-keys.ts";
import { RSA_SIGNATURES } from "./edge-cases/rsa-signatures.ts";

const GROUPS: readonly EdgeGroup[] = [
  ...ED25519_SIGNATURES,
  ...ED25519_KEYS,
  ...RSA_SIGNATURES,
  ...RSA_KEYS,
  ...ecdsaSignatures(P256),
  ecdsaDer(P256),
  ...ecdsaKeys(P256),
  ...MESSAGES,
];

function readKey({ key }: Attempt): PublicKey {
  return parseKey(key, "tuf", false);
}

describe.each(GROUPS)("$name", ({ rows }) => {
  test.each(rows)("$verdict: $name", (row) => {
    const attempt = row.make();
    if (row.verdict === "key refused") {
      expectRefused(() => readKey(attempt), row.says);
      return;
    }
    const verdict = verifySignature(readKey(attempt), attempt.message, attempt.signature);
    expect(verdict).toBe(row.verdict === "valid");
  });
});

test("every group has a row that verifies, so that the others fail for their own reason", () => {
  const without = GROUPS.filter(({ rows }) => rows.every(({ verdict }) => verdict !== "valid"));
  expect(without).toEqual([]);
});

test("no two rows of a group have the same name", () => {
  for (const { rows } of GROUPS)
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});

describe.each(SIGNERS)("$name, one bit flipped", (signer) => {
  const good = attemptBy(signer, text("message"));

  /** Of every third bit, which is each place in some byte: those whose flip leaves it good. */
  function stillGood(
    value: Uint8Array,
    attempt: (value: Uint8Array) => Attempt,
  ): readonly number[] {
    const bits = Array.from({ length: Math.ceil((value.length * 8) / 3) }, (_unused, i) => 3 * i);
    return bits.filter((bit) => verifies(attempt(flipped(value, bit >> 3, 1 << (bit & 7)))));
  }

  test("valid: none", () => {
    expect(verifies(good)).toBe(true);
  });

  test("invalid: of the message", () => {
    expect(stillGood(good.message, (message) => ({ ...good, message }))).toEqual([]);
  });

  test("invalid: of the signature", () => {
    expect(stillGood(good.signature, (signature) => ({ ...good, signature }))).toEqual([]);
  });

  test("invalid, or key refused: of the key", () => {
    const under = (bytes: Uint8Array): Attempt => ({ ...good, key: signer.keyObject(bytes) });
    expect(stillGood(signer.publicBytes, under)).toEqual([]);
  });
});

function verifies(attempt: Attempt): boolean {
  let key: PublicKey;
  try {
    key = readKey(attempt);
  } catch (error) {
    if (error instanceof KeyMaterialError) return false;
    throw error;
  }
  return verifySignature(key, attempt.message, attempt.signature);
}
