/**
 * The entry of a target file: its length, its hashes, and `custom`. Publishers send entries and the service
 * signs them, so what clients would read in two ways is refused here, with every finding at once.
 *
 * In ats, fioctl signs targets that it decoded: members that it does not know are gone, and `custom`
 * is as it came, but for `<`, `>` and `&`, which Go rewrites. An entry keeps to what survives that.
 */
import { RootwardError } from "../error.ts";
import { isSha256 } from "./bytes.ts";
import { encodeJson, foreignCharacter } from "./canonical.ts";
import type { Dialect } from "./dialect.ts";
import { findPlace } from "./find-place.ts";
import { isJsonObject, type JsonLimits, type JsonObject, type JsonValue } from "./json.ts";
import { MAX_ROLE_BYTES } from "./role-document.ts";
import { show, showSome } from "./show.ts";

/** Room for what stands around the entries: members of the role, and a signature by RSA-4096. */
const AROUND_ENTRIES = 4096;
/** Longest `targets` member, in bytes as served. */
export const MAX_TARGETS_BYTES = MAX_ROLE_BYTES - AROUND_ENTRIES;
/** Most values in it. 40,000 plain entries have 160,000; many more would be seconds of work. */
export const MAX_TARGETS_VALUES = 300_000;

/**
 * The limits of a request to publish. Less deep by one than documents, in which entries lie one level
 * deeper.
 */
export const ENTRIES_LIMITS: JsonLimits = {
  maxBytes: 4_000_000,
  maxDepth: 31,
  maxValues: MAX_TARGETS_VALUES,
  // A good entry is four values: the entry, its length, its hashes and one of them.
  maxMembers: MAX_TARGETS_VALUES / 4,
};

/** A path that is safe in URLs and in folders: segments with single slashes between them. */
export const TARGET_NAME = /^[A-Za-z0-9._~+@=,:()-]+(?:\/[A-Za-z0-9._~+@=,:()-]+)*$/;
export const MAX_NAME_LENGTH = 512;
export const SHA512 = /^[0-9a-f]{128}$/;
/**
 * The characters that Go's encoder writes as `\u003c` and so on, also inside what it holds as text.
 */
const ESCAPED_BY_GO = /[<>&]/;
const MEMBERS = ["length", "hashes", "custom"];
const HASHES = ["sha256", "sha512"];

/** The code of each rule (docs/targets.md). */
export const TARGET_FINDING_CODES = [
  "target-name",
  "target-members",
  "target-length",
  "target-hashes",
  "target-custom",
] as const;
type TargetFindingCode = (typeof TARGET_FINDING_CODES)[number];

interface TargetFinding {
  readonly code: TargetFindingCode;
  /** Names the entry and says what was expected and what came. */
  readonly message: string;
}

/** The most findings that an answer lists; a request has room for a hundred thousand. */
export interface TargetFindings {
  /** The first {@link MAX_FINDINGS}. */
  readonly findings: readonly TargetFinding[];
  /** Whether there is another one. Entries after that are not looked at. */
  readonly more: boolean;
}

export const MAX_FINDINGS = 100;

export function isTargetName(name: string): boolean {
  if (name.length > MAX_NAME_LENGTH || !TARGET_NAME.test(name)) return false;
  return !name.split("/").some((segment) => segment === "." || segment === "..");
}

/**
 * The findings about entries, up to {@link MAX_FINDINGS}; none where they can be signed as they are.
 *
 * @param entries by name, as the strict reader gives them: each number is an integer from 0 to 2^53-1
 */
export function judgeTargetEntries(entries: JsonObject, dialect: Dialect): TargetFindings {
  const findings: TargetFinding[] = [];
  for (const name of Object.keys(entries)) {
    for (const [code, message] of entryFindings(name, entries[name] ?? null, dialect)) {
      if (findings.length === MAX_FINDINGS) return { findings, more: true };
      findings.push({ code, message: `target ${show(name)}: ${message}` });
    }
  }
  return { findings, more: false };
}

