/**
 * One bit flipped in the real history of Sigstore's root: XOR 0x01 of a byte as it was published.
 * At every byte of every `signed` that ends the JSON or changes its value, and so what is signed
 * (see laws-of-documents.test.ts); and the step of the chain is refused, as it is for a bit of any
 * signature that is needed.
 *
 * Steps are tried at each mark, number and word and at one byte of sixteen of each string, and at
 * one byte of six of each signature, the places taking turns. With EVERY_BYTE=1 in the environment
 * they are tried at every byte, which takes minutes.
 */
import { describe, expect } from "vitest";
import { concatBytes } from "../../lib/tuf/bytes.ts";
import { encodeJson } from "../../lib/tuf/canonical.ts";
import { isJsonObject, jsonObject, parseJson, sameJson } from "../../lib/tuf/json.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import {
  bodyOf,
  codesOf,
  fileOf,
  FILES,
  LENIENT,
  named,
  rootOf,
  signaturesOf,
  STRICT,
  take,
  testHistory,
  textOf,
  VERSIONS,
} from "../support/tuf/sigstore.ts";
import { edits } from "../support/tuf/test-factory.ts";

const utf8 = new TextEncoder();
const EVERY_BYTE = process.env["EVERY_BYTE"] === "1";

type Span = readonly [start: number, end: number];

/** Every `step`th place of `span`, from `start`: all of them with EVERY_BYTE. */
function places([start, end]: Span, step: number, first = 0): readonly number[] {
  const all = Array.from({ length: end - start }, (_unused, i) => start + i);
  return EVERY_BYTE ? all : all.filter((_at, i) => i % step === first);
}

const TOKENS = /"(?:[^"\\]|\\.)*"|\w+|\S/g;

function tokensOf(bytes: Uint8Array, [start, end]: Span): readonly (readonly [string, Span])[] {
  const text = Buffer.from(bytes.subarray(start, end)).toString("latin1");
  return [...text.matchAll(TOKENS)].map(({ 0: token, index }) => [
    token,
    [start + index, start + index + token.length],
  ]);
}

/** Where the value of `signed` is in the file of a version. */
function spanOfSigned(bytes: Uint8Array): Span {
  const start = Buffer.from(bytes).indexOf("{", Buffer.from(bytes).indexOf('"signed"'));
  let depth = 0;
  for (const [token, [, end]] of tokensOf(bytes, [start, bytes.length])) {
    if (token === "{") depth += 1;
    if (token === "}") depth -= 1;
    if (depth === 0) return [start, end];
  }
  throw new Error("expected signed to end");
}

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
}

/** The value of `signed` at the place `span` of a file; null where it is no JSON. */
function signedAt(file: Uint8Array, [start, end]: Span): JsonValue {
  // Without the signatures, which no flip in `signed` changes: less to read.
  const bare = concatBytes(utf8.encode('{"signed":'), file.subarray(start, end), utf8.encode("}"));
  try {
    const body = parseJson(bare, { maxBytes: bare.length });
    return isJsonObject(body) ? (body["signed"] ?? null) : null;
  } catch {
    return null;
  }
}

describe("a bit flipped inside signed", () => {
  const spans = FILES.map(spanOfSigned);
  const bytes = spans.reduce((sum, [start, end]) => sum + end - start, 0);

  testHistory(named(`ends the JSON or changes its value: ${bytes} flips`), () => {
    const count = { malformed: 0, changed: 0, unchanged: 0 };
    for (const [i, span] of spans.entries()) {
      const file = fileOf(i + 1);
      const { signed } = rootOf(i + 1);
      expect(signedAt(file, span)).toEqual(signed);
      for (let [at] = span; at < span[1]; at += 1) {
        const changed = signedAt(flip(file, at), span);
        if (changed === null) count.malformed += 1;
        else if (sameJson(changed, signed)) count.unchanged += 1;
        else count.changed += 1;
      }
    }
    expect(count).toEqual({ malformed: 16_010, changed: 48_249, unchanged: 0 });
  });

  const rows = VERSIONS.map((version) => {
    const file = fileOf(version);
    const span = spans[version - 1] ?? [0, 0];
    const tried = EVERY_BYTE
      ? places(span, 1)
      : tokensOf(file, span).flatMap(([token, inner]) =>
          token.startsWith('"') ? places(inner, 16, 1) : places(inner, 1),
        );
    return { version, tried, flips: tried.length };
  });

  testHistory.each(rows)(named("is refused at version $version: $flips flips"), (row) => {
    const { version, tried } = row;
    const file = fileOf(version);
    const taken = tried.filter((at) => codesOf(() => take(version, flip(file, at))).length === 0);
    expect(taken).toEqual([]);
  });
});

