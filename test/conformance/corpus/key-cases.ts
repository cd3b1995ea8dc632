/** Root updates that bring a key of another kind, a weak one, or one that is written differently. */
import { jsonObject, type JsonObject, type JsonValue } from "../../../lib/tuf/json.ts";
import { A, B, C, after, NEXT_VERSION, rootOf, under } from "./root-case.ts";
import type { RootCase, Signer } from "./root-case.ts";
import { compressedPem, ecSigner, ed25519Signer, hexPoint, inColumns, pemOf } from "./signers.ts";
import { rsaSigner, smallOrderSigner, withoutLeadingZero } from "./signers.ts";

const P256 = { curve: "P-256", scheme: "ecdsa-sha2-nistp256", hash: "sha256" } as const;
const P384 = { curve: "P-384", scheme: "ecdsa-sha2-nistp384", hash: "sha384" } as const;

/** Keys that we take. */
const GOOD: Readonly<Record<string, () => Signer>> = {
  Ed25519: () => ed25519Signer(),
  "RSA-2048": () => rsaSigner(),
  "RSA-3072": () => rsaSigner({ bits: 3072 }),
  "RSA in lines of 76": () => rsaSigner({ write: (pem) => inColumns(pem, 76) }),
  "RSA in lines of 3": () => rsaSigner({ write: (pem) => inColumns(pem, 3) }),
  "RSA without the last newline": () => rsaSigner({ write: (pem) => pem.trimEnd() }),
  "P-256": () => ecSigner(P256),
  "P-256 under its old keytype": () => ecSigner({ ...P256, keytype: "ecdsa-sha2-nistp256" }),
};

/** Keys and signatures that we do not take. */
const ODD: Readonly<Record<string, () => Signer>> = {
  "RSA-1024": () => rsaSigner({ bits: 1024 }),
  "RSA with exponent 3": () => rsaSigner({ exponent: 3 }),
  "RSA with exponent 2^32 - 1": () => rsaSigner({ exponent: 2 ** 32 - 1 }),
  "RSA, a signature without its leading zero": () => withoutLeadingZero(rsaSigner()),
  "Ed25519, a signature with R of small order": smallOrderSigner,
  "RSA, PKCS#1 v1.5": () => rsaSigner({ scheme: "rsa-pkcs1v15-sha256", padding: "pkcs1" }),
  "RSA, PSS with SHA-512": () =>
    rsaSigner({ scheme: "rsassa-pss-sha512", hash: "sha512", salt: 64 }),
  "RSA, a PSS salt of 20": () => rsaSigner({ salt: 20 }),
  "RSA, PKCS#1 v1.5 that says PSS": () => rsaSigner({ padding: "pkcs1" }),
  "RSA with the exponent 2^31 - 1": () => rsaSigner({ exponent: 2 ** 31 - 1 }),
  "RSA with words before it": () => rsaSigner({ write: (pem) => `a key\n${pem}` }),
  "RSA with words after it": () => rsaSigner({ write: (pem) => `${pem}a key\n` }),
  "RSA with carriage returns": () => rsaSigner({ write: (pem) => pem.replaceAll("\n", "\r\n") }),
  "Ed25519 in upper case": () => ed25519Signer((hex) => hex.toUpperCase()),
  "Ed25519 in PEM": () => ed25519Signer((_hex, key) => pemOf(key)),
  "Ed25519 with a space": () => ed25519Signer((hex) => `${hex.slice(0, 2)} ${hex.slice(2)}`),
  "P-256 as a point in hex": () => ecSigner({ ...P256, write: hexPoint }),
  "P-256, compressed": () => ecSigner({ ...P256, write: compressedPem }),
  "P-256 with SHA-384": () => ecSigner({ ...P256, hash: "sha384" }),
  "P-384": () => ecSigner(P384),
  "P-384 under its old keytype": () => ecSigner({ ...P384, keytype: "ecdsa-sha2-nistp384" }),
  "P-384 with SHA-256": () => ecSigner({ ...P384, hash: "sha256" }),
  "P-384 that says P-256": () => ecSigner({ ...P256, curve: "P-384" }),
  "P-521": () => ecSigner({ curve: "P-521", scheme: "ecdsa-sha2-nistp521", hash: "sha512" }),
  "a scheme of nobody": () => under(ed25519Signer(), { scheme: "none" }),
  "no scheme": () => under(ed25519Signer(), { scheme: null }),
  "a keytype of nobody": () => under(ed25519Signer(), { keytype: "none" }),
  "no public half": () => under(ed25519Signer(), { keyval: {} }),
  "a point of small order": () =>
    under(ed25519Signer(), keyval({ public: "01" + "00".repeat(31) })),
  "31 bytes": () => under(ed25519Signer(), keyval({ public: "ab".repeat(31) })),
};

/** Members beside the known ones: text in `keyval`, anything beside it, are fine. */
const MEMBERS: Readonly<Record<string, (key: Signer) => Signer>> = {
  "text beside the public half": (key) => under(key, keyval(of(key), { note: "text" })),
  "a number beside the public half": (key) => under(key, keyval(of(key), { note: 1 })),
  "null beside the public half": (key) => under(key, keyval(of(key), { note: null })),
  "an unknown member": (key) => under(key, { keyid_hash_algorithms: ["sha256", "sha512"] }),
};

function keyval(...members: readonly JsonObject[]): Readonly<Record<string, JsonValue>> {
  return { keyval: jsonObject(Object.assign({}, ...members) as JsonObject) };
}

function of({ object }: Signer): JsonObject {
  return object["keyval"] as JsonObject;
}

/** The new key beside enough others, and as one that is needed. */
function withKey(name: string, key: Signer): readonly RootCase[] {
  return [2, 3].map((threshold) =>
    after(`key: ${name}, ${threshold} of 3`, rootOf(NEXT_VERSION, [A, B, key], threshold), [
      A,
      B,
      C,
      key,
    ]),
  );
}

export function keyCases(): readonly RootCase[] {
  const kinds = Object.entries({ ...GOOD, ...ODD }).map(([name, make]) => [name, make()] as const);
  const more = Object.entries(MEMBERS).map(
    ([name, make]) => [name, make(ed25519Signer())] as const,
  );
  return [...kinds, ...more].flatMap(([name, key]) => withKey(name, key));
}
