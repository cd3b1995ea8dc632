/**
 * Hashes and text forms of bytes, for pure code: no Buffer, the same in a browser and in Node.
 * Every decoder is exact: it returns null for anything its encoder would not have written.
 */
import { sha256 as sha256Bytes } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/** SHA-256 as 64 lower-case hex digits. */
export type Sha256 = string & { readonly brand: "Sha256" };

const utf8 = new TextEncoder();
/** The form of a SHA-256: 64 lower-case hex digits. */
export const SHA256 = /^[0-9a-f]{64}$/;

export function isSha256(text: string): text is Sha256 {
  return SHA256.test(text);
}

export function sha256(bytes: Uint8Array): Sha256 {
  return bytesToHex(sha256Bytes(bytes)) as Sha256;
}

/** SHA-256 of the UTF-8 form of `text`. */
export function sha256Text(text: string): Sha256 {
  return sha256(utf8.encode(text));
}

export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** The value of each lower-case hex digit by its character code; 255 for everything else. */
const HEX_DIGITS = Uint8Array.from({ length: 256 }, (_unused, code) => {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(code));
  return value < 0 ? 255 : value;
});

/** @returns the bytes, or null unless `text` is an even number of lower-case hex digits */
export function fromHex(text: string): Uint8Array | null {
  const codes = utf8.encode(text);
  if (codes.length % 2 !== 0) return null;
  const bytes = new Uint8Array(codes.length / 2);
  let digits = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const high = HEX_DIGITS[codes[2 * i] ?? 0] ?? 255;
    const low = HEX_DIGITS[codes[2 * i + 1] ?? 0] ?? 255;
    digits |= high | low;
    bytes[i] = (high << 4) | low;
  }
  return digits > 15 ? null : bytes;
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** @returns the bytes, or null unless `text` is what {@link toBase64} writes (padded, no spaces) */
export function fromBase64(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  const binary = atob(text);
  // Unused bits of the last digit must be zero.
  if (btoa(binary) !== text) return null;
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @returns the bytes, or null unless `text` is what {@link toBase64Url} writes */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null;
  const padded = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(padded + "=".repeat((4 - (padded.length % 4)) % 4));
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
