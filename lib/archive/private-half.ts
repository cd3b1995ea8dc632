/**
 * Whether a private key is the other half of a public one, all of its numbers included, so that an
 * owner who confirms holds a key that signs. Pure arithmetic: a browser's own cryptography reads
 * neither PKCS#1 nor a bare seed.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { equalBytes, fromBase64, fromHex, toHex } from "../tuf/bytes.ts";
import { ed25519Raw, rsaSpki, type PublicKey } from "../tuf/spki.ts";

const SEED_BYTES = 32;

/** @param text `keyval.private` of a `.sec`: PKCS#1 PEM, or a seed in hex, alone or with the public half */
export function isPrivateHalf(text: string, publicKey: PublicKey): boolean {
  switch (publicKey.algorithm) {
    case "ed25519":
      return isSeedOf(text, ed25519Raw(publicKey));
    case "rsa-pss-sha256":
      return isRsaOf(text, publicKey.spki);
    case "ecdsa-p256-sha256":
      // No archive holds such keys.
      return false;
  }
}

function isSeedOf(text: string, publicHalf: Uint8Array): boolean {
  const raw = fromHex(text.trim());
  if (raw === null || raw.length < SEED_BYTES) return false;
  const rest = raw.subarray(SEED_BYTES);
  if (rest.length > 0 && !equalBytes(rest, publicHalf)) return false;
  return equalBytes(ed25519.getPublicKey(raw.subarray(0, SEED_BYTES)), publicHalf);
}

/** RFC 8017 appendix A.1.2: version, n, e, d, p, q, d mod p-1, d mod q-1, 1/q mod p. */
function isRsaOf(pem: string, spki: Uint8Array): boolean {
  const body =
    /^-----BEGIN RSA PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END RSA PRIVATE KEY-----\s*$/.exec(
      pem,
    )?.[1];
  const der = body === undefined ? null : fromBase64(body.replaceAll(/\s/g, ""));
  const parts = der && integers(der);
  if (parts?.length !== 9) return false;
  const [, modulus, exponent] = parts;
  if (modulus === undefined || exponent === undefined) return false;
  if (!equalBytes(rsaSpki(modulus, exponent), spki)) return false;
  const [version, n, e, d, p, q, dp, dq, inverse] = parts.map((part) => BigInt(`0x${toHex(part)}`));
  if (version !== 0n || n === undefined || e === undefined || d === undefined) return false;
  if (p === undefined || q === undefined || inverse === undefined || p < 2n || q < 2n) return false;
  const [p1, q1] = [p - 1n, q - 1n];
  return (
    p * q === n &&
    (e * d) % p1 === 1n &&
    (e * d) % q1 === 1n &&
    dp === d % p1 &&
    dq === d % q1 &&
    (inverse * q) % p === 1n
  );
}

/** The INTEGERs of one SEQUENCE in DER; null for anything else. */
function integers(der: Uint8Array): readonly Uint8Array[] | null {
  const outer = element(der, 0x30);
  if (outer === null || outer.end !== der.length) return null;
  const found: Uint8Array[] = [];
  let rest = outer.content;
  while (rest.length > 0) {
    const next = element(rest, 0x02);
    if (next === null || next.content.length === 0) return null;
    found.push(next.content);
    rest = rest.subarray(next.end);
  }
  return found;
}

function element(
  der: Uint8Array,
  tag: number,
): { readonly content: Uint8Array; readonly end: number } | null {
  const first = der[1];
  if (der[0] !== tag || first === undefined) return null;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 3) return null;
  const start = 2 + lengthBytes;
  const length =
    lengthBytes === 0 ? first : der.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  const end = start + length;
  return end <= der.length ? { content: der.subarray(start, end), end } : null;
}
