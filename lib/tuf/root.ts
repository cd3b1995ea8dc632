/**
 * Reading a root: from a strictly parsed document to the keys and roles it declares, with every
 * broken rule of structure (rules 3 to 14) as a finding.
 *
 * What is kept is the value as received: signatures are checked over the canonical form of that,
 * never over our own object written out again (rule 6).
 */
import { sha256 } from "./bytes.ts";
import type { Sha256 } from "./bytes.ts";
import { canonicalize, foreignCharacter } from "./canonical.ts";
import { ROLES, typeName, type Channel, type Dialect, type Role } from "./dialect.ts";
import { parseExpires } from "./expires.ts";
import { Findings, type Finding } from "./findings.ts";
import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import { isKeyId, keyidsOf, parseKey, type KeyId, type RootKey } from "./keys.ts";
import { KeyMaterialError, type PublicKey } from "./spki.ts";

export type RootVersion = number & { readonly brand: "RootVersion" };

/** aktualizr and ota-tuf hold versions in 32 bits (rule 20). */
const MAX_VERSION = 2 ** 31 - 1;

/** aktualizr refuses a higher threshold. */
const MAX_EARLY_THRESHOLD = 1000;

export interface RoleKeys {
  readonly keyids: readonly KeyId[];
  readonly threshold: number;
}

export interface Root {
  readonly dialect: Dialect;
  readonly version: RootVersion;
  /** Milliseconds since 1970. */
  readonly expires: number;
  readonly consistentSnapshot: boolean;
  readonly keys: ReadonlyMap<KeyId, RootKey>;
  readonly roles: Readonly<Record<Role, RoleKeys>>;
  /** The `signed` value as received. */
  readonly signed: JsonObject;
  /** Its canonical form: what signatures cover. */
  readonly message: Uint8Array;
  /** SHA-256 of `message`: two roots with this in common say the same. */
  readonly signedHash: Sha256;
}

export interface RootForms {
  readonly dialect: Dialect;
  readonly channel: Channel;
  /**
   * `strict` for what we accept; `lenient` to read chains that others published: fractional
   * seconds and offsets in `expires`, ECDSA keys as hex points, keyids that do not follow from
   * their keys, keys without a role, ota-tuf's extra roles.
   */
  readonly forms: "strict" | "lenient";
  /** Keys that the root before this one lists; they stay under their ids (rules 11 and 12). */
  readonly trustedKeys?: ReadonlyMap<KeyId, RootKey>;
}

