/** The `roles` of a root: who may sign what, and how many it takes (rules 9 to 11). */
import { ROLES, type Role } from "./dialect.ts";
import type { Findings } from "./findings.ts";
import { isJsonArray, isJsonObject, type JsonValue } from "./json.ts";
import { isKeyId, type KeyId, type RootKey } from "./keys.ts";
import type { RootForms } from "./root-forms.ts";
import { MAX_KEYS } from "./root-keys.ts";
import { show, showSome } from "./show.ts";

export interface RoleKeys {
  readonly keyids: readonly KeyId[];
  readonly threshold: number;
}

/** aktualizr refuses a higher threshold. */
const MAX_EARLY_THRESHOLD = 1000;

/** Roles that ota-tuf writes into its roots. */
const OTA_TUF_ROLES = ["offline-updates", "offline-snapshot", "remote-sessions"];

/**
 * Reads the four roles; one that cannot be read is missing from the result.
 *
 * @param keys the usable keys; null where they could not be read
 */
export function readRoles(
  value: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): Readonly<Partial<Record<Role, RoleKeys>>> {
  if (!isJsonObject(value)) {
    findings.add("role-missing", `roles: expected an object, got ${show(value)}`);
    return {};
  }
  const strict = forms.reading === "strict";
  const known: readonly string[] = strict ? ROLES : [...ROLES, ...OTA_TUF_ROLES];
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  // The specification has an optional mirrors role and asks to ignore what one does not know, but
  // python-tuf refuses a root with any other role: its devices would stay on the root before.
  if ((strict || forms.dialect === "ats") && unknown.length > 0) {
    findings.add("role-unknown", `roles: expected ${ROLES.join(", ")}, got ${showSome(unknown)}`);
  }
  const roles: Partial<Record<Role, RoleKeys>> = {};
  for (const role of ROLES) {
    const read = readRole(role, value[role], keys, forms, findings);
    if (read !== null) roles[role] = read;
  }
  return roles;
}

function readRole(
  role: Role,
  value: JsonValue | undefined,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): RoleKeys | null {
  if (value === undefined) {
    findings.add("role-missing", `role ${role}: expected keyids and a threshold, got nothing`);
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
  if (keyids.length > MAX_KEYS) {
    findings.add("key-count", `role ${role}: expected at most ${MAX_KEYS}, got ${keyids.length}`);
    return null;
  }
  const listed = readKeyids(role, keyids, keys, findings);
  checkThreshold(role, { keyids: listed, threshold }, keys, forms, findings);
  return { keyids: listed, threshold };
}

function readKeyids(
  role: Role,
  keyids: readonly JsonValue[],
  keys: ReadonlyMap<KeyId, RootKey> | null,
  findings: Findings,
): readonly KeyId[] {
  const listed = new Set<KeyId>();
  for (const keyid of keyids) {
    if (!isKeyId(keyid)) {
      findings.add(
        "keyid-format",
        `role ${role}: expected keyids of 64 lower-case hex digits, got ${show(keyid)}`,
      );
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
  { keyids, threshold }: RoleKeys,
  keys: ReadonlyMap<KeyId, RootKey> | null,
  forms: RootForms,
  findings: Findings,
): void {
  const distinct = new Set(keyids.map((keyid) => keys?.get(keyid)?.key.fingerprint ?? keyid)).size;
  const early =
    forms.channel === "prod" &&
    role === "targets" &&
    keyids.length === 1 &&
    threshold <= MAX_EARLY_THRESHOLD;
  if (threshold < 1 || (threshold > distinct && !early)) {
    findings.add(
      "threshold-range",
      `role ${role}: expected a threshold from 1 to ${distinct} (its distinct keys), ` +
        `got ${threshold}`,
    );
  }
}

/** Rule 11: every key has a role; one that nobody uses is one that nobody watches. */
export function checkUnused(
  keys: ReadonlyMap<KeyId, RootKey>,
  roles: Readonly<Partial<Record<Role, RoleKeys>>>,
  forms: RootForms,
  findings: Findings,
): void {
  if (forms.reading === "lenient") return;
  const used = new Set(ROLES.flatMap((role) => roles[role]?.keyids ?? []));
  for (const keyid of keys.keys()) {
    // Older fioctl leaves former root keys in place (ats).
    const former = forms.dialect === "ats" && forms.trustedKeys?.has(keyid) === true;
    if (!used.has(keyid) && !former) findings.add("key-unused", `key ${keyid}: no role uses it`);
  }
}
