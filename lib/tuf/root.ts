/**
 * Reading a root: from a strictly parsed document to the keys and roles it declares, with every
 * broken rule of structure (rules 3 to 14) as a finding.
 *
 * The value is kept as received. Signatures are checked over its canonical form, never over our own object
 * written out again (rule 6).
 */
import { equalBytes } from "./bytes.ts";
import { canonicalText, foreignCharacter, hasControlCharacter, signedBytes } from "./canonical.ts";
import { ROLES, typeName, type Dialect, type Role } from "./dialect.ts";
import { parseExpires } from "./expires.ts";
import { Findings, type Finding } from "./findings.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId, RootKey } from "./keys.ts";
import type { RootForms } from "./root-forms.ts";
import { checkKeyOwners, readKeys } from "./root-keys.ts";
import { checkUnused, readRoles, type RoleKeys } from "./root-roles.ts";
import { show, showSome } from "./show.ts";

export type RootVersion = number & { readonly brand: "RootVersion" };

/** aktualizr and ota-tuf hold versions in 32 bits (rule 20). */
const MAX_VERSION = 2 ** 31 - 1;

/**
 * As much of a root as could be read. A part that could not be is null or missing and has its
 * findings; the others are judged all the same, so that one answer says all that is wrong.
 */
export interface RootDraft {
  readonly dialect: Dialect;
  readonly version: RootVersion | null;
  /** Milliseconds since 1970. */
  readonly expires: number | null;
  readonly consistentSnapshot: boolean;
  /** The usable ones. */
  readonly keys: ReadonlyMap<KeyId, RootKey> | null;
  readonly roles: Readonly<Partial<Record<Role, RoleKeys>>>;
  /** The `signed` value as received. */
  readonly signed: JsonObject;
  /** Its canonical form, as {@link canonicalText} writes it. */
  readonly text: string;
  /** Its canonical form in the dialect: what signatures cover. */
  readonly message: Uint8Array;
}

/** A root that could be read whole. */
export interface Root extends RootDraft {
  readonly version: RootVersion;
  readonly expires: number;
  readonly keys: ReadonlyMap<KeyId, RootKey>;
  readonly roles: Readonly<Record<Role, RoleKeys>>;
}

export interface RootReading {
  /** Null where there is nothing that signatures could cover. */
  readonly draft: RootDraft | null;
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

/** Reads the `signed` part of a root; never throws for what is in it. */
export function readRoot(signed: JsonValue | undefined, forms: RootForms): RootReading {
  const findings = new Findings();
  const { errors, warnings } = findings;
  if (!isJsonObject(signed)) {
    findings.add("signed-members", `signed: expected an object, got ${show(signed)}`);
    return { draft: null, errors, warnings };
  }
  const text = canonicalText(signed);
  const foreign = foreignCharacter(signed, "signed", text);
  if (foreign !== null) {
    findings.add(
      "foreign-character",
      `${foreign}: expected printable ASCII, newline, carriage return and tab only`,
    );
    if (hasControlCharacter(text)) return { draft: null, errors, warnings };
  }
  checkMembers(signed, forms, findings);
  const version = readVersion(signed["version"], findings);
  const expires = readExpires(signed["expires"], forms, findings);
  const keys = readKeys(signed["keys"], forms, findings);
  const roles = readRoles(signed["roles"], keys, forms, findings);
  if (keys !== null && isComplete(roles)) checkUnused(keys, roles, forms, findings);
  checkKeyOwners(signed["x-key-owners"], keys, forms, findings);
  const draft: RootDraft = {
    dialect: forms.dialect,
    version,
    expires,
    consistentSnapshot: signed["consistent_snapshot"] === true,
    keys,
    roles,
    signed,
    text,
    message: signedBytes(text, forms.dialect),
  };
  return { draft, errors, warnings };
}

/** @returns the root, or null unless all of its parts could be read */
export function wholeRoot(draft: RootDraft | null): Root | null {
  if (draft === null) return null;
  const { version, expires, keys, roles } = draft;
  if (version === null || expires === null || keys === null || !isComplete(roles)) return null;
  return { ...draft, version, expires, keys, roles };
}

/** Whether two roots say the same: their signatures may differ. */
export function sameRoot(a: RootDraft, b: RootDraft): boolean {
  return equalBytes(a.message, b.message);
}

function isComplete(
  roles: Readonly<Partial<Record<Role, RoleKeys>>>,
): roles is Readonly<Record<Role, RoleKeys>> {
  return ROLES.every((role) => roles[role] !== undefined);
}

function readVersion(value: JsonValue | undefined, findings: Findings): RootVersion | null {
  if (typeof value === "number" && value >= 1 && value <= MAX_VERSION) return value as RootVersion;
  findings.add(
    "version-malformed",
    `version: expected an integer from 1 to ${MAX_VERSION}, got ${show(value)}`,
  );
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
        `signed: unknown ${showSome(extra)}; fioctl drops them when it re-encodes, so no ` +
          `signature of its would cover them`,
      );
    }
  }
  const consistent = signed["consistent_snapshot"];
  if (typeof consistent !== "boolean" && (forms.dialect === "tuf" || consistent !== undefined)) {
    findings.add(
      "signed-members",
      `consistent_snapshot: expected true or false, got ${show(consistent)}`,
    );
  }
}

function readExpires(
  value: JsonValue | undefined,
  forms: RootForms,
  findings: Findings,
): number | null {
  const time = typeof value === "string" ? parseExpires(value, forms.reading === "lenient") : null;
  if (time === null) {
    findings.add("expires-format", `expires: expected YYYY-MM-DDTHH:MM:SSZ, got ${show(value)}`);
  }
  return time;
}
