/**
 * The one verification of a root: may `submitted` follow `current`?
 *
 * TUF specification 5.3 (signed by a threshold of the current root's keys and of its own, version
 * exactly one higher) with the stricter policy of root ingestion. Every finding is returned at once.
 * The current root may be expired: there must be a way back (specification 5.3; Fleet and tufup had
 * none). Devices, the signing boundary and the CLI follow chains with {@link verifySuccessor} alone.
 */
import { MAX_ROOT_BYTES } from "./dialect.ts";
import { Findings, type Finding, type FindingCode } from "./findings.ts";
import type { KeyId } from "./keys.ts";
import {
  checkChannels,
  checkChangelog,
  checkOnlineKeys,
  checkTime,
  giveAdvice,
  type RootUpdate,
} from "./policy.ts";
import type { RootForms } from "./root-forms.ts";
import { sameRoot, type Root, type RootDraft, type RootVersion } from "./root.ts";
import { showSome } from "./show.ts";
import {
  encodeSignedRoot,
  readSignedRoot,
  wholeSignedRoot,
  type SignedDraft,
  type SignedRoot,
  type SignedRootReading,
} from "./signed-root.ts";
import {
  countSigners,
  rememberVerdicts,
  type SignatureCount,
  type VerifySignature,
} from "./signatures.ts";

/** After more bad signatures the refusal is certain, and checking more is only work. */
const MAX_BAD = 16;

/**
 * The rules that hold between two roots (15 to 20): version exactly one higher, the threshold of
 * the trusted root's root role, and the threshold of the next root's own.
 *
 * @param forms with `strict`, a bad signature by a known key is a finding (rule 19); a reader of
 *   foreign chains ignores it where the thresholds are met without it, as the specification does
 * @returns no findings if `next` may follow `trusted`; parts of `next` that could not be read are
 *   not judged, and have findings of their own
 */
export function verifySuccessor(
  trusted: Root,
  next: SignedDraft,
  forms: RootForms["reading"],
  verify: VerifySignature,
): readonly Finding[] {
  const findings = new Findings();
  const { version, message } = next.root;
  if (version !== null && version !== trusted.version + 1) {
    findings.add(
      "version-skipped",
      `version: expected ${trusted.version + 1} (the one after the trusted root), got ${version}`,
    );
  }
  const strict = forms === "strict";
  const remembered = rememberVerdicts(verify, strict ? MAX_BAD : Infinity);
  const { root } = trusted.roles;
  const byTrusted = countSigners(root, trusted.keys, next.signatures, message, remembered);
  const byItself = countOwnSigners(next, remembered);
  const bad = new Map(
    [...byTrusted.bad, ...(byItself?.bad ?? [])].map(({ keyid, why }) => [keyid, why]),
  );
  if (strict && bad.size > MAX_BAD) {
    findings.add(
      "signature-invalid",
      `signatures: more than ${MAX_BAD} by known keys do not verify, the others were not looked at`,
    );
    return findings.errors;
  }
  if (byTrusted.signers.size < root.threshold) {
    findings.add(
      "current-threshold",
      `expected ${root.threshold} signatures by root keys of root version ${trusted.version}, ` +
        gotSigners(byTrusted),
    );
  }
  findings.addAll(ownThreshold(next, byItself));
  if (strict) reportBad(bad, findings);
  return findings.errors;
}

/**
 * Verifies a root by its own keys alone: what can be asked of one that is trusted because of where
 * it came from. Anybody can make a root that passes; it says that the root is whole.
 */
export function verifyOwnThreshold(
  signed: SignedRoot,
  verify: VerifySignature,
): readonly Finding[] {
  return ownThreshold(signed, countOwnSigners(signed, verify));
}

function countOwnSigners(
  { root, signatures }: SignedDraft,
  verify: VerifySignature,
): SignatureCount | null {
  const { keys, message } = root;
  const role = root.roles.root;
  return keys && role ? countSigners(role, keys, signatures, message, verify) : null;
}

function ownThreshold({ root }: SignedDraft, count: SignatureCount | null): readonly Finding[] {
  const findings = new Findings();
  const threshold = root.roles.root?.threshold ?? 0;
  if (count !== null && count.signers.size < threshold) {
    findings.add(
      "new-threshold",
      `expected ${threshold} signatures by this root's own root keys, ${gotSigners(count)}`,
    );
  }
  return findings.errors;
}

function gotSigners({ signers, missing }: SignatureCount): string {
  return `got ${signers.size}; none by ${showSome(missing)}`;
}

