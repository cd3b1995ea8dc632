/** Metadata as a forger handles it: without keys, and without caring whether it is any good. */
import { sha256 } from "../../lib/tuf/bytes.ts";
import type { Dialect, Role } from "../../lib/tuf/dialect.ts";
import type { Held } from "./holdings.ts";

interface SignedFile {
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
  readonly signed: { readonly version: number; readonly expires: string };
}

export interface SignedRoot extends SignedFile {
  readonly signed: SignedFile["signed"] & {
    readonly roles: Readonly<Record<Role, { readonly keyids: readonly string[] }>>;
  };
}

/** @param bytes of a root, or of another role where only what all have is looked at */
export function readSigned(bytes: Uint8Array | undefined): SignedRoot {
  if (bytes === undefined) throw new Error("a file that was never published");
  return JSON.parse(new TextDecoder().decode(bytes)) as SignedRoot;
}

export function writeSigned(file: SignedFile): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(file));
}

/** One bit of one signature changed, in its middle. */
export function withFlippedBit<T extends SignedFile>(file: T, index: number, dialect: Dialect): T {
  const encoding = dialect === "tuf" ? "hex" : "base64";
  const signatures = file.signatures.map((signature, i) => {
    if (i !== index) return signature;
    const bytes = Buffer.from(signature.sig, encoding);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    return { ...signature, sig: bytes.toString(encoding) };
  });
  return { ...file, signatures };
}

/** The same signatures over something that nobody signed. */
export function withOtherContent(file: SignedFile): SignedFile {
  return { ...file, signed: { ...file.signed, expires: "2099-12-31T23:59:59Z" } };
}

export function cutShort(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length >> 1);
}

/** The same to every reader of JSON, and longer than any client reads of a root or a timestamp. */
export function endless(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(600_000, " ")]);
}

/** The holdings of a device that took this root. */
export function heldRoot(bytes: Uint8Array | undefined): Held {
  const { signatures, signed } = readSigned(bytes);
  const signers = signatures.map(({ keyid }) => keyid);
  const keyids = signed.roles.root.keyids.filter((keyid) => signers.includes(keyid)).toSorted();
  return { version: signed.version, keyids, sha256: sha256(bytes ?? new Uint8Array()) };
}
