/**
 * The documents that a device holds after a poll, role by role, and a foreign client's report of them:
 * version, hash of the very bytes, and the keys of the role that signed them. "No error" would say nothing.
 */
import type { Role } from "../../lib/tuf/dialect.ts";

export interface Held {
  readonly version: number;
  /** Those that the root held lists for the role and that are among the signatures; sorted. */
  readonly keyids: readonly string[];
  /** SHA-256 of the document, in hex. */
  readonly sha256: string;
}

/** Null where the device never got such a document. */
export type Holdings = Readonly<Record<Role, Held | null>>;

/** The order in which devices come to them. */
export const POLL_ORDER = [
  "root",
  "timestamp",
  "snapshot",
  "targets",
] as const satisfies readonly Role[];

/**
 * Why a client did not take what it was served, in words that all clients share. `hash` is a length
 * too; `format` is what could not be read as metadata at all, and `other` what no suite expects.
 */
export type Reason = "signature" | "version" | "expired" | "hash" | "format" | "download" | "other";

/** A client's report of one poll. */
export interface Answer {
  /** As it is on the device's disk, after a refusal too. */
  readonly held: Holdings;
  readonly refusal: { readonly reason: Reason; readonly says: string } | null;
}

/** The holdings of a device from the factory floor: nothing that it was not built with. */
export const NOTHING: Holdings = { root: null, timestamp: null, snapshot: null, targets: null };

/** @returns one text for each role that is not as expected */
export function differences(expected: Holdings, { held }: Answer): readonly string[] {
  return POLL_ORDER.flatMap((role) => {
    const [want, got] = [shown(expected[role]), shown(held[role])];
    return want === got ? [] : [`${role}: expected ${want}, got ${got}`];
  });
}

function shown(held: Held | null): string {
  if (held === null) return "none";
  const { version, keyids, sha256 } = held;
  const short = keyids.map((keyid) => keyid.slice(0, 12));
  return `version ${version} (${sha256.slice(0, 12)}) signed by ${short.join(", ") || "nobody"}`;
}
