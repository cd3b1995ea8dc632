/**
 * The owners' keys of a fuzz run. Ed25519 keys come from the seed; RSA and P-256 ones are made anew
 * for each run, as are the service's own online keys and the salts of RSA-PSS. All of those have the
 * same length every time, so a case of the same seed is the same mutation at the same place.
 */
import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { sha256, toHex } from "../../lib/tuf/bytes.ts";
import { canonicalize } from "../../lib/tuf/canonical.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { jsonObject, type JsonObject } from "../../lib/tuf/json.ts";
import type { Random } from "./random.ts";

export type Kind = keyof typeof KEYTYPES;

const ED25519_PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const KEYTYPES = {
  ed25519: { keytype: "ed25519", scheme: "ed25519", ats: "ED25519", method: "ed25519" },
  rsa: { keytype: "rsa", scheme: "rsassa-pss-sha256", ats: "RSA", method: "rsassa-pss-sha256" },
  p256: { keytype: "ecdsa", scheme: "ecdsa-sha2-nistp256", ats: "ECDSA", method: "ecdsa" },
} as const;

/** A public key, and how each dialect lists it. */
export class PublicHalf {
  readonly kind: Kind;
  /** What stands in `keyval.public`. */
  readonly text: string;
  readonly #spki: Buffer;

  constructor(kind: Kind, key: KeyObject) {
    this.kind = kind;
    this.#spki = key.export({ type: "spki", format: "der" });
    const pem = key.export({ type: "spki", format: "pem" }).toString();
    this.text = kind === "ed25519" ? this.#spki.subarray(-32).toString("hex") : pem;
  }

  object(dialect: Dialect): JsonObject {
    const { keytype, scheme, ats } = KEYTYPES[this.kind];
    const keyval = jsonObject({ public: this.text });
    return dialect === "ats"
      ? jsonObject({ keytype: ats, keyval })
      : jsonObject({ keytype, keyval, scheme });
  }

  keyid(dialect: Dialect): string {
    return dialect === "ats" ? sha256(this.#spki) : keyidOf(this.object(dialect), dialect);
  }
}

/** An owner's key, with its private half. */
export class FuzzKey extends PublicHalf {
  readonly privateKey: KeyObject;

  constructor(kind: Kind, privateKey: KeyObject) {
    super(kind, createPublicKey(privateKey));
    this.privateKey = privateKey;
  }

  sign(message: Uint8Array): Uint8Array {
    if (this.kind === "ed25519") return sign(null, message, this.privateKey);
    if (this.kind !== "rsa") return sign("sha256", message, this.privateKey);
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return sign("sha256", message, { key: this.privateKey, padding, saltLength: 32 });
  }

  /** An entry of `signatures`. */
  entry(message: Uint8Array, dialect: Dialect, keyid = this.keyid(dialect)): JsonObject {
    const bytes = this.sign(message);
    if (dialect === "tuf") return jsonObject({ keyid, sig: toHex(bytes) });
    const sig = Buffer.from(bytes).toString("base64");
    return jsonObject({ keyid, method: KEYTYPES[this.kind].method, sig });
  }
}

/** The id that follows from a key object: the only one in tuf, that of old fioctl in ats. */
export function keyidOf(object: JsonObject, dialect: Dialect): string {
  return sha256(canonicalize(object, dialect));
}

export function ed25519FromSeed(seed: Uint8Array): FuzzKey {
  const key = Buffer.concat([ED25519_PKCS8, seed]);
  return new FuzzKey("ed25519", createPrivateKey({ key, format: "der", type: "pkcs8" }));
}

export type Pool = readonly FuzzKey[];

/** Ten Ed25519 keys, two RSA ones, and two of P-256, which tuf alone has. */
export function makePool(random: Random): Pool {
  const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const p256 = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  return [
    ...Array.from({ length: 10 }, () => ed25519FromSeed(random.bytes(32))),
    ...[rsa(), rsa()].map((key) => new FuzzKey("rsa", key)),
    ...[p256(), p256()].map((key) => new FuzzKey("p256", key)),
  ];
}

export function usable(pool: Pool, dialect: Dialect): Pool {
  return dialect === "tuf" ? pool : pool.filter(({ kind }) => kind !== "p256");
}
