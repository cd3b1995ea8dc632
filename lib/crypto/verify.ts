/**
 * Signature checks by node:crypto (rule 15): the algorithm comes from the key and nowhere else.
 * RSA is PSS with SHA-256, MGF1-SHA-256 and a salt of exactly 32 bytes; Ed25519 is plain.
 */
import { constants, verify } from "node:crypto";
import { unreachable } from "../error.ts";
import { isSmallOrder, toPem, type PublicKey } from "../tuf/spki.ts";

export const SALT_LENGTH = 32;
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: SALT_LENGTH };

/** Implements tuf's VerifySignature; false for anything that does not verify, never an error. */
export function verifySignature(
  key: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  // RFC 8017 8.1.2 step 1: OpenSSL verifies a signature without its leading zeros, and Go does not.
  if (key.signatureLength !== null && signature.length !== key.signatureLength) return false;
  if (key.algorithm === "ed25519" && isSmallOrder(signature)) return false;
  try {
    return check(key, message, signature);
  } catch {
    return false;
  }
}

function check(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  // As PEM: what node:crypto does to tell a DER object from its own key objects takes longer than
  // to decode the text. The type in it is the one that was read from the key: no other fits.
  const pem = toPem(key.spki);
  switch (key.algorithm) {
    case "rsa-pss-sha256":
      return verify("sha256", message, { key: pem, ...PSS }, signature);
    case "ed25519":
      return verify(null, message, pem, signature);
    case "ecdsa-p256-sha256":
      return verify("sha256", message, pem, signature);
    default:
      return unreachable(key.algorithm);
  }
}