function withSignatures(version: number, signatures: readonly JsonObject[]): Uint8Array {
  return encodeJson(jsonObject({ ...bodyOf(version), signatures }));
}

function codesWith(
  version: number,
  signatures: readonly JsonObject[],
  policy = LENIENT,
): readonly string[] {
  return codesOf(() => take(version, withSignatures(version, signatures), policy));
}

/** The signatures of a version without those that can be spared: each that is left is needed. */
function needed(version: number): readonly JsonObject[] {
  const all = signaturesOf(bodyOf(version)).filter(({ sig }) => sig !== "");
  return all.reduce((left, one) => {
    const less = left.filter((other) => other !== one);
    return codesWith(version, less).length === 0 ? less : left;
  }, all);
}

/** Threshold 3; six where old keys hand over to new ones, or to new ids of themselves. */
const NEEDED = VERSIONS.map((version) => ({
  version,
  count: [5, 9, 10].includes(version) ? 6 : 3,
}));

describe("a bit flipped in a signature that is needed", () => {
  testHistory.each(NEEDED)(named("version $version needs $count"), ({ version, count }) => {
    const list = needed(version);
    expect(list).toHaveLength(count);
    for (const one of list) {
      const codes = codesWith(
        version,
        list.filter((other) => other !== one),
      );
      expect(codes).toEqual(
        expect.arrayContaining([expect.stringMatching(/^(?:current|new)-threshold$/)]),
      );
    }
  });

  const rows = (FILES.length > 0 ? VERSIONS : []).map((version) => {
    const file = withSignatures(version, needed(version));
    const text = Buffer.from(file).toString("latin1");
    const tried = [...text.matchAll(/(?<="sig":")[0-9a-f]+/g)].flatMap(({ 0: sig, index }, i) =>
      places([index, index + sig.length], 6, i % 6),
    );
    return { version, file, tried, flips: tried.length };
  });

  testHistory.each(rows)(named("version $version is refused: $flips flips"), (row) => {
    const { version, file, tried } = row;
    const taken = tried.filter((at) => codesOf(() => take(version, flip(file, at))).length === 0);
    expect(taken).toEqual([]);
  });
});

/** The signature with one bit of its last bytes the other way round, and still hex. */
function spoiled(signature: JsonObject): JsonObject {
  const sig = textOf(signature["sig"]);
  const at = sig.search(/[0-9b-e][af]*$/);
  const digit = String.fromCharCode(sig.charCodeAt(at) ^ 1);
  return edits(signature, [["sig"], sig.slice(0, at) + digit + sig.slice(at + 1)]);
}

describe("a bit flipped in a signature that can be spared", () => {
  testHistory.each([
    { version: 5, spare: 8 },
    { version: 6, spare: 5 },
    { version: 7, spare: 4 },
    { version: 8, spare: 4 },
    { version: 9, spare: 10 },
    { version: 10, spare: 10 },
    { version: 12, spare: 0 },
    { version: 13, spare: 5 },
    { version: 14, spare: 4 },
    { version: 15, spare: 5 },
  ])(named("version $version: $spare, each followed, refused strictly"), ({ version, spare }) => {
    const all = signaturesOf(bodyOf(version));
    const flips = all.flatMap((one, i) =>
      one["sig"] !== "" && codesWith(version, all.toSpliced(i, 1)).length === 0 ? [i] : [],
    );
    expect(flips).toHaveLength(spare);
    for (const i of flips) {
      const list = all.map((one, at) => (at === i ? spoiled(one) : one));
      expect(codesWith(version, list, LENIENT)).toEqual([]);
      expect(codesWith(version, list, STRICT)).toEqual(["chain-broken", "signature-invalid"]);
    }
    expect(codesWith(version, all, STRICT)).toEqual([]);
  });
});
