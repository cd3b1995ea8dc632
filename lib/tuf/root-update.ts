/**
 * The one verification of a root: may `submitted` follow `current`?
 *
 * TUF specification 5.3 (signed by a threshold of the current root's keys and of its own, version
 * exactly one higher) with the stricter policy of root ingestion. Every finding is returned at once.
 * The current root may be expired: there must be a way back (specification 5.3; Fleet and tufup had
 * none). Devices, the signing boundary and the CLI follow chains with {@link verifySuccessor} alone.
 */
import { foreignCharacter, encodeJson } from "./canonical.ts";
import { MAX_ROOT_BYTES } from "./dialect.ts";
import { Findings, type Finding } from "./findings.ts";
import { isJsonObject, jsonObject, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import {
  checkChannels,
  checkChangelog,
  checkOnlineKeys,
  checkTime,
  giveAdvice,
  type RootUpdate,
} from "./policy.ts";
import { holdsPrivateKey, readRoot, type Root, type RootForms, type RootVersion } from "./root.ts";
import {
  countRoleSigners,
  readSignatures,
  rememberVerdicts,
  type Signature,
  type VerifySignature,
} from "./signatures.ts";

/** A root with its signatures, read but not yet verified against anything. */
export interface SignedRoot {
  readonly root: Root;
  readonly signatures: readonly Signature[];
}

export interface SignedRootReading {
  readonly signed: SignedRoot | null;
  readonly version: RootVersion | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Reads an envelope `{"signatures", "signed"}` (rules 3, 4, 14). */
export function readSignedRoot(body: JsonValue, forms: RootForms): SignedRootReading {
  const findings = new Findings();
  if (!isJsonObject(body)) {
    findings.add("envelope-members", "root: expected an object with signatures and signed");
    return { signed: null, version: null, errors: findings.errors, warnings: [] };
  }
  checkEnvelope(body, forms, findings);
  const reading = readRoot(body["signed"] ?? null, forms);
  const signatures = readSignatures(body["signatures"], forms.dialect, findings);
  findings.addAll(reading.errors);
  return {
    signed: reading.root && { root: reading.root, signatures },
    version: reading.version,
    errors: findings.errors,
    warnings: reading.warnings,
  };
}

function checkEnvelope(body: JsonObject, forms: RootForms, findings: Findings): void {
  // Notary TUF-01-001: an unsigned extra field bricked a repository.
  const known = [
    "signatures",
    "signed",
    ...(forms.dialect === "ats" ? ["targets-signatures"] : []),
  ];
  if (Object.keys(body).some((name) => !known.includes(name))) {
    findings.add("envelope-members", "root: expected the members signatures and signed only");
  }
  const secret = findPrivateKey(body, "root");
  if (secret !== null) {
    findings.add(
      "private-key",
      `${secret} holds a private key: it was not stored, but treat the key as exposed, ` +
        `replace it, and send public keys only`,
    );
  }
}

function findPrivateKey(value: JsonValue, path: string): string | null {
  if (typeof value === "string") return holdsPrivateKey(value) ? path : null;
  if (typeof value !== "object" || value === null) return null;
  if (isJsonObject(value)) {
    const keyval = value["keyval"];
    if (isJsonObject(keyval) && Object.hasOwn(keyval, "private")) return `${path}.keyval`;
  }
  for (const [name, member] of Object.entries<JsonValue>(value)) {
    if (holdsPrivateKey(name)) return `${path} (a member name)`;
    // A member name from outside goes into a message only if it is harmless there.
    const step = foreignCharacter(name, "") === null && name.length <= 64 ? name : "member";
    const found = findPrivateKey(member, `${path}.${step}`);
    if (found !== null) return found;
  }
  return null;
}

/**
 * The rules that hold between two roots (15 to 20): version exactly one higher, the threshold of
 * the trusted root's root role, and the threshold of the next root's own.
 *
 * @param forms with `strict`, a bad signature by a known key is a finding (rule 19); a reader of
 *   foreign chains ignores it where the thresholds are met without it, as the specification does
 * @returns no findings if `next` may follow `trusted`
 */
export function verifySuccessor(
  trusted: Root,
  next: SignedRoot,
  forms: RootForms["forms"],
  verify: VerifySignature,
): readonly Finding[] {
  const findings = new Findings();
  if (next.root.version !== trusted.version + 1) {
    findings.add(
      "version-skipped",
      `version: expected ${trusted.version + 1} (the one after the trusted root), ` +
        `got ${next.root.version}`,
    );
  }
  const remembered = rememberVerdicts(verify);
  const { message } = next.root;
  const byTrusted = countRoleSigners(trusted, "root", next.signatures, message, remembered);
  const byItself = countRoleSigners(next.root, "root", next.signatures, message, remembered);
  if (byTrusted.signers.size < trusted.roles.root.threshold) {
    findings.add(
      "current-threshold",
      `expected ${trusted.roles.root.threshold} signatures by root keys of root version ` +
        `${trusted.version}, got ${byTrusted.signers.size}`,
    );
  }
  findings.addAll(verifyOwnThreshold(next, remembered));
  if (forms === "lenient") return findings.errors;
  const reported = new Set<KeyId>();
  for (const { keyid, why } of [...byTrusted.bad, ...byItself.bad]) {
    if (reported.has(keyid)) continue;
    reported.add(keyid);
    if (why === "method") {
      findings.add("signature-method", `signature by ${keyid}: the method does not fit the key`);
    } else {
      findings.add("signature-invalid", `signature by ${keyid}: does not verify`);
    }
  }
  return findings.errors;
}

/**
 * Verifies a root by its own keys alone: what can be asked of one that is trusted because of where
 * it came from. Anybody can make a root that passes; it says that the root is whole.
 */
export function verifyOwnThreshold(
  { root, signatures }: SignedRoot,
  verify: VerifySignature,
): readonly Finding[] {
  const findings = new Findings();
  const { signers } = countRoleSigners(root, "root", signatures, root.message, verify);
  if (signers.size < root.roles.root.threshold) {
    findings.add(
      "new-threshold",
      `expected ${root.roles.root.threshold} signatures by this root's own root keys, ` +
        `got ${signers.size}`,
    );
  }
  return findings.errors;
}

export type RootVerdict =
  | {
      readonly kind: "accepted";
      readonly root: Root;
      /** What to store and serve: signatures by known root keys, `signed` as verified. UTF-8. */
      readonly document: Uint8Array;
      readonly warnings: readonly Finding[];
    }
  /** The current root again: success, and nothing changes. */
  | { readonly kind: "same"; readonly warnings: readonly Finding[] }
  /** Somebody was faster: the version is taken by other content (409). */
  | { readonly kind: "conflict"; readonly current: RootVersion; readonly got: RootVersion }
  | {
      readonly kind: "refused";
      readonly errors: readonly Finding[];
      readonly warnings: readonly Finding[];
    };

/** Judges a submitted root by every rule. Pure: decides, and changes nothing. */
export function verifyRootUpdate(update: RootUpdate, verify: VerifySignature): RootVerdict {
  const { current, channel } = update;
  const forms: RootForms = {
    dialect: current.dialect,
    channel,
    forms: "strict",
    trustedKeys: current.keys,
  };
  const reading = readSignedRoot(update.submitted, forms);
  // Loudly whatever else is true of it: a key that travelled here is exposed (rule 14).
  if (reading.errors.some(({ code }) => code === "private-key")) {
    return { kind: "refused", errors: reading.errors, warnings: reading.warnings };
  }
  if (reading.signed?.root.signedHash === current.signedHash) {
    return { kind: "same", warnings: reading.warnings };
  }
  if (reading.version !== null && reading.version <= current.version) {
    return { kind: "conflict", current: current.version, got: reading.version };
  }
  const findings = new Findings();
  findings.addAll(reading.errors);
  if (reading.signed !== null) judge(update, reading.signed, findings, verify);
  const { errors, warnings } = findings;
  const document = reading.signed && storedRoot(reading.signed, current);
  if (document !== null && document.length > MAX_ROOT_BYTES[current.dialect]) {
    findings.add(
      "root-too-large",
      `root: expected at most ${MAX_ROOT_BYTES[current.dialect]} bytes as served, ` +
        `got ${document.length}`,
    );
  }
  if (errors.length > 0 || reading.signed === null || document === null) {
    return { kind: "refused", errors, warnings };
  }
  return { kind: "accepted", root: reading.signed.root, document, warnings };
}

function judge(
  update: RootUpdate,
  signed: SignedRoot,
  findings: Findings,
  verify: VerifySignature,
): void {
  findings.addAll(verifySuccessor(update.current, signed, "strict", verify));
  checkTime(signed.root, update, findings);
  checkOnlineKeys(signed.root, update, findings);
  checkChannels(signed.root, update, findings);
  checkChangelog(signed.root, update, findings);
  giveAdvice(signed.root, update, findings);
}

/**
 * The root as it is served: unknown and empty signatures left out (rule 19: unknown keyids became
 * fatal on devices, aktualizr#899), `signed` exactly as it was verified.
 */
function storedRoot(next: SignedRoot, current: Root): Uint8Array {
  const known = new Set([...current.roles.root.keyids, ...next.root.roles.root.keyids]);
  const signatures = next.signatures.filter(({ keyid }) => known.has(keyid));
  return encodeJson(
    jsonObject({ signatures: signatures.map(({ object }) => object), signed: next.root.signed }),
  );
}
