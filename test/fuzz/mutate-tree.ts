/** Mutations of a JSON tree that know nothing of TUF: parts deleted, moved, swapped, or other. */
import { isJsonArray, jsonObject, type JsonValue } from "../../lib/tuf/json.ts";
import type { Random } from "./random.ts";

type Path = readonly (string | number)[];
type Change = (value: JsonValue) => JsonValue | undefined;

const TEXTS = [
  ..."| |0|1|root|Root|targets|2026-01-15T12:00:00Z|9999-12-31T23:59:59Z|__proto__".split("|"),
  ..."\u00e9|\u007f|\n".split("|"),
  ...["0", "A"].map((c) => c.repeat(64)),
  "-".repeat(70_000),
];
const NUMBERS = [0, 1, 2, 3, 65, 2 ** 31 - 1, 2 ** 31, 2 ** 53 - 1];
const PARTS = [[], {}, [[]], [null], { "": 0 }, { keyids: [], threshold: 1 }];
const ATOMS: readonly JsonValue[] = [null, true, false, ...NUMBERS, ...TEXTS, ...PARTS];
const NAMES = [
  "",
  "__proto__",
  "constructor",
  "toString",
  "length",
  "x-extra",
  "\u00e9",
  "a\u0000b",
  "0",
];

/** Every place in a tree, the root of it first. */
function places(value: JsonValue): readonly Path[] {
  const found: Path[] = [];
  collect(value, [], () => true, found);
  return found;
}

/** Those of objects and lists. */
function innerPlaces(value: JsonValue): readonly Path[] {
  const found: Path[] = [];
  collect(value, [], (part) => typeof part === "object" && part !== null, found);
  return found;
}

function collect(
  value: JsonValue,
  path: Path,
  fits: (value: JsonValue) => boolean,
  found: Path[],
): void {
  if (fits(value)) found.push(path);
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries<JsonValue>(value)) {
    collect(member, [...path, isJsonArray(value) ? Number(name) : name], fits, found);
  }
}

function at(value: JsonValue | undefined, [step, ...rest]: Path): JsonValue | undefined {
  if (step === undefined || typeof value !== "object" || value === null) return value;
  if (!Object.hasOwn(value, step)) return undefined;
  return at(isJsonArray(value) ? value[Number(step)] : value[step], rest);
}

/** `value` with what is at `path` changed, or taken out where the change gives nothing. */
export function changed(value: JsonValue, path: Path, change: Change): JsonValue {
  return inside(value, path, change) ?? null;
}

function inside(value: JsonValue, [step, ...rest]: Path, change: Change): JsonValue | undefined {
  if (step === undefined) return change(value);
  if (typeof value !== "object" || value === null) return value;
  if (isJsonArray(value)) {
    return value.flatMap((item, i) => {
      const next = i === step ? inside(item, rest, change) : item;
      return next === undefined ? [] : [next];
    });
  }
  const entries = Object.entries(value);
  return jsonObject(
    Object.fromEntries(
      entries.map(([name, member]) => [
        name,
        name === step ? inside(member, rest, change) : member,
      ]),
    ),
  );
}

type Mutation = (tree: JsonValue, path: Path, random: Random) => JsonValue;

const MUTATIONS: readonly Mutation[] = [
  (tree, path) => changed(tree, path, () => undefined),
  (tree, path, random) => changed(tree, path, () => random.pick(ATOMS)),
  (tree, path, random) => changed(tree, path, () => at(tree, random.pick(places(tree)))),
  (tree, path, random) => {
    const other = random.pick(places(tree));
    const [a, b] = [at(tree, path), at(tree, other)];
    return changed(
      changed(tree, path, () => b),
      other,
      () => a,
    );
  },
  (tree, path, random) => {
    const moved = at(tree, path);
    return changed(
      changed(tree, path, () => undefined),
      random.pick(places(tree)),
      () => moved,
    );
  },
  (tree, path, random) =>
    changed(tree, path, (value) => withMember(value, random.pick(NAMES), random.pick(ATOMS))),
  (tree, path, random) => changed(tree, path, (value) => otherType(value, random)),
  (tree, path, random) => changed(tree, path, (value) => otherSpelling(value, random)),
  (tree, path, random) =>
    changed(tree, path, (value) => renamed(value, random, random.pick([...NAMES, "up", "twin"]))),
  (tree, path, random) =>
    changed(tree, path, (value) =>
      isJsonArray(value)
        ? random.shuffled([...value, ...value.slice(0, random.below(3))])
        : [value, value],
    ),
];

/** One to three mutations; objects and lists are met as often as what is in them. */
export function mutateTree(tree: JsonValue, random: Random): JsonValue {
  let mutated = tree;
  for (let left = 1 + random.below(3); left > 0; left -= 1) {
    const inner = random.oneIn(2) ? innerPlaces(mutated) : [];
    const path = random.pick(inner.length > 0 ? inner : places(mutated));
    mutated = random.pick(MUTATIONS)(mutated, path, random);
  }
  return mutated;
}

function withMember(value: JsonValue, name: string, member: JsonValue): JsonValue {
  if (isJsonArray(value)) return [...value, member];
  if (typeof value !== "object" || value === null) return { [name]: value };
  return jsonObject({ ...value, [name]: member });
}

function otherType(value: JsonValue, random: Random): JsonValue {
  if (typeof value === "number") return random.pick([String(value), [value], value > 0, value + 1]);
  if (typeof value === "string")
    return random.pick<JsonValue>([Number(value) || 1, [value], null, { value }]);
  if (isJsonArray(value)) return jsonObject(Object.fromEntries(Object.entries(value)));
  return typeof value === "object" && value !== null ? Object.values(value) : "true";
}

function otherSpelling(value: JsonValue, random: Random): JsonValue {
  if (typeof value === "number")
    return random.pick([0, 1, value + 1, value - 1, 2 ** 31, 2 ** 53 - 1]);
  if (typeof value !== "string" || value === "") return value;
  const i = random.below(value.length);
  return random.pick([
    value.toUpperCase(),
    ` ${value}`,
    `${value}\n`,
    value.slice(0, i),
    value.slice(0, i) + value.slice(i + 1),
    value.slice(0, i) + random.pick(["0", "a", "A", "=", " "]) + value.slice(i + 1),
    value.trim(),
    value.replaceAll("\n", "\r\n"),
  ]);
}

/** One member under another name, or under its upper-case name too. */
function renamed(value: JsonValue, random: Random, to: string): JsonValue {
  if (typeof value !== "object" || value === null || isJsonArray(value)) return value;
  const names = Object.keys(value);
  if (names.length === 0) return value;
  const from = random.pick(names);
  const entries = Object.entries(value).flatMap(([name, member]) => {
    if (name !== from) return [[name, member] as const];
    if (to === "twin") return [[name, member] as const, [name.toUpperCase(), member] as const];
    return [[to === "up" ? name.toUpperCase() : to, member] as const];
  });
  return jsonObject(Object.fromEntries(entries));
}
