/** Private keys out of opened archives: gzip, tar, and CMS where a private key for it was stolen, too. */
import {
  constants,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  privateDecrypt,
  type KeyObject,
} from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { Stolen } from "./thief-search.ts";

/** A private key as fioctl writes it: the seed, and perhaps the public half behind it. */
const PRIVATE = /"private"\s*:\s*"([0-9a-f]{64})/g;

/**
 * @param files opened objects and stolen files
 * @param seeds what could be the seed of a key by itself
 * @returns public halves, hex
 */
export function keysIn(
  files: readonly Buffer[],
  stolen: readonly Stolen[],
  seeds: readonly Buffer[],
): ReadonlySet<string> {
  const cards = stolen.flatMap(({ bytes }) => rsaKeyIn(bytes.toString("latin1")));
  const plain = [
    ...files,
    ...files.flatMap((file) => cards.flatMap((card) => openCms(file, card) ?? [])),
  ];
  const named = [...plain, ...plain.flatMap(gunzip)].flatMap((content) =>
    [...content.toString("latin1").matchAll(PRIVATE)].map(([, seed = ""]) =>
      Buffer.from(seed, "hex"),
    ),
  );
  return new Set([...named, ...seeds].map(publicHalf));
}

function publicHalf(seed: Buffer): string {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  return key.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
}

/** From each place where a gzip stream could begin. */
function gunzip(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  const magic = Buffer.from("1f8b08", "hex");
  for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
    try {
      found.push(gunzipSync(bytes.subarray(at)));
    } catch {
      // Three bytes that meant something else.
    }
  }
  return found;
}

function rsaKeyIn(text: string): readonly KeyObject[] {
  const pem = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(text)?.[0];
  return pem === undefined ? [] : [createPrivateKey(pem)];
}

/** EnvelopedData for one recipient: the RSA block, the IV and the content are its long octet strings. */
function openCms(bytes: Buffer, key: KeyObject): Buffer | null {
  if (bytes[0] !== 0x30) return null;
  const rsaBytes = (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8;
  try {
    const [encryptedKey, iv, content] = octetStrings(bytes, rsaBytes);
    if (encryptedKey === undefined || iv === undefined || content === undefined) return null;
    const padding = constants.RSA_PKCS1_PADDING;
    const decipher = createDecipheriv(
      "aes-256-cbc",
      privateDecrypt({ key, padding }, encryptedKey),
      iv,
    );
    return Buffer.concat([decipher.update(content), decipher.final()]);
  } catch {
    return null;
  }
}

/** Values of OCTET STRING and of [0] without an inner tag, in order, down to the last. */
function octetStrings(bytes: Buffer, rsaBytes: number): readonly Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const tag = bytes[at] ?? 0;
    const first = bytes[at + 1] ?? 0;
    const more = first < 0x80 ? 0 : first & 0x7f;
    const length = more === 0 ? first : bytes.readUIntBE(at + 2, more);
    const start = at + 2 + more;
    const value = bytes.subarray(start, start + length);
    if (tag === 0x80 || (tag === 0x04 && (length === 16 || length === rsaBytes))) found.push(value);
    // Into what holds other values, over what does not.
    at = (tag & 0x20) === 0 ? start + length : start;
  }
  return found;
}
