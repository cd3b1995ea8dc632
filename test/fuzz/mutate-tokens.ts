/**
 * Mutations of the text that know its tokens: what two readers of JSON understand differently. Some
 * change nothing (white space, an escape), and then a good root must stay a good one.
 */
import type { Random } from "./random.ts";

type Tokens = readonly string[];
type Mutation = (tokens: Tokens, random: Random) => Tokens;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+|\s+/g;
const NUMBERS = [
  ..."1.0|1e0|1E0|1e400|-0|-1|+1|01|00|.5|5.|0x1|1_000|NaN|Infinity|-Infinity|2147483647".split(
    "|",
  ),
  ..."2147483648|4294967296|9007199254740991|9007199254740992|9007199254740993|1e-9|0".split("|"),
  "9".repeat(400),
  `1.${"0".repeat(400)}`,
];
const WORDS = [
  "true",
  "false",
  "null",
  "True",
  "nul",
  "undefined",
  '""',
  "''",
  "[]",
  "{}",
  "//",
  "/**/",
];
const SPACES = [
  " ",
  "\n",
  "\r\n",
  "\t",
  "\u00a0",
  "\f",
  "\v",
  "\ufeff",
  "\u2028",
  "\u0000",
  "\u3000",
];
const NAMES = [
  ..."__proto__|constructor|toString|hasOwnProperty|signed|signatures|keys|roles|version".split(
    "|",
  ),
  ..."threshold|keyids|keyid|sig|method|expires|_type|targets-signatures|length|0|".split("|"),
];

const MUTATIONS: readonly Mutation[] = [
  (tokens, random) => replaceOne(tokens, random, isNumber, () => random.pick(NUMBERS)),
  (tokens, random) => replaceOne(tokens, random, isNumber, (n) => respelled(n, random)),
  (tokens, random) => replaceOne(tokens, random, isValue, () => random.pick(WORDS)),
  (tokens, random) => replaceOne(tokens, random, isString, (text) => escaped(text, random)),
  (tokens, random) => replaceOne(tokens, random, isString, (text) => spoiled(text, random)),
  (tokens, random) => replaceOne(tokens, random, isString, () => `"${random.pick(NAMES)}"`),
  (tokens, random) => replaceOne(tokens, random, isValue, (value) => nested(value, random)),
  (tokens, random) =>
    replaceOne(
      tokens,
      random,
      () => true,
      () => "",
    ),
  (tokens, random) =>
    replaceOne(
      tokens,
      random,
      () => true,
      (token) => token + token,
    ),
  (tokens, random) =>
    replaceOne(tokens, random, isMark, () => random.pick(["{", "}", "[", "]", ":", ","])),
  (tokens, random) =>
    replaceOne(
      tokens,
      random,
      () => true,
      (token) => token + random.pick(SPACES),
    ),
  (tokens, random) =>
    tokens.flatMap((token) => [token, isMark(token) && random.oneIn(3) ? "\n " : ""]),
  (tokens, random) =>
    tokens.map((token) => (isString(token) && random.oneIn(9) ? escaped(token, random) : token)),
  (tokens, random) => twice(tokens, random),
  (tokens, random) => twice(tokens, random),
  (tokens, random) => {
    const [a, b] = [random.below(tokens.length), random.below(tokens.length)];
    return tokens.map((token, i) => (i === a ? tokens[b] : i === b ? tokens[a] : token) ?? "");
  },
];

/** One to three mutations of the tokens of `text`. */
export function mutateTokens(text: string, random: Random): string {
  let tokens: Tokens = text.match(TOKEN) ?? [];
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    tokens = random.pick(MUTATIONS)(tokens, random);
  }
  return tokens.join("");
}

function isString(token: string): boolean {
  return token.startsWith('"');
}

function isNumber(token: string): boolean {
  return /^[-\d]/.test(token);
}

function isValue(token: string): boolean {
  return /^["\w-]/.test(token);
}

function isMark(token: string): boolean {
  return /^[{}[\]:,]$/.test(token);
}

function replaceOne(
  tokens: Tokens,
  random: Random,
  fits: (token: string) => boolean,
  by: (token: string) => string,
): Tokens {
  const places = [...tokens.keys()].filter((i) => fits(tokens[i] ?? ""));
  if (places.length === 0) return tokens;
  const place = random.pick(places);
  return tokens.map((token, i) => (i === place ? by(token) : token));
}

/** The same number for JSON.parse, in a form that is not ours. */
function respelled(number: string, random: Random): string {
  return random.pick([`${number}.0`, `${number}e0`, `${number}0e-1`, `0${number}`, `-${number}`]);
}

/** The same string, with one character or all of them as escapes. */
function escaped(token: string, random: Random): string {
  const plain = token.slice(1, -1).split("");
  if (plain.length === 0 || plain.includes("\\")) return token;
  const all = plain.length < 80 && random.oneIn(4);
  const one = random.below(plain.length);
  const parts = plain.map((c, i) => {
    const code = c.charCodeAt(0).toString(16).padStart(4, "0");
    return all || i === one ? `\\u${random.oneIn(2) ? code : code.toUpperCase()}` : c;
  });
  return `"${parts.join("")}"`;
}

/** A string with something in it that is no escape, no character, or not for everybody. */
function spoiled(token: string, random: Random): string {
  const at = 1 + random.below(token.length - 1);
  const bad = random.pick([
    ..."\\x41|\\u12|\\ud800|\\udc00\\ud800|\\ud83d\\ude00|\\u0000|\\u007f|\\u00e9|\\'|\\".split(
      "|",
    ),
    ..."\t|\n|\u0001|\u00e9|\u0301|\u{1f600}|\\n|\\t|\\/|\\b".split("|"),
  ]);
  return token.slice(0, at) + bad + token.slice(at);
}

function nested(value: string, random: Random): string {
  const depth = random.pick([1, 2, 28, 29, 30, 31, 32, 33, 100]);
  return random.oneIn(2)
    ? "[".repeat(depth) + value + "]".repeat(depth)
    : '{"a":'.repeat(depth) + value + "}".repeat(depth);
}

/** A member name twice in one object: before or after the true one, plain or escaped. */
function twice(tokens: Tokens, random: Random): Tokens {
  const names = [...tokens.keys()].filter((i) => tokens[i + 1] === ":");
  if (names.length === 0) return tokens;
  const at = random.pick(names);
  const name = tokens[at] ?? "";
  const again = random.oneIn(2) ? name : escaped(name, random);
  const value = random.pick([...NUMBERS.slice(0, 3), "1", "2", "[]", "{}", "null", '""']);
  return [...tokens.slice(0, at), again, ":", value, ",", ...tokens.slice(at)];
}
