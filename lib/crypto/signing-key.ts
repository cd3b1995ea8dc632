/**
 * Private keys: made, signed with, and written in the forms that archives and sealing need.
 * fioctl parses only PKCS#1 PEM for RSA and a hex seed for Ed25519, so those are the archive forms.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  sign,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { RootwardError } from "../error.ts";
import { fromHex, toHex } from "../tuf/bytes.ts";
import type { KeyType } from "../tuf/keys.ts";
import { fromSpki, type PublicKey } from "../tuf/spki.ts";
import { SALT_LENGTH } from "./verify.ts";

const generate = promisify(generateKeyPair);

/** New RSA keys have this many bits, as fioctl's have. */
const RSA_BITS = 4096;
/** PKCS#8 around a raw Ed25519 seed (RFC 8410). */
const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** A private key in memory, with its public half. */
export class SigningKey {
  readonly publicKey: PublicKey;
  readonly #private: KeyObject;

  constructor(privateKey: KeyObject) {
    this.#private = privateKey;
    const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
    this.publicKey = fromSpki(new Uint8Array(spki));
  }

  /** Signs as the key's algorithm asks; see verify.ts. */
  sign(message: Uint8Array): Uint8Array {
    if (this.publicKey.algorithm === "ed25519") return sign(null, message, this.#private);
    return sign("sha256", message, {
      key: this.#private,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: SALT_LENGTH,
    });
  }

  /** PKCS#8 DER, for sealing. */
  toPkcs8(): Uint8Array {
    return this.#private.export({ type: "pkcs8", format: "der" });
  }

  /** The text in an archive's `keyval.private`: PKCS#1 PEM, or 64 hex digits of the seed. */
  toArchiveText(): string {
    if (this.publicKey.algorithm === "rsa-pss-sha256") {
      return this.#private.export({ type: "pkcs1", format: "pem" }).toString();
    }
    return toHex(this.toPkcs8().subarray(ED25519_PKCS8.length));
  }
}

/** Makes a key pair; an RSA-4096 one takes seconds, off the main thread. */
export async function makeSigningKey(type: KeyType): Promise<SigningKey> {
  const { privateKey } =
    type === "rsa"
      ? await generate("rsa", { modulusLength: RSA_BITS })
      : await generate("ed25519", {});
  return new SigningKey(privateKey);
}

export function signingKeyFromPkcs8(der: Uint8Array): SigningKey {
  return new SigningKey(createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }));
}

/**
 * Reads `keyval.private` of an archive's `.sec` entry.
 *
 * @param text PKCS#1 PEM, a hex seed (fioctl from 0.30), or hex of seed and public half (before)
 * @throws RootwardError `archive-invalid`; the message holds nothing of the text
 */
export function signingKeyFromArchive(text: string): SigningKey {
  try {
    if (text.startsWith("-----BEGIN RSA PRIVATE KEY-----")) {
      return new SigningKey(createPrivateKey({ key: text, format: "pem" }));
    }
    const raw = fromHex(text.trim());
    if (raw?.length === 32 || raw?.length === 64) {
      const pkcs8 = Buffer.concat([ED25519_PKCS8, raw.subarray(0, 32)]);
      const key = new SigningKey(createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }));
      if (raw.length === 32 || endsWith(key.publicKey.spki, raw.subarray(32))) return key;
    }
  } catch {
    // Falls through: the library's message could quote the key.
  }
  throw new RootwardError(
    "archive-invalid",
    "private key is not readable: expected PKCS#1 PEM or an Ed25519 seed in hex",
  );
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(bytes.length - end.length), end) === 0;
}
