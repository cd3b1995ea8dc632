/**
 * The two ways in which metadata is written. The dialect is a property of the Factory and is never
 * guessed from what happens to verify: the canonical forms differ as soon as a PEM key is in a root.
 *
 * `tuf`  TUF 1.0: `_type` "root", `scheme`, hex signatures, OLPC canonical JSON.
 * `ats`  what fioctl, ota-tuf and aktualizr write: `_type` "Root", `method`, base64 signatures.
 */

import type { JsonLimits } from "./json.ts";

export type Dialect = "tuf" | "ats";
export const DIALECTS = ["tuf", "ats"] as const satisfies readonly Dialect[];

/** The four top-level roles, in the order in which a repository signs them. */
export const ROLES = ["root", "targets", "snapshot", "timestamp"] as const;
export type Role = (typeof ROLES)[number];

/** The roles that the service signs. */
export const ONLINE_ROLES = ["targets", "snapshot", "timestamp"] as const;
export type OnlineRole = (typeof ONLINE_ROLES)[number];

/** `tuf` Factories have `main`; `ats` ones `ci` and `prod`, differing in the targets threshold. */
export type Channel = (typeof ALL_CHANNELS)[number];
export const ALL_CHANNELS = ["main", "ci", "prod"] as const;

const CHANNELS: Readonly<Record<Dialect, readonly Channel[]>> = {
  tuf: ["main"],
  ats: ["ci", "prod"],
};

export function channelsOf(dialect: Dialect): readonly Channel[] {
  return CHANNELS[dialect];
}

/** The channel that `root.json` without a query means. */
export function firstChannel(dialect: Dialect): Channel {
  return dialect === "tuf" ? "main" : "ci";
}

/** The name of a channel's root in a root update on the wire (docs/fioctl.md). */
export function rootMember(channel: Channel): "ci-root" | "prod-root" {
  return channel === "prod" ? "prod-root" : "ci-root";
}

const TYPES: Readonly<Record<Dialect, Readonly<Record<Role, string>>>> = {
  tuf: { root: "root", targets: "targets", snapshot: "snapshot", timestamp: "timestamp" },
  ats: { root: "Root", targets: "Targets", snapshot: "Snapshot", timestamp: "Timestamp" },
};

/** The `_type` of a role's document. */
export function typeName(dialect: Dialect, role: Role): string {
  return TYPES[dialect][role];
}

/** Longest root as it is served: aktualizr reads 64 KiB, python-tuf and go-tuf 512,000 bytes. */
export const MAX_ROOT_BYTES: Readonly<Record<Dialect, number>> = { tuf: 512_000, ats: 65_536 };

/**
 * The limits of a root (rule 1). A request body may be larger than the root in it (white space), but not by
 * much, and the largest root that could be accepted has some two thousand values.
 */
export function rootLimits(dialect: Dialect): JsonLimits {
  return { maxBytes: MAX_ROOT_BYTES[dialect] + 65_536, maxValues: 4000 };
}