export interface RootReading {
  /** Null where the structure does not allow to go on. */
  readonly root: Root | null;
  /** The version, wherever one could be read. */
  readonly version: RootVersion | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const ATS_SIGNED = [
  "_type",
  "consistent_snapshot",
  "expires",
  "keys",
  "roles",
  "version",
  "x-changelog",
  "x-key-owners",
];
const OTA_TUF_ROLES = ["offline-updates", "offline-snapshot", "remote-sessions"];

/** Reads the `signed` part of a root; never throws for what is in it. */
export function readRoot(signed: JsonValue, forms: RootForms): RootReading {
  const findings = new Findings();
  const done = (root: Root | null, version: RootVersion | null): RootReading => ({
    root,
    version,
    errors: findings.errors,
    warnings: findings.warnings,
  });
  if (!isJsonObject(signed)) {
    findings.add("signed-members", "signed: expected an object");
    return done(null, null);
  }
  const version = readVersion(signed["version"], findings);
  const foreign = foreignCharacter(signed, "signed");
  if (foreign !== null) {
    findings.add(
      "foreign-character",
      `${foreign}: expected printable ASCII, newline, carriage return and tab only`,
    );
    return done(null, version);
  }
  checkMembers(signed, forms, findings);
  const expires = readExpires(signed["expires"], forms, findings);
  const keys = readKeys(signed["keys"], forms, findings);
  const roles = readRoles(signed["roles"], keys, forms, findings);
  if (keys !== null && roles !== null) checkUnused(keys, roles, forms, findings);
  checkKeyOwners(signed["x-key-owners"], keys, forms, findings);
  if (version === null || expires === null || keys === null || roles === null) {
    return done(null, version);
  }
  const message = canonicalize(signed, forms.dialect);
  const root: Root = {
    dialect: forms.dialect,
    version,
    expires,
    consistentSnapshot: signed["consistent_snapshot"] === true,
    keys,
    roles,
    signed,
    message,
    signedHash: sha256(message),
  };
  return done(root, version);
}

function readVersion(value: JsonValue | undefined, findings: Findings): RootVersion | null {
  if (typeof value === "number" && value >= 1 && value <= MAX_VERSION) return value as RootVersion;
  findings.add("version-malformed", `version: expected an integer from 1 to ${MAX_VERSION}`);
  return null;
}

function checkMembers(signed: JsonObject, forms: RootForms, findings: Findings): void {
  const type = typeName(forms.dialect, "root");
  if (signed["_type"] !== type) {
    findings.add("type-wrong", `_type: expected "${type}", got ${show(signed["_type"])}`);
  }
  if (forms.dialect === "tuf") {
    const spec = signed["spec_version"];
    if (typeof spec !== "string" || !/^1\.\d{1,4}(?:\.\d{1,4})?$/.test(spec)) {
      findings.add("spec-version", `spec_version: expected 1.x, got ${show(spec)}`);
    }
  } else {
    const extra = Object.keys(signed).filter((name) => !ATS_SIGNED.includes(name));
    if (extra.length > 0) {
      findings.add(
        "signed-members",
        `signed: unknown ${names(extra)}; fioctl drops them when it re-encodes, so no signature ` +
          `of its would cover them`,
      );
    }
  }
  const consistent = signed["consistent_snapshot"];
  if (typeof consistent !== "boolean" && (forms.dialect === "tuf" || consistent !== undefined)) {
    findings.add("signed-members", "consistent_snapshot: expected true or false");
  }
}

function readExpires(
  value: JsonValue | undefined,
  forms: RootForms,
  findings: Findings,
): number | null {
  const time = typeof value === "string" ? parseExpires(value, forms.forms === "lenient") : null;
  if (time === null) {
    findings.add("expires-format", `expires: expected YYYY-MM-DDTHH:MM:SSZ, got ${show(value)}`);
  }
  return time;
}

function readKeys(
  value: JsonValue | undefined,
  forms: RootForms,
  findings: Findings,
): ReadonlyMap<KeyId, RootKey> | null {
  if (!isJsonObject(value)) {
    findings.add("signed-members", "keys: expected an object");
    return null;
  }
  const keys = new Map<KeyId, RootKey>();
  for (const [keyid, object] of Object.entries(value)) {
    if (!isKeyId(keyid)) {
      findings.add("keyid-format", `key ${show(keyid)}: expected 64 lower-case hex digits`);
      continue;
    }
    const key = readKey(keyid, object, forms, findings);
    if (key !== null) keys.set(keyid, key);
  }
  return keys;
}

function readKey(
  keyid: KeyId,
  object: JsonValue,
  forms: RootForms,
  findings: Findings,
): RootKey | null {
  const lenient = forms.forms === "lenient";
  let key: PublicKey;
  try {
    key = parseKey(object, forms.dialect, lenient);
  } catch (error) {
    if (!(error instanceof KeyMaterialError)) throw error;
    findings.add("key-material", `key ${keyid}: ${error.message}`);
    return null;
  }
  if (!isJsonObject(object)) return null;
  const trusted = forms.trustedKeys?.get(keyid)?.key.fingerprint === key.fingerprint;
  const derived = keyidsOf(object, key, forms.dialect);
  if (!trusted && !derived.includes(keyid)) {
    const message = `key ${keyid}: the id does not follow from the key, expected ${derived[0]}`;
    if (lenient) findings.warn("keyid-derivation", message);
    else findings.add("keyid-derivation", message);
  }
  return { keyid, object, key };
}

function readRoles(
  value: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): Readonly<Record<Role, RoleKeys>> | null {
  if (!isJsonObject(value)) {
    findings.add("role-missing", "roles: expected an object");
    return null;
  }
  const known: readonly string[] = forms.forms === "lenient" ? [...ROLES, ...OTA_TUF_ROLES] : ROLES;
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  // TUF has an optional mirrors role, and the specification asks to ignore what one does not know.
  if (forms.dialect === "ats" && unknown.length > 0) {
    findings.add("role-unknown", `roles: unknown ${names(unknown)}, expected ${ROLES.join(", ")}`);
  }
  const read = (role: Role): RoleKeys | null => readRole(role, value[role], keys, forms, findings);
  const [root, targets, snapshot, timestamp] = [
    read("root"),
    read("targets"),
    read("snapshot"),
    read("timestamp"),
  ];
  return root && targets && snapshot && timestamp && { root, targets, snapshot, timestamp };
}

function readRole(
  role: Role,
  value: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): RoleKeys | null {
  if (value === undefined) {
    findings.add("role-missing", `role ${role}: missing`);
    return null;
  }
  const keyids = isJsonObject(value) ? value["keyids"] : undefined;
  const threshold = isJsonObject(value) ? value["threshold"] : undefined;
  if (!isJsonObject(value) || !isJsonArray(keyids) || typeof threshold !== "number") {
    findings.add("role-malformed", `role ${role}: expected keyids and an integer threshold`);
    return null;
  }
  if (forms.dialect === "ats" && Object.keys(value).length > 2) {
    findings.add("role-malformed", `role ${role}: expected keyids and threshold only`);
  }
  const listed = readRoleKeyids(role, keyids, keys, findings);
  if (keys !== null) checkThreshold(role, listed, threshold, keys, forms, findings);
  return { keyids: listed, threshold };
}

function readRoleKeyids(
  role: Role,
  keyids: readonly JsonValue[],
  keys: ReadonlyMap<KeyId, RootKey> | null,
  findings: Findings,
): readonly KeyId[] {
  const listed = new Set<KeyId>();
  for (const keyid of keyids) {
    if (!isKeyId(keyid)) {
      findings.add("keyid-format", `role ${role}: keyid ${show(keyid)} is not 64 lower-case hex`);
    } else if (listed.has(keyid)) {
      findings.add("keyid-repeated", `role ${role}: keyid ${keyid} is there twice`);
    } else {
      if (keys !== null && !keys.has(keyid)) {
        findings.add("keyid-without-key", `role ${role}: no usable key for keyid ${keyid}`);
      }
      listed.add(keyid);
    }
  }
  return [...listed];
}

/**
 * Rule 10: 1 <= threshold <= distinct keys; threshold 0 switches verification off (CVE-2026-23992).
 * One exception: fioctl's first rotation sets the prod targets threshold to 2 while only the online
 * key is listed, and version 1 of prod starts that way.
 */
function checkThreshold(
  role: Role,
  keyids: readonly KeyId[],
  threshold: number,
  keys: ReadonlyMap<KeyId, RootKey>,
  forms: RootForms,
  findings: Findings,
): void {
  const distinct = new Set(keyids.map((keyid) => keys.get(keyid)?.key.fingerprint ?? keyid)).size;
  const early =
    forms.channel === "prod" &&
    role === "targets" &&
    keyids.length === 1 &&
    threshold >= 2 &&
    threshold <= MAX_EARLY_THRESHOLD;
  if (threshold < 1 || (threshold > distinct && !early)) {
    findings.add(
      "threshold-range",
      `role ${role}: expected a threshold from 1 to ${distinct} (its distinct keys), ` +
        `got ${threshold}`,
    );
  }
}

function checkUnused(
  keys: ReadonlyMap<KeyId, RootKey>,
  roles: Readonly<Record<Role, RoleKeys>>,
  forms: RootForms,
  findings: Findings,
): void {
  if (forms.forms === "lenient") return;
  const used = new Set(ROLES.flatMap((role) => roles[role].keyids));
  for (const keyid of keys.keys()) {
    // Older fioctl leaves former root keys in place (ats).
    const former = forms.dialect === "ats" && forms.trustedKeys?.has(keyid) === true;
    if (!used.has(keyid) && !former) findings.add("key-unused", `key ${keyid}: no role uses it`);
  }
}

function checkKeyOwners(
  owners: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): void {
  if (owners === undefined || forms.dialect === "tuf") return;
  if (!isJsonObject(owners)) {
    findings.add("key-owners", "x-key-owners: expected an object");
    return;
  }
  for (const keyid of Object.keys(owners)) {
    if (!isKeyId(keyid) || keys?.has(keyid) !== true) {
      findings.add("key-owners", `x-key-owners: ${show(keyid)} is not a key of this root`);
    }
  }
}

function names(list: readonly string[]): string {
  const shown = list.slice(0, 5).map((name) => show(name));
  return shown.join(", ") + (list.length > 5 ? ` and ${list.length - 5} more` : "");
}

/** Whether `text` holds a private key in PEM, of whatever kind (rule 14). */
export function holdsPrivateKey(text: string): boolean {
  return /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY/.test(text);
}

/** A value as a message may show it: short, no secret, and never with control characters. */
function show(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string" && holdsPrivateKey(value)) return "a private key";
  if (isJsonObject(value)) return "an object";
  if (isJsonArray(value)) return "a list";
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}
