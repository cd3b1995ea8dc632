/**
 * The sealed archive. Its key needs two halves that the service never has together: T from the link and the
 * server share R, which is destroyed at the confirmation. Without T a copy of everything that the service
 * stores opens nothing; without R a link opens nothing.
 *
 * Exact form, so that anyone can write a client (docs/delivery.md):
 *   key     HKDF-SHA256, input T || R, salt the 32 bytes of the id, info "rootward archive v1", 32 bytes
 *   object  0x01 || nonce (12 bytes) || AES-256-GCM ciphertext and tag, id as additional data
 *
 * WebCrypto is the same in Node and in browsers; randomness comes in as arguments.
 */
import { RootwardError } from "../error.ts";
import { concatBytes, fromHex } from "../tuf/bytes.ts";
import { deliveryId } from "./link.ts";

export const SHARE_BYTES = 32;
export const NONCE_BYTES = 12;
const FORM = 0x01;
const TAG_BYTES = 16;
const INFO = new TextEncoder().encode("rootward archive v1");

/** How many bytes a sealed object has, of an archive of `size` bytes. */
export function sealedSize(size: number): number {
  return 1 + NONCE_BYTES + size + TAG_BYTES;
}

export interface Halves {
  /** T: 32 bytes, from the link. */
  readonly secret: Uint8Array;
  /** R: 32 bytes, from the service. */
  readonly share: Uint8Array;
}

/** @param nonce 12 fresh random bytes; the key is used once, for this one archive */
export async function sealArchive(
  archive: Uint8Array,
  halves: Halves,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const { key, id } = await deriveKey(halves);
  const sealed = await crypto.subtle.encrypt(parameters(nonce, id), key, copy(archive));
  return concatBytes(Uint8Array.of(FORM), nonce, new Uint8Array(sealed));
}

/** @throws RootwardError `archive-invalid` where form, link or share do not fit the object */
export async function openArchive(object: Uint8Array, halves: Halves): Promise<Uint8Array> {
  const start = 1 + NONCE_BYTES;
  if (object[0] !== FORM || object.length < start + TAG_BYTES) {
    throw new RootwardError("archive-invalid", "sealed archive: unknown form");
  }
  const { key, id } = await deriveKey(halves);
  try {
    const nonce = object.subarray(1, start);
    const opened = await crypto.subtle.decrypt(
      parameters(nonce, id),
      key,
      copy(object.subarray(start)),
    );
    return new Uint8Array(opened);
  } catch {
    throw new RootwardError(
      "archive-invalid",
      "sealed archive does not open: it was damaged, or it does not belong to this link",
    );
  }
}

async function deriveKey({ secret, share }: Halves) {
  const id = fromHex(deliveryId(secret)) ?? new Uint8Array();
  const input = await crypto.subtle.importKey("raw", concatBytes(secret, share), "HKDF", false, [
    "deriveKey",
  ]);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: copy(id), info: INFO },
    input,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
  return { key, id };
}

function parameters(nonce: Uint8Array, id: Uint8Array) {
  return { name: "AES-GCM", iv: copy(nonce), additionalData: copy(id), tagLength: 8 * TAG_BYTES };
}

/** WebCrypto's types want a buffer of their own. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
