/**
 * Key pairs in an archive: `NAME.pub` and `NAME.sec`, each one line of JSON. A pair is found by its
 * public half, wherever it lies; names and folders mean nothing, as in fioctl.
 *
 *   .pub  {"keytype":"ED25519","keyval":{"public":"<hex>"}}      RSA: SPKI PEM
 *   .sec  {"keytype":"ED25519","keyval":{"private":"<hex seed>"}} RSA: PKCS#1 PEM
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { encodeJson } from "../tuf/canonical.ts";
import { isJsonObject, jsonObject, parseJson } from "../tuf/json.ts";
import { keyObject } from "../tuf/keys.ts";
import { ed25519FromHex, fromPem, KeyMaterialError, type PublicKey } from "../tuf/spki.ts";
import type { ArchiveEntries } from "./archive.ts";

const MAX_KEY_BYTES = 65_536;

/** A key pair as an archive holds it. */
export interface ArchivedKey {
  /** The entry's name without `.pub`. */
  readonly name: string;
  readonly publicKey: PublicKey;
  /** `keyval.private` of the `.sec`: PKCS#1 PEM or hex. A secret. */
  readonly privateText: string;
}

/** Where the key of root version 1 lies. */
export const FIRST_ROOT_KEY = "tufrepo/keys/first-root";

/** Where a key that a rotation made lies, under fioctl's name for it. */
export function rotatedKeyName(keyid: string): string {
  return `tufrepo/keys/fioctl-root-${keyid}`;
}

/**
 * All complete key pairs. A `.pub` without `.sec` is left out: it may be somebody else's half.
 *
 * @throws RootwardError `archive-invalid` naming the entry that does not parse, as fioctl does
 */
export function archivedKeys(entries: ArchiveEntries): readonly ArchivedKey[] {
  const keys: ArchivedKey[] = [];
  for (const [entry, bytes] of entries) {
    if (!entry.endsWith(".pub")) continue;
    const name = entry.slice(0, -".pub".length);
    const publicKey = readPublic(entry, bytes);
    const secret = entries.get(`${name}.sec`);
    if (secret !== undefined) {
      keys.push({ name, publicKey, privateText: keyText(`${name}.sec`, secret, "private") });
    }
  }
  return keys;
}

/** The two entries of a key pair, in fioctl's form. */
export function keyEntries(
  name: string,
  publicKey: PublicKey,
  privateText: string,
): readonly (readonly [string, Uint8Array])[] {
  const object = keyObject(publicKey, "ats");
  const keytype = object["keytype"] ?? null;
  const secret = jsonObject({ keytype, keyval: jsonObject({ private: privateText }) });
  return [
    [`${name}.pub`, encodeJson(object)],
    [`${name}.sec`, encodeJson(secret)],
  ];
}

function readPublic(entry: string, bytes: Uint8Array): PublicKey {
  const text = keyText(entry, bytes, "public").trim();
  try {
    return text.startsWith("-----") ? fromPem(`${text}\n`) : ed25519FromHex(text);
  } catch (error) {
    if (!(error instanceof KeyMaterialError)) throw error;
    throw new RootwardError("archive-invalid", `archive entry ${entry}: ${error.message}`);
  }
}

function keyText(entry: string, bytes: Uint8Array, half: "public" | "private"): string {
  let text: unknown;
  try {
    const value = parseJson(bytes, { maxBytes: MAX_KEY_BYTES });
    const keyval = isJsonObject(value) ? value["keyval"] : undefined;
    text = isJsonObject(keyval) ? keyval[half] : undefined;
  } catch (error) {
    if (!isRootwardError(error)) throw error;
  }
  if (typeof text === "string") return text;
  throw new RootwardError("archive-invalid", `archive entry ${entry}: expected a JSON key object`);
}
