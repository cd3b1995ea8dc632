/**
 * Ed25519 signatures (rule 15). The equation is S B = R + k A as it stands, not times the cofactor,
 * and R is not of small order: so answer node:crypto (nodejs/node#64026) and libsodium, which is on
 * devices (aktualizr). RFC 8032 allows both equations and says nothing of small R, and ZIP 215
 * answers the other way, so the rows where they differ are there by name.
 */
import { ed25519, ed25519ctx, ed25519ph } from "@noble/curves/ed25519.js";
import { concatBytes } from "../../../lib/tuf/bytes.ts";
import { unhex } from "../../support/tuf/der.ts";
import {
  cofactored,
  decoded,
  exact,
  forge,
  L,
  never,
  scalar,
  torsion,
  withR,
  withS,
  type Forgery,
} from "./ed25519-forge.ts";
import { CANONICAL_SMALL, NON_CANONICAL_SMALL, smallName } from "./ed25519-points.ts";
import {
  ed25519KeyObject,
  flipped,
  invalid,
  invalids,
  text,
  valid,
  type Attempt,
  type EdgeGroup,
} from "./row.ts";

const SEED = new Uint8Array(32).fill(7);
const MESSAGE = text("message");
const ONES = new Uint8Array(32).fill(0xff);
const IDENTITY = torsion(0).toBytes();

function signedBy(sign: (message: Uint8Array, seed: Uint8Array) => Uint8Array): Attempt {
  const key = ed25519KeyObject(ed25519.getPublicKey(SEED));
  return { key, message: MESSAGE, signature: sign(MESSAGE, SEED) };
}

function resized(change: (signature: Uint8Array) => Uint8Array): () => Attempt {
  return () => {
    const { signature, ...rest } = exact(forge());
    return { ...rest, signature: change(signature) };
  };
}

function smallR(encoding: string): Forgery {
  const nonceBytes = unhex(encoding);
  return forge({ keyTorsion: torsion(1), nonce: 0n, nonceTorsion: decoded(encoding), nonceBytes });
}

/** RFC 8032, 7.1: key, message, signature. */
const RFC_8032 = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

export const ED25519_SIGNATURES: readonly EdgeGroup[] = [
  {
    name: "Ed25519, which variant",
    rows: [
      ...RFC_8032.map(([a, message, signature], at) =>
        valid(`TEST ${at + 1} of RFC 8032`, () =>
          exact({ a: unhex(a), message: unhex(message), signature: unhex(signature) }),
        ),
      ),
      valid("plain", () => signedBy((message, seed) => ed25519.sign(message, seed))),
      invalid("Ed25519ph", () => signedBy((message, seed) => ed25519ph.sign(message, seed))),
      invalid("Ed25519ctx", () =>
        signedBy((message, seed) => ed25519ctx.sign(message, seed, { context: text("root") })),
      ),
    ],
  },
  {
    name: "Ed25519, S",
    rows: [
      valid("below L", () => exact(forge())),
      ...[1n, 2n, 8n, 15n].map((factor) =>
        invalid(`S + ${factor} L`, () => exact(withS(forge(), (s) => s + factor * L))),
      ),
      invalid("bit 253 set", () => never(withS(forge(), (s) => s | (1n << 253n)))),
      invalid("bit 255 set", () => never(withS(forge(), (s) => s | (1n << 255n)))),
      invalid("L - S", () => never(withS(forge(), (s) => L - s))),
      invalid("0", () => never(withS(forge(), () => 0n))),
      invalid("0, and R the identity", () => never(withS(withR(forge(), IDENTITY), () => 0n))),
      invalid("L", () => never(withS(forge(), () => L))),
      invalid("L, and R the identity", () => never(withS(withR(forge(), IDENTITY), () => L))),
      invalid("all ones", () => never(withS(forge(), () => (1n << 256n) - 1n))),
      invalid("all zeros, and R", () => never(withS(withR(forge(), scalar(0n)), () => 0n))),
      invalid("all ones, and R", () => never(withS(withR(forge(), ONES), () => (1n << 256n) - 1n))),
    ],
  },
  {
    name: "Ed25519, R",
    rows: [
      valid("of large order", () => exact(forge())),
      ...[1, 2, 4].map((multiple) =>
        invalid(`of mixed order, with a part ${smallName(torsion(multiple))}`, () =>
          cofactored(forge({ nonceTorsion: torsion(multiple), cancels: false })),
        ),
      ),
      invalid("another point, y = 3", () => never(withR(forge(), scalar(3n)))),
      invalid("another point, y = p + 3", () =>
        never(withR(forge(), unhex(`f0${"ff".repeat(30)}7f`))),
      ),
      invalid("off the curve, y = 2", () => never(withR(forge(), scalar(2n)))),
      invalid("with the other sign of x", () => {
        const good = forge();
        return never(withR(good, flipped(good.signature.subarray(0, 32), -1, 0x80)));
      }),
    ],
  },
  {
    // Only the holder of a key can make these, and gives the key away: S is k times the secret. The
    // torsion of the key is there for that of R to cancel out, so that the equation holds as it is.
    // Nobody can sign with an encoding of R that is not canonical, unless R is of small order.
    name: "Ed25519, R of small order",
    rows: [
      valid("of large order, key of mixed order", () => exact(forge({ keyTorsion: torsion(1) }))),
      valid("of mixed order, key of mixed order", () =>
        exact(forge({ keyTorsion: torsion(1), nonceTorsion: torsion(1) })),
      ),
      invalid("the identity, key of large order", () => exact(forge({ nonce: 0n }))),
      ...[1, 2, 3, 4, 5, 6, 7].map((multiple) =>
        invalid(`${smallName(torsion(multiple))}, key of large order`, () =>
          cofactored(forge({ nonce: 0n, nonceTorsion: torsion(multiple), cancels: false })),
        ),
      ),
      ...[...CANONICAL_SMALL, ...NON_CANONICAL_SMALL].map(([name, encoding]) =>
        invalid(`${name}, key of mixed order`, () => exact(smallR(encoding))),
      ),
    ],
  },
  {
    name: "Ed25519, length of the signature",
    rows: [
      valid("64 bytes", () => exact(forge())),
      ...invalids(resized, {
        "0 bytes": () => new Uint8Array(),
        "32 bytes, R alone": (signature) => signature.subarray(0, 32),
        "63 bytes": (signature) => signature.subarray(0, 63),
        "65 bytes, 00 at the end": (signature) => concatBytes(signature, unhex("00")),
        "65 bytes, 00 in front": (signature) => concatBytes(unhex("00"), signature),
        "128 bytes, twice": (signature) => concatBytes(signature, signature),
      }),
    ],
  },
];
