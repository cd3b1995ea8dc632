/**
 * Documents that no JSON value stands for: duplicate members, other ways to write a number, text
 * that is no text. What a signature must cover is what the client reads, so each of these is signed
 * for the client that reads it loosely.
 */
import { jsonObject } from "../../../lib/tuf/json.ts";
import { edits } from "../../support/tuf/test-factory.ts";
import { messageOf } from "./render.ts";
import { A, after, B, bytesOf, C, D, envelopeOf, FACTORY, SPARE, TRUSTED } from "./root-case.ts";
import type { RootCase } from "./root-case.ts";

const { next } = FACTORY;
const utf8 = new TextEncoder();
const MARK = "MARK";
const VERSION = `"version":${FACTORY.current.version + 1}`;

function raw(name: string, candidate: Uint8Array): RootCase {
  return { name: `bytes: ${name}`, trusted: TRUSTED, candidate };
}

/** A good update, its text changed afterwards. */
function changed(name: string, change: (text: string) => string): RootCase {
  const text = new TextDecoder().decode(after("", next).candidate);
  return raw(name, utf8.encode(change(text)));
}

/**
 * A good update with an unknown member whose value is `read` in what is signed and `written` in
 * the document.
 */
function member(name: string, read: string, written: string | Uint8Array): RootCase {
  const signed = edits(next, [["x-note"], MARK]);
  const message = utf8.encode(messageOf(signed).replace(`"${MARK}"`, read));
  const text = Buffer.from(bytesOf(envelopeOf(signed, [A, B, C, D], message)));
  const at = text.indexOf(`"${MARK}"`);
  const parts = [text.subarray(0, at), Buffer.from(written), text.subarray(at + MARK.length + 2)];
  return raw(`${name} in an unknown member`, new Uint8Array(Buffer.concat(parts)));
}

/** A good update with a signature more, by a stranger, whose text is `text`. */
function signature(name: string, text: string): RootCase {
  return changed(`a signature with ${name}`, (all) =>
    all.replace('"signatures":[', `"signatures":[${text},`),
  );
}

/** A good update in which `d`'s signature is written in another way. */
function sig(name: string, write: (hex: string) => string): RootCase {
  const body = envelopeOf(next, [A, B, D]);
  const list = body["signatures"] as readonly { readonly sig: string }[];
  const signatures = list.map((one, i) => (i < 2 ? one : { ...one, sig: write(one.sig) }));
  return raw(`a signature ${name}`, bytesOf(jsonObject({ ...body, signatures })));
}

const DUPLICATES: readonly RootCase[] = [
  changed("signed twice", (text) => text.replace('"signed":', '"signed":{},"signed":')),
  changed(
    "signatures twice",
    (text) => `${text.slice(0, -1)},${text.slice(1, text.indexOf(',"signed"'))}}`,
  ),
  changed("the version twice", (text) => text.replace(VERSION, `"version":99,${VERSION}`)),
  changed("the version twice, once with escapes", (text) =>
    text.replace(VERSION, `"v\\u0065rsion":99,${VERSION}`),
  ),
  changed("a sig twice", (text) => text.replace('"sig":', '"sig":"00","sig":')),
];

const NUMBERS: readonly RootCase[] = [
  ...["5.0", "5e0", "0.5e1", "50E-1", "+5", "05", "5.", "-5", '"5"', "true"].map((version) =>
    changed(`version ${version}`, (text) => text.replace(VERSION, `"version":${version}`)),
  ),
  changed("threshold 2.0", (text) => text.replace('"threshold":2', '"threshold":2.0')),
  member("1.0", "1", "1.0"),
  member("-1", "-1", "-1"),
  member("-0", "0", "-0"),
  member("an integer above 2^53", "12345678901234567890", "12345678901234567890"),
  member(
    "an integer above 2^53, read as JavaScript does",
    "12345678901234567000",
    "12345678901234567890",
  ),
  member("1e400", "null", "1e400"),
  member("NaN", "null", "NaN"),
  signature("1.5 in it", JSON.stringify({ keyid: SPARE.keyid, sig: "", note: 1.5 })),
  signature("NaN in it", `{"keyid":"${SPARE.keyid}","sig":"","note":NaN}`),
];