type Found = readonly [code: TargetFindingCode, message: string];

function* entryFindings(name: string, entry: JsonValue, dialect: Dialect): Generator<Found> {
  if (!isTargetName(name)) {
    yield [
      "target-name",
      `expected a name of 1 to ${MAX_NAME_LENGTH} characters: letters, digits and ._~+@=,:()- in ` +
        "segments with a single / between them, none of them . or ..",
    ];
  }
  if (!isJsonObject(entry)) {
    yield ["target-members", `expected an object with length and hashes, got ${show(entry)}`];
    return;
  }
  const others = namesBeyond(MEMBERS, entry);
  if (others !== null) {
    yield ["target-members", `expected length, hashes and custom alone, got ${others}`];
  }
  const { length, hashes, custom } = entry;
  if (typeof length !== "number") {
    yield ["target-length", `length: expected a number of bytes, got ${show(length)}`];
  }
  for (const message of hashesFindings(hashes)) yield ["target-hashes", message];
  for (const message of customFindings(custom, dialect)) yield ["target-custom", message];
}

function* hashesFindings(hashes: JsonValue | undefined): Generator<string> {
  if (!isJsonObject(hashes)) {
    yield `hashes: expected an object with sha256, got ${show(hashes)}`;
    return;
  }
  const { sha256, sha512 } = hashes;
  if (typeof sha256 !== "string" || !isSha256(sha256)) {
    yield `hashes.sha256: expected 64 lower-case hex digits, got ${show(sha256)}`;
  }
  if (sha512 !== undefined && (typeof sha512 !== "string" || !SHA512.test(sha512))) {
    yield `hashes.sha512: expected 128 lower-case hex digits, got ${show(sha512)}`;
  }
  const others = namesBeyond(HASHES, hashes);
  if (others !== null) yield `hashes: expected sha256 and sha512 alone, got ${others}`;
}

function* customFindings(custom: JsonValue | undefined, dialect: Dialect): Generator<string> {
  if (custom === undefined) return;
  if (!isJsonObject(custom)) {
    yield `custom: expected an object, got ${show(custom)}`;
    return;
  }
  const foreign = foreignCharacter(custom, "custom");
  if (foreign !== null) {
    yield `${foreign}: expected printable ASCII, \\n, \\r and \\t: clients do not agree on others`;
  }
  if (dialect !== "ats") return;
  const escaped = findPlace(
    custom,
    "custom",
    (part) => typeof part === "string" && ESCAPED_BY_GO.test(part),
  );
  if (escaped !== null) yield `${escaped}: expected none of < > &: fioctl rewrites them`;
}

/** The members that an object has beside those that it may have, as a message shows them. */
function namesBeyond(known: readonly string[], object: JsonObject): string | null {
  const others = Object.keys(object).filter((name) => !known.includes(name));
  return others.length === 0 ? null : showSome(others);
}

/**
 * Clients read no targets document that is longer than {@link MAX_ROLE_BYTES}.
 *
 * @param targets all entries of the document
 * @throws RootwardError `too-large` with the size, and what to do
 */
export function assertTargetsFit(targets: JsonObject): void {
  assertAtMost(MAX_TARGETS_VALUES, countValues(targets), "values");
  assertAtMost(MAX_TARGETS_BYTES, encodeJson(targets).length, "bytes");
}

function assertAtMost(most: number, got: number, what: string): void {
  if (got <= most) return;
  throw new RootwardError(
    "too-large",
    `all targets together: expected at most ${most} ${what}, got ${got}: remove entries that ` +
      "devices no longer need, or shorten custom",
  );
}

function countValues(value: JsonValue): number {
  if (typeof value !== "object" || value === null) return 1;
  let count = 1;
  for (const part of Object.values(value)) count += countValues(part);
  return count;
}
