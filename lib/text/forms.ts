/**
 * The forms of what a service answers. A client takes a value only in the form that it must have, and
 * words that have none only as one line of ASCII: an answer is whatever somebody on the way wrote.
 */
import * as v from "valibot";
import { isFactoryName, type FactoryName } from "../factory/names.ts";
import { isSha256, type Sha256 } from "../tuf/bytes.ts";
import { ALL_CHANNELS, DIALECTS } from "../tuf/dialect.ts";
import { parseExpires } from "../tuf/expires.ts";
import { isKeyId, type KeyId } from "../tuf/keys.ts";
import { cleaned } from "./line.ts";

function text<T extends string>(is: (value: string) => value is T) {
  return v.custom<T>((value) => typeof value === "string" && is(value));
}

export const factoryName = text((value): value is FactoryName => isFactoryName(value));
export const sha256Hex = text((value): value is Sha256 => isSha256(value));
export const keyId = text((value): value is KeyId => isKeyId(value));
export const dialect = v.picklist(DIALECTS);
export const channel = v.picklist(ALL_CHANNELS);

/** A version of a document, or the number of an event. */
export const version = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 31 - 1));

/** `YYYY-MM-DDTHH:MM:SSZ`. */
export const time = v.pipe(
  v.string(),
  v.check((value) => parseExpires(value) !== null),
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
