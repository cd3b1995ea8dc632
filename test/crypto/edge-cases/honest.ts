/** One honest signer of each algorithm, by OpenSSL: what every other row differs from. */
import { constants, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import type { JsonObject } from "../../../lib/tuf/json.ts";
import { spkiOf } from "../../support/tuf/der.ts";
import { ecdsaKeyObject, ed25519KeyObject, flipped, invalid, rsaKeyObject, valid } from "./row.ts";
import type { Attempt, EdgeGroup } from "./row.ts";

export interface Signer {
  readonly name: string;
  /** The bytes of the public key, and the key object of any such bytes. */
  readonly publicBytes: Uint8Array;
  readonly keyObject: (publicBytes: Uint8Array) => JsonObject;
  readonly sign: (message: Uint8Array) => Uint8Array;
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function rsaSigner({ publicKey, privateKey }: KeyPair): Signer {
  const key = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return {
    name: "RSA-PSS",
    publicBytes: spkiOf(publicKey),
    keyObject: rsaKeyObject,
    sign: (message) => sign("sha256", message, key),
  };
}

function ed25519Signer({ publicKey, privateKey }: KeyPair): Signer {
  return {
    name: "Ed25519",
    publicBytes: spkiOf(publicKey).subarray(-32),
    keyObject: ed25519KeyObject,
    sign: (message) => sign(null, message, privateKey),
  };
}

function ecdsaSigner({ publicKey, privateKey }: KeyPair): Signer {
  return {
    name: "ECDSA P-256",
    publicBytes: spkiOf(publicKey),
    keyObject: (publicBytes) => ecdsaKeyObject(publicBytes),
    sign: (message) => sign("sha256", message, privateKey),
  };
}

export const SIGNERS: readonly Signer[] = [
  rsaSigner(generateKeyPairSync("rsa", { modulusLength: 2048 })),
  ed25519Signer(generateKeyPairSync("ed25519")),
  ecdsaSigner(generateKeyPairSync("ec", { namedCurve: "P-256" })),
];

export function attemptBy(signer: Signer, message: Uint8Array, verified = message): Attempt {
  const key = signer.keyObject(signer.publicBytes);
  return { key, message: verified, signature: new Uint8Array(signer.sign(message)) };
}

const LENGTHS = [
  ["0 bytes", 0],
  ["1 byte", 1],
  ["100 KiB", 102_400],
] as const;

export const MESSAGES: readonly EdgeGroup[] = SIGNERS.map((signer) => ({
  name: `${signer.name}, length of the message`,
  rows: LENGTHS.flatMap(([length, size]) => {
    const message = new Uint8Array(size).fill(0x5a);
    const longer = concatBytes(message, Uint8Array.of(0));
    return [
      valid(length, () => attemptBy(signer, message)),
      invalid(`${length}, and verified with a 00 more`, () => attemptBy(signer, message, longer)),
      ...(size > 0
        ? [
            invalid(`${length}, and verified without the last`, () =>
              attemptBy(signer, message, message.subarray(1)),
            ),
            invalid(`${length}, and verified with the last bit flipped`, () =>
              attemptBy(signer, message, flipped(message, -1)),
            ),
          ]
        : []),
    ];
  }),
}));
