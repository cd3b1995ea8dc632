/**
 * RSA keys (rule 13): 2048 to 8192 bits, odd, the exponent 65537, and the one
 * DER of rsaEncryption. Each signature is one that the key would verify if it were taken, wherever
 * there is any.
 */
import { bytesToNumberBE, numberToVarBytesBE } from "@noble/curves/utils.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { tlv, unhex } from "../../support/tuf/der.ts";
import {
  attempt,
  derInteger,
  pssBlock,
  pssSignature,
  rsaPair,
  rsaSign,
  rsaSpki,
  toBytes,
  type RsaDer,
} from "./rsa-pss.ts";
import { flipped, refusals, refused, valid, type Attempt, type EdgeGroup } from "./row.ts";

const PAIR = rsaPair(2048);
const SPKI = rsaSpki(PAIR);
const SIZE = "expected an RSA modulus of 2048 to 8192 bits";
const EXPONENT = "expected the RSA exponent 65537";
const OTHER = "expected a SubjectPublicKeyInfo of RSA, Ed25519 or P-256";
const MODULUS = numberToVarBytesBE(PAIR.n);
/** The end of an indefinite length. */
const END = unhex("0000");
const RSA_OID = unhex("06092a864886f70d010101");
const PSS_OID = unhex("06092a864886f70d01010a");
const SHA256 = unhex("300b0609608648016503040201");
const MGF1_SHA256 = tlv(0x30, unhex("06092a864886f70d010108"), SHA256);
/** RSASSA-PSS-params of RFC 8017, A.2.3, saying what rule 15 says. */
const PSS_PARAMS = tlv(0x30, tlv(0xa0, SHA256), tlv(0xa1, MGF1_SHA256), tlv(0xa2, unhex("020120")));

function sized(bits: number, e?: bigint): () => Attempt {
  return () => {
    const pair = rsaPair(bits, e);
    return attempt(pair, pssSignature(pair));
  };
}

/** The same numbers, written otherwise. */
function written(der: RsaDer, numbers = PAIR): () => Attempt {
  return () => attempt(PAIR, pssSignature(PAIR), rsaSpki(numbers, der));
}

function algorithm(content: Uint8Array): () => Attempt {
  return written({ algorithm: tlv(0x30, content) });
}

function bytes(change: (spki: Uint8Array) => Uint8Array): () => Attempt {
  return () => attempt(PAIR, pssSignature(PAIR), change(SPKI));
}

/** Where e is 1, every encoded message is its own signature. */
function exponentOne(): Attempt {
  return attempt(PAIR, pssBlock(PAIR), rsaSpki({ n: PAIR.n, e: 1n }));
}

/** An exponent for which nothing can be signed. */
function exponent(e: bigint): () => Attempt {
  return written({}, { ...PAIR, e });
}

/** The modulus 2n. A good encoded message ends in bc, so the signature is the even root of it. */
function evenModulus(): Attempt {
  const even = { ...PAIR, n: 2n * PAIR.n, bits: 2049 };
  const block = bytesToNumberBE(pssBlock(even)) % PAIR.n;
  const root = bytesToNumberBE(rsaSign(toBytes(block, PAIR), PAIR));
  return attempt(even, toBytes(root % 2n === 0n ? root : root + PAIR.n, even));
}

export const RSA_KEYS: readonly EdgeGroup[] = [
  {
    name: "RSA, exponent",
    rows: [
      valid("65537", sized(2048)),
      refused("65539", EXPONENT, sized(2048, 65_539n)),
      refused("2^31 - 1", EXPONENT, sized(2048, 2n ** 31n - 1n)),
      refused("1", EXPONENT, exponentOne),
      refused("2", EXPONENT, exponent(2n)),
      refused("3", EXPONENT, sized(2048, 3n)),
      refused("17", EXPONENT, sized(2048, 17n)),
      refused("65535", EXPONENT, sized(2048, 65_535n)),
      refused("65538", EXPONENT, exponent(65_538n)),
      refused("2^31 + 1", EXPONENT, sized(2048, 2n ** 31n + 1n)),
      refused("2^64 + 13", EXPONENT, sized(2048, 2n ** 64n + 13n)),
      refused("0", EXPONENT, exponent(0n)),
      refused("-65537", OTHER, written({ exponent: unhex("0203feffff") })),
    ],
  },
  {
    name: "RSA, modulus",
    rows: [
      valid("2048 bits", sized(2048)),
      valid("2049 bits", sized(2049)),
      refused("2047 bits", SIZE, sized(2047)),
      refused("1024 bits", SIZE, sized(1024)),
      refused("even", "RSA modulus is even", evenModulus),
      refused("negative, its 00 missing", OTHER, written({ modulus: tlv(2, MODULUS) })),
      refused("0", SIZE, written({}, { ...PAIR, n: 0n })),
    ],
  },
  {
    name: "RSA, algorithm",
    rows: [
      valid("rsaEncryption", written({})),
      ...refusals(OTHER, algorithm, {
        "rsaEncryption without NULL": RSA_OID,
        "id-RSASSA-PSS": PSS_OID,
        "id-RSASSA-PSS with NULL": concatBytes(PSS_OID, unhex("0500")),
        "id-RSASSA-PSS with the parameters that we ask for": concatBytes(PSS_OID, PSS_PARAMS),
        sha256WithRSAEncryption: unhex("06092a864886f70d01010b0500"),
      }),
    ],
  },
  {
    name: "RSA, DER",
    rows: [
      valid("as DER has it", written({})),
      ...refusals(OTHER, written, {
        "the length of the exponent in two bytes": { exponent: unhex("028103010001") },
        "00 before the exponent": { exponent: unhex("020400010001") },
        "00 twice before the modulus": { modulus: tlv(2, unhex("0000"), MODULUS) },
        "no exponent": { exponent: new Uint8Array() },
        "a third number": { exponent: concatBytes(derInteger(PAIR.e), derInteger(1n)) },
      }),
      ...refusals(OTHER, bytes, {
        "the outer length in three bytes": (spki) => concatBytes(unhex("308300"), spki.subarray(2)),
        "an indefinite length": (spki) => concatBytes(unhex("3080"), spki.subarray(4), END),
        "a byte after it": (spki) => concatBytes(spki, unhex("00")),
        "a byte less": (spki) => spki.subarray(0, -1),
        "a SET in place of the SEQUENCE": (spki) => flipped(spki, 0),
        "PKCS#1 alone": (spki) => spki.subarray(24),
      }),
    ],
  },
];
