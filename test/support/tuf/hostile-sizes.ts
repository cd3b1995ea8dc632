/** Submissions that are large in one way each, made from a good one, up to a limit in bytes. */
import { generateKeyPairSync } from "node:crypto";
import type { FindingCode } from "../../../lib/tuf/findings.ts";
import type { ErrorCode } from "../../../lib/error.ts";
import type { Dialect } from "../../../lib/tuf/dialect.ts";
import { sha256Text } from "../../../lib/tuf/bytes.ts";
import type { JsonObject, JsonValue } from "../../../lib/tuf/json.ts";
import { edits } from "./test-factory.ts";

export interface HostileShape {
  readonly name: string;
  /** One of these is among the findings; which one depends on what there is too much of first. */
  readonly refused: readonly (ErrorCode | FindingCode)[];
  readonly make: (body: JsonObject, dialect: Dialect, bytes: number) => Uint8Array<ArrayBuffer>;
}

const utf8 = new TextEncoder();

/** The largest of the documents that `make` gives for a count, and that fits. */
function largest(bytes: number, make: (count: number) => JsonValue): Uint8Array<ArrayBuffer> {
  const size = (count: number): number => JSON.stringify(make(count)).length;
  const each = size(11) - size(10);
  return utf8.encode(JSON.stringify(make(Math.floor((bytes - size(1)) / each))));
}

/** `body` with as many items at `path` as there is room for. */
function filled(
  body: JsonObject,
  path: readonly string[],
  bytes: number,
  list: (count: number) => JsonValue,
): Uint8Array<ArrayBuffer> {
  return largest(bytes, (count) => edits(body, [path, list(count)]));
}

function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_unused, i) => sha256Text(String(i)));
}

/** Text put in place of the version, which is a number of its own in the source. */
function inPlaceOfVersion(body: JsonObject, text: (room: number) => string, bytes: number) {
  const mark = 1_234_567_890;
  const source = JSON.stringify(edits(body, [["signed", "version"], mark]));
  const room = bytes - source.length;
  return utf8.encode(source.replace(String(mark), () => text(room)));
}

const repeated = (unit: string) => (room: number) => unit.repeat(Math.floor(room / unit.length));

/** A key that is new to everybody, of the kind that costs most to look at. */
function keyObject(dialect: Dialect): JsonObject {
  const { publicKey } = generateKeyPairSync("ed25519");
  const text = publicKey.export({ format: "der", type: "spki" }).subarray(12).toString("hex");
  return dialect === "ats"
    ? { keytype: "ED25519", keyval: { public: text } }
    : { keytype: "ed25519", scheme: "ed25519", keyval: { public: text } };
}

export const HOSTILE_SHAPES: readonly HostileShape[] = [
  {
    name: "nested arrays",
    refused: ["malformed"],
    make: (body, _dialect, bytes) => inPlaceOfVersion(body, repeated("["), bytes),
  },
  {
    name: "nested objects",
    refused: ["malformed"],
    make: (body, _dialect, bytes) => inPlaceOfVersion(body, repeated('{"a":'), bytes),
  },
  {
    name: "digits",
    refused: ["malformed"],
    make: (body, _dialect, bytes) => inPlaceOfVersion(body, repeated("7"), bytes),
  },
  {
    name: "numbers",
    refused: ["too-large"],
    make: (body, _dialect, bytes) =>
      inPlaceOfVersion(body, (room) => `[${repeated("1,")(room - 3)}1]`, bytes),
  },
  {
    name: "backslashes",
    refused: ["root-too-large"],
    make: (body, _dialect, bytes) =>
      inPlaceOfVersion(body, (room) => `"${repeated("\\\\")(room - 2)}"`, bytes),
  },
  {
    name: "escaped quotes in a string without end",
    refused: ["malformed"],
    make: (body, _dialect, bytes) =>
      inPlaceOfVersion(body, (room) => `"${repeated('\\"')(room - 1)}`, bytes),
  },
  {
    name: "signatures",
    refused: ["signature-count", "too-large"],
    make: (body, dialect, bytes) =>
      filled(body, ["signatures"], bytes, (count) =>
        numbered(count).map((keyid) =>
          dialect === "ats" ? { keyid, method: "ed25519", sig: "AAAA" } : { keyid, sig: "00" },
        ),
      ),
  },
  {
    name: "the same signature",
    refused: ["signature-count", "too-large"],
    make: (body, _dialect, bytes) =>
      filled(body, ["signatures"], bytes, (count) =>
        Array.from(
          { length: count },
          () => (body["signatures"] as readonly JsonValue[])[0] ?? null,
        ),
      ),
  },
  {
    name: "keys",
    refused: ["key-count", "too-large"],
    make: (body, dialect, bytes) =>
      filled(body, ["signed", "keys"], bytes, (count) => {
        const key = keyObject(dialect);
        return Object.fromEntries(numbered(count).map((keyid) => [keyid, key]));
      }),
  },
  {
    name: "keyids of a role",
    refused: ["key-count", "too-large"],
    make: (body, _dialect, bytes) =>
      filled(body, ["signed", "roles", "root", "keyids"], bytes, numbered),
  },
  {
    name: "roles",
    refused: ["root-too-large", "too-large", "role-unknown"],
    make: (body, _dialect, bytes) =>
      filled(body, ["signed", "roles"], bytes, (count) =>
        Object.fromEntries(numbered(count).map((name) => [name, {}])),
      ),
  },
  {
    name: "owners",
    refused: ["root-too-large", "too-large", "key-owners"],
    make: (body, _dialect, bytes) =>
      filled(body, ["signed", "x-key-owners"], bytes, (count) =>
        Object.fromEntries(numbered(count).map((name) => [name, {}])),
      ),
  },
  {
    name: "a PEM key of very many lines",
    refused: ["root-too-large", "key-material"],
    make: (body, dialect, bytes) =>
      filled(body, ["signed", "keys", "ab".repeat(32)], bytes, (count) => ({
        ...(dialect === "ats"
          ? { keytype: "RSA" }
          : { keytype: "rsa", scheme: "rsassa-pss-sha256" }),
        keyval: { public: `-----BEGIN PUBLIC KEY-----\n${"A\n".repeat(count)}` },
      })),
  },
  {
    name: "what looks like the beginning of a private key, again and again",
    refused: ["root-too-large"],
    make: (body, _dialect, bytes) =>
      filled(
        body,
        ["signed", "x-changelog", "message"],
        bytes,
        (count) => `PRIVATE KEY ${"-----BEGIN A ".repeat(count)}${"A ".repeat(count)}`,
      ),
  },
];
