/**
 * The forms of what a service answers. A client takes a value only in the form that it must have, and
 * words that have none only as one line of ASCII: an answer is whatever somebody on the way wrote.
 */
import * as v from "valibot";
import { FACTORY_NAME, isFactoryName, type FactoryName } from "../state/names.ts";
import { isSha256, SHA256, type Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, DIALECTS } from "../tuf/dialect.ts";
import { parseExpires, TIME } from "../tuf/expires.ts";
import { isKeyId, type KeyId } from "../tuf/keys.ts";
import { cleaned } from "./line.ts";

/** The words for a check in docs/openapi.yaml; they change nothing. */
export function described<T>(pattern: RegExp, more: Readonly<Record<string, string>> = {}) {
  return v.metadata<T, Readonly<Record<string, string>>>({ pattern: pattern.source, ...more });
}

/** @param form the same for readers of docs/openapi.yaml */
function text<T extends string>(is: (value: string) => value is T, form: RegExp) {
  return v.pipe(
    v.custom<T>((value) => typeof value === "string" && is(value)),
    described<T>(form, { type: "string" }),
  );
}

export const factoryName = text(
  (value): value is FactoryName => isFactoryName(value),
  FACTORY_NAME,
);
export const sha256Hex = text((value): value is Sha256 => isSha256(value), SHA256);
export const keyId = text((value): value is KeyId => isKeyId(value), SHA256);
export const dialect = v.picklist(DIALECTS);
export const channel = v.picklist(ALL_CHANNELS);

/** A version of a document, or the number of an event. */
export const version = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 31 - 1));

/** `YYYY-MM-DDTHH:MM:SSZ`. */
export const time = v.pipe(
  v.string(),
  v.check((value) => parseExpires(value) !== null),
  described<string>(TIME, { format: "date-time" }),
);

export const ownerToken = v.pipe(v.string(), v.regex(/^rw_[A-Za-z0-9_-]{43}$/));

/** The id of a root update; 128 bits in hex. */
export const txid = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

/** Longer ones are cut. */
const MAX_WORDS = 500;

/** Words of the service or of another user of it: one line of ASCII. */
export const words = v.pipe(v.string(), v.transform(asciiLine));

export function asciiLine(value: string): string {
  return cleaned(value, MAX_WORDS).replace(/[^ -~]/g, "?");
}
