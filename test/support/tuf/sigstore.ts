/**
 * The real history of Sigstore's root, which lies beside the repository and is not copied into it:
 * where it is, or that it is missing, which skips a test and says so in its name; each version as
 * it was published; and what becomes of bytes that are put in the place of one.
 */
import { existsSync, readFileSync } from "node:fs";
import { test } from "vitest";
import { isRootwardError } from "../../../lib/error.ts";
import { verifySignature } from "../../../lib/crypto/verify.ts";
import { nextInChain, readTrustedRoot, type ChainPolicy } from "../../../lib/tuf/chain.ts";
import { isJsonArray, isJsonObject, jsonObject, parseJson } from "../../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../../lib/tuf/json.ts";
import type { Root } from "../../../lib/tuf/root.ts";

const HISTORY = new URL("../../../../shared/testdata/sigstore-root-history/", import.meta.url);
const isThere = existsSync(HISTORY);

export const LENIENT: ChainPolicy = { dialect: "tuf", channel: "main", reading: "lenient" };
export const STRICT: ChainPolicy = { ...LENIENT, reading: "strict" };

export const VERSIONS: readonly number[] = Array.from({ length: 15 }, (_unused, i) => i + 1);

/** Every version as published, the first at index 0; none where the history is missing. */
export const FILES: readonly Uint8Array[] = isThere
  ? VERSIONS.map((n) => new Uint8Array(readFileSync(new URL(`${n}.root.json`, HISTORY))))
  : [];

/** `test`, or `test.skip` where the history is missing. */
export const testHistory = isThere ? test : test.skip;

/** The name of a test, which says so where the history is missing. */
export function named(what: string): string {
  const folder = HISTORY.pathname.split("/").slice(-4, -1).join("/");
  return isThere ? what : `${what} (skipped: no ${folder})`;
}

export function fileOf(version: number): Uint8Array {
  return FILES[version - 1] ?? new Uint8Array();
}

/** The envelope of a version. */
export function bodyOf(version: number): JsonObject {
  const bytes = fileOf(version);
  const body = bytes.length > 0 ? parseJson(bytes, { maxBytes: bytes.length }) : null;
  return isJsonObject(body) ? body : jsonObject({});
}

/** The signatures of an envelope, as they are written. */
export function signaturesOf(body: JsonObject): readonly JsonObject[] {
  const list = body["signatures"];
  return isJsonArray(list) ? list.filter((one) => isJsonObject(one)) : [];
}

const followed: Root[] = [];

/** The root of a version, followed leniently from the first. */
export function rootOf(version: number): Root {
  while (followed.length < version) {
    const before = followed.at(-1);
    const bytes = fileOf(followed.length + 1);
    followed.push(
      before === undefined
        ? readTrustedRoot(bytes, LENIENT, verifySignature)
        : nextInChain(before, bytes, LENIENT, verifySignature).root,
    );
  }
  const root = followed[version - 1];
  if (root === undefined) throw new Error(`no version ${version}`);
  return root;
}

/** Takes `bytes` for a version: as the trusted first root, or as the one after the real one before. */
export function take(version: number, bytes: Uint8Array, policy = LENIENT): Root {
  return version === 1
    ? readTrustedRoot(bytes, policy, verifySignature)
    : nextInChain(rootOf(version - 1), bytes, policy, verifySignature).root;
}

/** Why `action` is refused: the code of the error and those of its findings, each once. */
export function codesOf(action: () => unknown): readonly string[] {
  try {
    action();
    return [];
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    const findings = (error.details.issues ?? []).map(({ code }) => code);
    return [error.code, ...new Set(findings)];
  }
}

/** A member that is text; the empty text where it is something else. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