function reportBad(bad: ReadonlyMap<KeyId, "method" | "signature">, findings: Findings): void {
  for (const [keyid, why] of bad) {
    if (why === "method") {
      findings.add("signature-method", `signature by ${keyid}: the method does not fit the key`);
    } else {
      findings.add("signature-invalid", `signature by ${keyid}: does not verify`);
    }
  }
}

export type RootVerdict =
  | {
      readonly kind: "accepted";
      readonly root: Root;
      /**
       * The bytes to store and serve: signatures by known root keys, `signed` as verified. UTF-8.
       */
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

/** The judgement of a root that may not be good yet. */
export interface RootJudgement {
  /** Null where there is nothing that signatures could cover. */
  readonly draft: SignedDraft | null;
  /** The bytes that would be stored and served; null where `draft` is. UTF-8. */
  readonly document: Uint8Array | null;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Judges a submitted root by every rule. Pure: decides, and changes nothing. */
export function verifySubmittedRoot(update: RootUpdate, verify: VerifySignature): RootVerdict {
  const { current } = update;
  const read = readSubmitted(update);
  const { draft, warnings } = read;
  if (draft === null || exposesKey(read)) return { kind: "refused", errors: read.errors, warnings };
  if (sameRoot(draft.root, current)) return { kind: "same", warnings };
  const { version } = draft.root;
  if (version !== null && version <= current.version) {
    return { kind: "conflict", current: current.version, got: version };
  }
  const { document, errors, ...judged } = judge(update, read, draft, verify);
  const signed = wholeSignedRoot(draft);
  if (errors.length > 0 || signed === null || document === null) {
    return { kind: "refused", errors, warnings: judged.warnings };
  }
  return { kind: "accepted", root: signed.root, document, warnings: judged.warnings };
}

/**
 * The same judgement of a root that is still being worked on: with what is there of it, whatever is
 * wrong. A version at or below the current one is a finding here, and no race.
 */
export function judgeRoot(update: RootUpdate, verify: VerifySignature): RootJudgement {
  const read = readSubmitted(update);
  const { draft } = read;
  if (draft === null || exposesKey(read)) return { ...read, draft: null, document: null };
  return judge(update, read, draft, verify);
}

function readSubmitted({ current, channel, submitted }: RootUpdate): SignedRootReading {
  return readSignedRoot(submitted, {
    dialect: current.dialect,
    channel,
    reading: "strict",
    trustedKeys: current.keys,
  });
}

/** Loudly whatever else is true of it: a private key that travelled here is exposed (rule 14). */
function exposesKey({ errors }: SignedRootReading): boolean {
  return errors.some(({ code }) => code === "private-key");
}

function judge(
  update: RootUpdate,
  read: SignedRootReading,
  draft: SignedDraft,
  verify: VerifySignature,
): RootJudgement {
  const { current } = update;
  const findings = new Findings();
  findings.addAll(read.errors);
  const { errors, warnings } = findings;
  const document = storedRoot(draft, current, findings);
  // Rule 1: nobody keeps us busy with more than a root can be.
  if (errors.some(({ code }) => SIZES.has(code))) return { draft, document, errors, warnings };
  findings.addAll(verifySuccessor(current, draft, "strict", verify));
  judgePolicy(update, draft.root, findings);
  return { draft, document, errors, warnings: [...read.warnings, ...warnings] };
}

/** Findings after which no signature is checked. */
const SIZES: ReadonlySet<FindingCode> = new Set(["root-too-large", "key-count", "signature-count"]);

function judgePolicy(update: RootUpdate, root: RootDraft, findings: Findings): void {
  checkTime(root, update, findings);
  checkOnlineKeys(root, update, findings);
  checkChannels(root, update, findings);
  checkChangelog(root, update, findings);
  giveAdvice(root, update, findings);
}

/**
 * The root as it would be served: unknown and empty signatures left out (rule 19: unknown keyids
 * became fatal on devices, aktualizr#899), `signed` exactly as it is verified.
 */
function storedRoot(next: SignedDraft, current: Root, findings: Findings): Uint8Array {
  const own = next.root.roles.root?.keyids ?? [];
  const document = encodeSignedRoot(next, new Set([...current.roles.root.keyids, ...own]));
  const most = MAX_ROOT_BYTES[current.dialect];
  if (document.length > most) {
    findings.add(
      "root-too-large",
      `root: expected at most ${most} bytes as served, got ${document.length}`,
    );
  }
  return document;
}
