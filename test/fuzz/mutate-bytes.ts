/** Mutations that know nothing of JSON: bits, ranges, and bytes that decoders trip over. */
import { concatBytes } from "../../lib/tuf/bytes.ts";
import type { Random } from "./random.ts";

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

/** Byte order marks, overlong and broken UTF-8, surrogates, controls, other Unicode spaces. */
const INTERESTING = [
  ..."00|0a|7f|80|ff|efbbbf|fffe|feff|c080|c0af|eda080|edb080|f4908080|e28080|c2a0|e280a8".split(
    "|",
  ),
  ..."22|5c|7b|7d|5b|5d|2c|3a|2d|65|2e|5c75303030|2f2f|2f2a|2a2f|1b|f09f9880|cc81|efbfbd".split(
    "|",
  ),
].map((hex) => new Uint8Array(Buffer.from(hex, "hex")));

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const at = random.below(bytes.length);
    return replaced(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.below(8))));
  },
  (bytes, random) => replaced(bytes, random.below(bytes.length), 1, random.bytes(1)),
  (bytes, random) => replaced(bytes, random.below(bytes.length + 1), 0, random.pick(INTERESTING)),
  (bytes, random) => {
    const piece = random.pick(INTERESTING);
    return replaced(bytes, random.below(bytes.length), piece.length, piece);
  },
  (bytes, random) => concatBytes(random.pick(INTERESTING), bytes),
  (bytes, random) => concatBytes(bytes, random.pick(INTERESTING)),
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return replaced(bytes, from, to - from, new Uint8Array());
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  (bytes, random) => bytes.slice(random.below(bytes.length)),
  (bytes, random) => {
    const piece = bytes.slice(...range(bytes, random));
    return replaced(bytes, random.below(bytes.length), 0, piece);
  },
  (bytes, random) => {
    const piece = bytes.slice(...range(bytes, random));
    return replaced(bytes, random.below(bytes.length), piece.length, piece);
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const middle = from + random.below(to - from + 1);
    return replaced(bytes, from, to - from, swapped(bytes.slice(from, to), middle - from));
  },
  (bytes, random, other) => {
    const piece = other.slice(...range(other, random));
    return replaced(bytes, random.below(bytes.length), random.below(piece.length + 1), piece);
  },
  (bytes, random, other) =>
    concatBytes(
      bytes.slice(0, random.below(bytes.length)),
      other.slice(random.below(other.length)),
    ),
  (bytes) => concatBytes(bytes, bytes),
];

/** One to four mutations, one upon the other; `other` is what is spliced in. */
export const mutateBytes: Mutation = (bytes, random, other) => {
  let mutated = bytes;
  for (let left = 1 + random.below(4); left > 0 && mutated.length > 0; left -= 1) {
    mutated = random.pick(MUTATIONS)(mutated, random, other);
  }
  return mutated;
};

function replaced(bytes: Uint8Array, at: number, length: number, piece: Uint8Array): Uint8Array {
  return concatBytes(bytes.slice(0, at), piece, bytes.slice(at + length));
}

/** Mostly short ones: long ones leave little to be wrong in an interesting way. */
function range(bytes: Uint8Array, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length);
  return [from, from + 1 + random.below(random.pick([1, 4, 16, 64, 1024]))];
}

function swapped(bytes: Uint8Array, middle: number): Uint8Array {
  return concatBytes(bytes.slice(middle), bytes.slice(0, middle));
}
