/**
 * Whoever holds copies of files and wants a root private key. Written after docs/delivery.md and the
 * forms on disk, with nothing of lib/, so that a mistake there is not repeated here.
 *
 * It goes by what bytes look like and not by where they lie: each master key x share x archive x secret
 * of a link that could be anywhere in what it has is tried.
 */
import { createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { keysIn } from "./thief-archive.ts";
import { anything, findRandom, hexAnywhere, words, type Stolen } from "./thief-search.ts";

const NONE = Buffer.alloc(0);
const SHARE = { form: 1, nonce: 12, secret: 32, tag: 16 } as const;
const WRAPPED_BYTES = SHARE.form + SHARE.nonce + SHARE.secret + SHARE.tag;

/** @returns the public halves (hex, Ed25519) of the root private keys that it got hold of */
export function rootKeysIn(stolen: readonly Stolen[]): ReadonlySet<string> {
  const limit = Error.stackTraceLimit;
  // A wrong key is an error, and a hundred thousand of them need no stack each.
  Error.stackTraceLimit = 0;
  try {
    return search(stolen);
  } finally {
    Error.stackTraceLimit = limit;
  }
}

function search(stolen: readonly Stolen[]): ReadonlySet<string> {
  const { base64url, hex } = words(stolen);
  const masters = base64url.map((text) => Buffer.from(text, "base64url"));
  const secrets = [...masters, ...hex.map((text) => Buffer.from(text, "hex"))];
  const shares = [...unwrapShares(stolen, masters, hex), ...secrets];
  const links = [NONE, ...secrets, ...linkSecrets(stolen)];
  const opened = stolen
    .filter(({ bytes }) => bytes[0] === 1 && bytes.length > 200)
    .flatMap(({ bytes }) =>
      links.flatMap((link) => shares.flatMap((share) => openObject(bytes, link, share) ?? [])),
    );
  // A file that is no sealed object may be an archive, or hold one, as it is.
  return keysIn([...opened, ...stolen.map(({ bytes }) => bytes)], stolen, secrets);
}

/** Shares under the master key: its form begins with 1, and the delivery it is for is its context. */
function unwrapShares(
  stolen: readonly Stolen[],
  masters: readonly Buffer[],
  ids: readonly string[],
): readonly Buffer[] {
  const wrapped = stolen
    .flatMap(({ bytes }) => findRandom(bytes, WRAPPED_BYTES))
    .filter(([form]) => form === 1);
  const contexts = ids.map((id) => Buffer.from(`{"delivery":"${id}","purpose":"server share"}`));
  return masters.flatMap((master) =>
    contexts.flatMap((context) => {
      const key = Buffer.from(hkdfSync("sha256", master, NONE, context, 32));
      return wrapped.flatMap((bytes) => openGcm(bytes, key, context) ?? []);
    }),
  );
}

/** A link's secret, in whatever form: the hash of its id is the name of a delivery. */
function linkSecrets(stolen: readonly Stolen[]): readonly Buffer[] {
  const known = new Set(hexAnywhere(stolen));
  return anything(stolen).filter((secret) => known.has(sha256(idOf(secret).toString("hex"))));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function idOf(linkSecret: Buffer): Buffer {
  return createHash("sha256").update("rootward delivery id").update(linkSecret).digest();
}

function openObject(object: Buffer, linkSecret: Buffer, share: Buffer): Buffer | null {
  const id = idOf(linkSecret);
  const input = Buffer.concat([linkSecret, share]);
  return openGcm(object, Buffer.from(hkdfSync("sha256", input, id, "rootward archive v1", 32)), id);
}

/** Both forms are 1, a nonce of 12 bytes, what is encrypted, and a tag of 16 bytes. */
function openGcm(bytes: Buffer, key: Buffer, context: Buffer): Buffer | null {
  const start = SHARE.form + SHARE.nonce;
  const end = bytes.length - SHARE.tag;
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(SHARE.form, start));
  decipher.setAAD(context).setAuthTag(bytes.subarray(end));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(start, end)), decipher.final()]);
  } catch {
    return null;
  }
}
