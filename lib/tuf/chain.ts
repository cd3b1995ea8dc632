/**
 * Following a chain of roots from one that is trusted to the newest (TUF specification 5.3.2 to
 * 5.3.10): each step one version, signed by the threshold of the root before it and by its own.
 * Expiry of roots in the middle does not matter; that of the last is the caller's question.
 */
import { RootwardError } from "../error.ts";
import { rootLimits, type Channel, type Dialect } from "./dialect.ts";
import type { Finding } from "./findings.ts";
import { parseJson } from "./json.ts";
import type { RootForms } from "./root-forms.ts";
import { verifyOwnThreshold, verifySuccessor } from "./submitted-root.ts";
import type { Root } from "./root.ts";
import { readSignedRoot, wholeSignedRoot, type SignedRoot } from "./signed-root.ts";
import type { VerifySignature } from "./signatures.ts";

/** `lenient` to read what others published. */
export type ChainPolicy = Omit<RootForms, "trustedKeys">;

/** How roots of our own are read: nothing that ingestion would have refused is expected. */
export function strictPolicy(dialect: Dialect, channel: Channel): ChainPolicy {
  return { dialect, channel, reading: "strict" };
}

/**
 * Reads one root of a chain, signatures not yet verified.
 *
 * @param bytes UTF-8 JSON as served or stored
 * @throws RootwardError `chain-broken` with every finding, `malformed` for bytes that are no JSON
 */
export function readChainRoot(
  bytes: Uint8Array,
  policy: ChainPolicy,
  before?: Root,
): SignedRoot & { readonly warnings: readonly Finding[] } {
  const body = parseJson(bytes, rootLimits(policy.dialect));
  const { draft, errors, warnings } = readSignedRoot(body, {
    ...policy,
    ...(before && { trustedKeys: before.keys }),
  });
  const signed = wholeSignedRoot(draft);
  if (signed === null || errors.length > 0) {
    const messages = errors.map(({ message }) => message);
    throw new RootwardError(
      "chain-broken",
      `root version ${draft?.root.version ?? "unknown"} is not a valid root: ${messages.join("; ")}`,
      { errors: messages, issues: errors },
    );
  }
  return { ...signed, warnings };
}

/** Reads a root that is trusted because of where it came from, and checks its own signatures. */
export function readTrustedRoot(
  bytes: Uint8Array,
  policy: ChainPolicy,
  verify: VerifySignature,
): Root {
  // Lenient: what made this root trusted has happened already, and the root before it, which may
  // explain a key without a role, is not here.
  const signed = readChainRoot(bytes, { ...policy, reading: "lenient" });
  assertNone(verifyOwnThreshold(signed, verify), signed.root.version);
  return signed.root;
}

/** One verified step along a chain. */
export interface ChainStep {
  readonly root: Root;
  /**
   * The findings that a lenient reader let pass, such as a keyid that does not follow from its key.
   */
  readonly warnings: readonly Finding[];
}

/**
 * Reads and verifies the root that follows `trusted`.
 *
 * @throws RootwardError `chain-broken` naming the version and what was expected
 */
export function nextInChain(
  trusted: Root,
  bytes: Uint8Array,
  policy: ChainPolicy,
  verify: VerifySignature,
): ChainStep {
  const { warnings, ...next } = readChainRoot(bytes, policy, trusted);
  assertNone(verifySuccessor(trusted, next, policy.reading, verify), next.root.version);
  return { root: next.root, warnings };
}

function assertNone(errors: readonly Finding[], version: number): void {
  if (errors.length === 0) return;
  const messages = errors.map(({ message }) => message);
  throw new RootwardError(
    "chain-broken",
    `root version ${version} does not follow from the trusted root: ${messages.join("; ")}`,
    { errors: messages, issues: errors },
  );
}
