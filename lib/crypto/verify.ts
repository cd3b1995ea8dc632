/**
 * Signature checks by node:crypto (rule 15): the algorithm comes from the key and nowhere else.
 * RSA is PSS with SHA-256, MGF1-SHA-256 and a salt of exactly 32 bytes; Ed25519 is plain.
 */
import { constants, createPublicKey, verify, type KeyObject } from "node:crypto";
import { unreachable } from "../error.ts";
import type { PublicKey } from "../tuf/spki.ts";

export const SALT_LENGTH = 32;

/** Implements tuf's VerifySignature; false for anything that does not verify, never an error. */
export function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return check(key, message, signature);
  } catch {
    return false;
  }
}

function check(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const object = importSpki(key.spki);
  switch (key.algorithm) {
    case "rsa-pss-sha256":
      return verify(
        "sha256",
        message,
        { key: object, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_LENGTH },
        signature,
      );
    case "ed25519":
      return verify(null, message, object, signature);
    case "ecdsa-p256-sha256":
      return verify("sha256", message, object, signature);
    case "ecdsa-p384-sha384":
      return verify("sha384", message, object, signature);
    default:
      return unreachable(key.algorithm);
  }
}

function importSpki(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
}
