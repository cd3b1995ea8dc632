/**
 * RSA signatures (rule 15): PSS with SHA-256, MGF1-SHA-256, a salt of exactly 32 bytes, as many
 * bytes as the modulus and a number below it. Everything else is what another key or another
 * verifier might take.
 */
import { constants, sign } from "node:crypto";
import { bytesToNumberBE, numberToBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import {
  attempt,
  digest,
  MESSAGE,
  pssBlock,
  pssSignature,
  rsaPair,
  rsaSign,
  toBytes,
} from "./rsa-pss.ts";
import type { Pss } from "./rsa-pss.ts";
import { flipped, invalid, invalids, search, valid } from "./row.ts";
import type { Attempt, EdgeGroup } from "./row.ts";

const PAIR = rsaPair(2048);
/** Here the encoded message is a byte shorter than the signature. */
const ODD = rsaPair(2049);
const MAX_SALT = 256 - 32 - 2;
const AS_LONG = { sha1: 20, sha384: 48, sha512: 64 } as const;

/** The signature as a number. */
function number(signature = pssSignature(PAIR)): bigint {
  return bytesToNumberBE(signature);
}

function pss(options: Pss = {}, pair = PAIR): () => Attempt {
  return () => attempt(pair, pssSignature(pair, options));
}

/** A good signature, changed as bytes. */
function changed(change: (signature: Uint8Array) => Uint8Array): () => Attempt {
  return () => attempt(PAIR, change(pssSignature(PAIR)));
}

/** A number in place of the signature. */
function asNumber(value: () => bigint): () => Attempt {
  return () => attempt(PAIR, toBytes(value(), PAIR));
}

/** The bare RSA operation over `block`. */
function raw(block: Uint8Array): () => Attempt {
  return () => attempt(PAIR, rsaSign(block, PAIR));
}

/** A good signature of which `fits` is true, by chance. */
function goodWhere(fits: (signature: Uint8Array) => boolean): Uint8Array {
  return search(() => {
    const signature = pssSignature(PAIR);
    return fits(signature) ? signature : null;
  });
}

function beginsWithZero(): Uint8Array {
  return goodWhere((signature) => signature[0] === 0);
}

function roomForN(): bigint {
  return number(goodWhere((signature) => number(signature) + PAIR.n < 1n << 2048n));
}

function pkcs1(): Attempt {
  return attempt(PAIR, new Uint8Array(sign("sha256", MESSAGE, PAIR.privateKey)));
}

/** Signed by OpenSSL, to hold our own encoding to another's. */
function byOpenSsl(saltLength: number): () => Attempt {
  const key = { key: PAIR.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  return () => attempt(PAIR, new Uint8Array(sign("sha256", MESSAGE, key)));
}

const lastPadding = (db: Uint8Array): number => db.length - 32 - 2;

export const RSA_SIGNATURES: readonly EdgeGroup[] = [
  {
    name: "RSA-PSS, salt",
    rows: [
      valid("32 bytes", pss()),
      valid("32 bytes, by OpenSSL", byOpenSsl(32)),
      ...[0, 20, 31, 33, 64, MAX_SALT].map((salt) => invalid(`${salt} bytes`, pss({ salt }))),
      invalid("the longest, by OpenSSL", byOpenSsl(constants.RSA_PSS_SALTLEN_MAX_SIGN)),
      invalid("none, by OpenSSL", byOpenSsl(0)),
    ],
  },
  {
    name: "RSA-PSS, hash",
    rows: [
      valid("SHA-256 and MGF1-SHA-256", pss({ hash: "sha256", mgfHash: "sha256" })),
      ...(["sha1", "sha384", "sha512"] as const).flatMap((hash) => [
        invalid(`SHA-256 and MGF1 with ${hash}`, pss({ mgfHash: hash })),
        invalid(`${hash} and MGF1-SHA-256`, pss({ hash, mgfHash: "sha256" })),
        invalid(`${hash} and MGF1 with it`, pss({ hash })),
        invalid(`${hash}, MGF1 with it and a salt as long`, pss({ hash, salt: AS_LONG[hash] })),
      ]),
      invalid("SHA-512/256, which is as long", pss({ hash: "sha512-256" })),
      invalid("SHA3-256, which is as long", pss({ hash: "sha3-256" })),
    ],
  },
  {
    name: "RSA-PSS, scheme",
    rows: [
      valid("PSS", pss()),
      invalid("PKCS#1 v1.5 with SHA-256", pkcs1),
      invalid("the message alone", raw(MESSAGE)),
      invalid("the hash alone", raw(digest("sha256", MESSAGE))),
      invalid("the encoded message, not signed", () => attempt(PAIR, pssBlock(PAIR))),
    ],
  },
  {
    name: "RSA-PSS, encoded message",
    rows: [
      valid("as RFC 8017 has it", pss()),
      ...[0x00, 0xbd, 0xcc].map((trailer) =>
        invalid(`trailer ${trailer.toString(16).padStart(2, "0")}`, pss({ trailer })),
      ),
      invalid("its top bit set", pss({ block: (block) => flipped(block, 0, 0x80) })),
      valid("the bit of the padding that is cut off", pss({ db: (db) => flipped(db, 0, 0x80) })),
      invalid("the next bit of the padding", pss({ db: (db) => flipped(db, 0, 0x40) })),
      invalid("the last bit of the padding", pss({ db: (db) => flipped(db, lastPadding(db)) })),
      invalid("00 in place of 01", pss({ db: (db) => flipped(db, lastPadding(db) + 1) })),
      invalid("02 in place of 01", pss({ db: (db) => flipped(db, lastPadding(db) + 1, 3) })),
      invalid("81 in place of 01", pss({ db: (db) => flipped(db, lastPadding(db) + 1, 0x80) })),
      invalid("a bit of the salt", pss({ db: (db) => flipped(db, -1) })),
      invalid("a bit of the hash", pss({ block: (block) => flipped(block, -2) })),
      invalid("eight ones before the hash", pss({ prefix: new Uint8Array(8).fill(0xff) })),
      invalid("seven zeros before the hash", pss({ prefix: new Uint8Array(7) })),
    ],
  },
  {
    name: "RSA-PSS, modulus of 2049 bits, whose encoded message is a byte shorter",
    rows: [
      valid("as RFC 8017 has it", pss({}, ODD)),
      invalid("a bit above it", pss({ block: (b) => concatBytes(Uint8Array.of(1), b) }, ODD)),
    ],
  },
  {
    name: "RSA-PSS, the signature as bytes",
    rows: [
      valid("256 bytes", pss()),
      valid("256 bytes, the first of them 00", () => attempt(PAIR, beginsWithZero())),
      // RFC 8017, 8.1.2, step 1: as many bytes as the modulus, or "invalid signature".
      invalid("that without its 00", () => attempt(PAIR, beginsWithZero().subarray(1))),
      ...invalids(changed, {
        "257 bytes, 00 in front": (s) => concatBytes(Uint8Array.of(0), s),
        "257 bytes, 00 at the end": (s) => concatBytes(s, Uint8Array.of(0)),
        "255 bytes": (s) => s.subarray(0, -1),
        "512 bytes, twice": (s) => concatBytes(s, s),
        "0 bytes": () => new Uint8Array(),
        "all ones": (s) => new Uint8Array(s.length).fill(0xff),
        "the last byte first": (s) => s.toReversed(),
        "s + n, in 257 bytes": (s) => numberToBytesBE(number(s) + PAIR.n, 257),
      }),
    ],
  },
  {
    name: "RSA-PSS, the signature as a number",
    rows: [
      valid("s, with n + s below 2^2048", asNumber(roomForN)),
      ...invalids(asNumber, {
        "that s + n": () => roomForN() + PAIR.n,
        "n - s": () => PAIR.n - number(),
        zero: () => 0n,
        one: () => 1n,
        "n - 1": () => PAIR.n - 1n,
        n: () => PAIR.n,
        "n + 1": () => PAIR.n + 1n,
      }),
    ],
  },
];