const TEXTS: readonly RootCase[] = [
  changed("a byte order mark", (text) => `\ufeff${text}`),
  changed("white space around", (text) => ` \n\t\r${text}\r\n `),
  changed("a form feed before", (text) => `\f${text}`),
  changed("NUL after", (text) => `${text}\0`),
  changed("a second document", (text) => `${text}${text}`),
  changed("a comma too many", (text) => text.replace('"]', '",]')),
  changed("a comment", (text) => `/* root */${text}`),
  changed("single quotes", (text) => text.replaceAll('"', "'")),
  changed("the end missing", (text) => text.slice(0, -1)),
  ...["", " ", "null", "[]", "{}", '{"signed":{},"signatures":[]}', '"root"', "\xff"].map((text) =>
    raw(`only ${JSON.stringify(text)}`, utf8.encode(text)),
  ),
  member("ü", '"ü"', '"ü"'),
  member("ü as an escape", '"ü"', String.raw`"\u00fc"`),
  member("DEL", '"\u007f"', '"\u007f"'),
  member("a control character as an escape", '"\u0001"', String.raw`"\u0001"`),
  member("a control character as it is", '"\u0001"', '"\u0001"'),
  member("a newline as it is", '"\n"', '"\n"'),
  member("half a surrogate pair", '"\ufffd"', String.raw`"\ud800"`),
  member("a byte that is no UTF-8", '"\ufffd"', Buffer.from([0x22, 0xff, 0x22])),
  signature(
    "half a surrogate pair",
    String.raw`{"keyid":"${SPARE.keyid}","sig":"","note":"\ud800"}`,
  ),
  member(
    "33 lists in each other",
    `${"[".repeat(33)}${"]".repeat(33)}`,
    `${"[".repeat(33)}${"]".repeat(33)}`,
  ),
  member("members in two orders", '{"a":1,"b":2}', '{"b":2,"a":1}'),
  member(
    "members outside the first plane",
    '{"\uffff":1,"\u{10000}":2}',
    '{"\uffff":1,"\u{10000}":2}',
  ),
];

const SIGNATURES: readonly RootCase[] = [
  sig("in upper case", (hex) => hex.toUpperCase()),
  sig("with a space", (hex) => `${hex.slice(0, 2)} ${hex.slice(2)}`),
  sig("with an odd digit after it", (hex) => `${hex}0`),
  sig("with words after it", (hex) => `${hex}zz`),
  sig("with 0x before it", (hex) => `0x${hex}`),
  sig("cut short", (hex) => hex.slice(2)),
  signature("an upper-case keyid", JSON.stringify({ keyid: "AB".repeat(32), sig: "" })),
  signature("a short keyid", JSON.stringify({ keyid: "ab", sig: "" })),
  signature("keyid __proto__", JSON.stringify({ keyid: "__proto__", sig: "00" })),
  signature("keyid constructor", JSON.stringify({ keyid: "constructor", sig: "00" })),
  signature("keyid 7", JSON.stringify({ keyid: 7, sig: "" })),
  signature("no keyid", JSON.stringify({ sig: "" })),
  signature("sig null", JSON.stringify({ keyid: SPARE.keyid, sig: null })),
  signature("no sig", JSON.stringify({ keyid: SPARE.keyid })),
  signature("a sig that is no hex", JSON.stringify({ keyid: SPARE.keyid, sig: "not hex" })),
  signature("the same keyid in an empty one", JSON.stringify({ keyid: A.keyid, sig: "" })),
  changed("a signature that is null", (all) =>
    all.replace('"signatures":[', '"signatures":[null,'),
  ),
  changed("signatures in an object", (all) =>
    all.replace('"signatures":[', '"signatures":{"0":[').replace('],"signed"', ']},"signed"'),
  ),
];

/** What is signed is the time with its zeros; what is written is not. */
function unpadded(): readonly RootCase[] {
  const signed = edits(next, [["expires"], "2027-01-05T01:02:03Z"]);
  const body = envelopeOf(signed, [A, B, C, D]);
  const times = ["2027-1-5T1:2:3Z", "2027-01-5T01:02:03Z"];
  return times.map((expires) =>
    raw(
      `expires ${expires}, signed with zeros`,
      bytesOf(edits(body, [["signed", "expires"], expires])),
    ),
  );
}

export function byteCases(): readonly RootCase[] {
  return [...DUPLICATES, ...NUMBERS, ...TEXTS, ...SIGNATURES, ...unpadded()];
}
