/**
 * Root, targets and key files as the client's structs hold them. Member names are those of the wire;
 * what is not listed here does not survive the client.
 */
import {
  bool,
  bytes,
  canonical,
  decode,
  encode,
  field,
  int,
  list,
  lower,
  map,
  optional,
  pointer,
  raw,
  struct,
  text,
  time,
  type Shape,
} from "./go-shapes.ts";
import { GoError } from "./go-error.ts";

export interface TufKey {
  readonly keytype: string;
  readonly keyval: { readonly public: string; readonly private: string };
}

export interface Signature {
  readonly keyid: string;
  readonly method: string;
  /** Base64. */
  readonly sig: string;
}

export type Signatures = Readonly<Record<string, readonly Signature[] | null>>;

export interface Role {
  readonly keyids: readonly string[] | null;
  readonly threshold: number;
}

interface RootBody {
  readonly _type: string;
  readonly expires: string;
  readonly version: number;
  readonly consistent_snapshot: boolean;
  readonly keys: Readonly<Record<string, TufKey>> | null;
  readonly roles: Readonly<Record<string, Role | null>> | null;
  readonly "x-changelog"?: {
    readonly "polis-id": string;
    readonly message: string;
    readonly timestamp: string;
  } | null;
  readonly "x-key-owners"?: Readonly<
    Record<string, { readonly "polis-id": string; readonly "created-at": string }>
  > | null;
}

export interface TufRoot {
  readonly "targets-signatures"?: Signatures | null;
  readonly signatures: readonly Signature[] | null;
  readonly signed: RootBody;
}

export interface TufTargets {
  readonly signatures: readonly Signature[] | null;
  readonly signed: unknown;
}

export const KEY = struct(
  field("keytype", text),
  field("keyval", struct(optional("public", text), optional("private", text))),
);

const SIGNATURE = struct(field("keyid", text), field("method", lower), field("sig", bytes));
const SIGNATURES = list(SIGNATURE);
export const SIGNATURE_MAP = map(SIGNATURES);

const COMMON = [field("_type", text), field("expires", time), field("version", int)] as const;
const ROOT_COMMON = [
  ...COMMON,
  field("consistent_snapshot", bool),
  field("keys", map(KEY)),
  field("roles", map(pointer(struct(field("keyids", list(text)), field("threshold", int))))),
] as const;
const CHANGELOG = optional(
  "x-changelog",
  pointer(struct(field("polis-id", text), field("message", text), field("timestamp", time))),
);
const OWNERS = optional(
  "x-key-owners",
  map(struct(field("polis-id", text), field("created-at", time))),
);

/** The root of one generation of the client: what it knows of `signed`. */
export interface RootShape {
  readonly whole: Shape;
  readonly signed: Shape;
}

function rootShape(signed: Shape): RootShape {
  const whole = struct(
    optional("targets-signatures", SIGNATURE_MAP),
    field("signatures", SIGNATURES),
    field("signed", signed),
  );
  return { whole, signed };
}

/** Since v0.35. */
export const ROOT = rootShape(struct(...ROOT_COMMON, CHANGELOG, OWNERS));
/** v0.26 to v0.34. */
export const ROOT_WITHOUT_OWNERS = rootShape(struct(...ROOT_COMMON, CHANGELOG));
/** Up to v0.25. */
export const ROOT_BARE = rootShape(struct(...ROOT_COMMON));

const TARGET_FILE = struct(
  field("length", int),
  field("hashes", map(bytes)),
  optional("custom", raw),
);
export const TARGETS_BODY = struct(...COMMON, field("targets", map(TARGET_FILE)));
export const TARGETS_MAP = map(
  struct(field("signatures", SIGNATURES), field("signed", TARGETS_BODY)),
);

export function decodeRoot(source: string, shape: RootShape = ROOT): TufRoot {
  return decode(shape.whole, source) as TufRoot;
}

/** As it is sent. */
export function encodeRoot(root: TufRoot, shape: RootShape = ROOT): string {
  return encode(shape.whole, root);
}

export function decodeKey(source: string): TufKey {
  return decode(KEY, source) as TufKey;
}

/** As it is written to a file: one half, one line. */
export function encodeKey(key: TufKey): string {
  return encode(KEY, key);
}

/** The whole root, as it is shown and filed. */
export function encodeCanonically(root: TufRoot): string {
  return canonical(ROOT.whole, root);
}

/** What a signature on a root covers. */
export function signedBytes(root: TufRoot, shape: RootShape = ROOT): string {
  return canonical(shape.signed, root.signed);
}

/** The role; Go would dereference nil where there is none. */
export function roleOf({ signed }: TufRoot, name: string): Role {
  const role = signed.roles?.[name];
  if (role === undefined || role === null) throw new GoError("nil pointer dereference");
  return role;
}

export function keyidsOf(root: TufRoot, role: string): readonly string[] {
  return roleOf(root, role).keyids ?? [];
}

export function withRole(root: TufRoot, name: string, change: Partial<Role>): TufRoot {
  const roles = { ...root.signed.roles, [name]: { ...roleOf(root, name), ...change } };
  return { ...root, signed: { ...root.signed, roles } };
}
