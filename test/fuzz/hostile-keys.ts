/**
 * Keys by the hundred, for roots that cost time to check: each is well formed and of its own, under
 * an id that follows from it. Nobody has the private halves of the RSA ones, and nobody needs them.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import { ed25519FromSeed, keyidOf, PublicHalf } from "./keys.ts";
import { Random } from "./random.ts";

const KINDS = {
  ed25519: { length: 230, make: (random: Random) => ed25519FromSeed(random.bytes(32)) },
  p256: {
    length: 400,
    make: () =>
      new PublicHalf("p256", generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey),
  },
  rsa4096: { length: 1000, make: (random: Random) => new PublicHalf("rsa", rsa(random, 512)) },
  rsa8192: { length: 1700, make: (random: Random) => new PublicHalf("rsa", rsa(random, 1024)) },
} as const;

export type HostileKind = keyof typeof KINDS;

/** Of no run, so that none of its owners has one of these keys. */
const STRANGE_SEED = -1;

const made = new Map<HostileKind, PublicHalf[]>();

/** As many as fill `room` bytes; made once in a run. */
export function hostileKeys(kind: HostileKind, dialect: Dialect, room: number): JsonObject {
  const { length, make } = KINDS[kind];
  const keys = made.get(kind) ?? [];
  made.set(kind, keys);
  const count = Math.max(1, Math.floor(room / length));
  while (keys.length < count) keys.push(make(new Random(STRANGE_SEED, keys.length)));
  const entries = keys
    .slice(0, count)
    .map((key) => [key.keyid(dialect), key.object(dialect)] as const);
  return jsonObject(Object.fromEntries(entries));
}

/** As many that look like Ed25519 keys; half of them are no points of the curve. */
export function falsePoints(random: Random, dialect: Dialect, room: number): JsonObject {
  const entries = Array.from({ length: Math.max(1, Math.floor(room / 230)) }, () => {
    const keyval = jsonObject({ public: Buffer.from(random.bytes(32)).toString("hex") });
    const object =
      dialect === "ats"
        ? jsonObject({ keytype: "ED25519", keyval })
        : jsonObject({ keytype: "ed25519", keyval, scheme: "ed25519" });
    return [keyidOf(object, dialect), object] as const;
  });
  return jsonObject(Object.fromEntries(entries));
}

/** With the one exponent that is taken. */
function rsa(random: Random, length: number): KeyObject {
  const modulus = random
    .bytes(length)
    .with(0, 0xff)
    .with(length - 1, 0xff);
  const n = Buffer.from(modulus).toString("base64url");
  return createPublicKey({ key: { kty: "RSA", n, e: "AQAB" }, format: "jwk" });
}
