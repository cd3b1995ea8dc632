/**
 * Keys that take the place of recorded ones. No private key of a recording is kept, so whoever sends a
 * recorded request again makes a key of the same kind, with an id made in the same way, and signs anew.
 */
import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  type KeyObject,
} from "node:crypto";
import { canonicalize } from "../../../lib/tuf/canonical.ts";
import { parseJson } from "../../../lib/tuf/json.ts";
import { makeRsaKey } from "../rsa-key.ts";
import type { RootKey, RootSignature } from "./root-document.ts";

export interface FreshKey {
  readonly id: string;
  readonly publicText: string;
  readonly privateKey: KeyObject;
}

/** Before a 32-byte seed, this makes PKCS#8. */
const PKCS8_ED25519 = "302e020100300506032b657004220420";
const UNLIMITED = { maxBytes: Infinity };

/** @param id of the recorded key, which shows how the release makes ids */
export async function freshKeyLike(id: string, recorded: RootKey): Promise<FreshKey> {
  const privateKey = await makeKey(recorded.keytype);
  const publicText = publicTextOf(privateKey);
  const { keytype } = recorded;
  const make = [ofPublicKey, ofKeyObject].find(
    (one) => one(keytype, recorded.keyval.public) === id,
  );
  if (make === undefined) throw new Error(`the id of key ${id} is made in an unknown way`);
  return { id: make(keytype, publicText), publicText, privateKey };
}

async function makeKey(keytype: string): Promise<KeyObject> {
  if (keytype === "RSA") return makeRsaKey();
  const { privateKey }: { privateKey: KeyObject } = generateKeyPairSync("ed25519");
  return privateKey;
}

/** The key that an answer handed over, as archives have it. */
export function readFirstKey(text: string): KeyObject {
  if (text.startsWith("-----")) return createPrivateKey(text);
  const der = Buffer.from(PKCS8_ED25519 + text.slice(0, 64), "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

/** The id since 0.30. */
function ofPublicKey(keytype: string, text: string): string {
  const key =
    keytype === "RSA"
      ? createPublicKey(text)
      : createPublicKey({
          key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(text, "hex").toString("base64url") },
          format: "jwk",
        });
  return sha256(key.export({ type: "spki", format: "der" }));
}

/** The id before 0.30. */
function ofKeyObject(keytype: string, text: string): string {
  return sha256(canonicalBytes({ keytype, keyval: { public: text } }));
}

function publicTextOf(key: KeyObject): string {
  const own = createPublicKey(key);
  if (own.asymmetricKeyType === "rsa")
    return own.export({ type: "spki", format: "pem" }).toString();
  return own.export({ type: "spki", format: "der" }).subarray(-32).toString("hex");
}

/** @param signed the `signed` of a document */
export function signDocument(signed: unknown, keyid: string, key: KeyObject): RootSignature {
  const data = canonicalBytes(signed);
  if (key.asymmetricKeyType === "ed25519") {
    return { keyid, method: "ed25519", sig: sign(null, data, key).toString("base64") };
  }
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const sig = sign("sha256", data, { key, padding, saltLength: 32 });
  return { keyid, method: "rsassa-pss-sha256", sig: sig.toString("base64") };
}

/** The canonical form of the ats dialect. */
export function canonicalBytes(value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value));
  return canonicalize(parseJson(text, UNLIMITED), "ats");
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
