/**
 * One case of a fuzz run: a fleet's good next root, or a root that was good once, made bad in one of
 * the ways that the mutators know, and where and how it is sent.
 */
import { encodeJson } from "../../lib/tuf/canonical.ts";
import type { Channel } from "../../lib/tuf/dialect.ts";
import type { JsonObject, JsonValue } from "../../lib/tuf/json.ts";
import type { Submission } from "./door.ts";
import type { Fleet } from "./fleets.ts";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateRoot, otherRootKeys } from "./mutate-root.ts";
import { mutateSignatures, signedSomehow } from "./mutate-signatures.ts";
import { mutateTokens } from "./mutate-tokens.ts";
import { mutateTree } from "./mutate-tree.ts";
import type { Random } from "./random.ts";
import { asObject, nextOf, signedBy, versionOf } from "./roots.ts";
import { sizedBody } from "./sizes.ts";

interface Setting {
  readonly fleet: Fleet;
  readonly channel: Channel;
  readonly random: Random;
}

type Kind = keyof typeof KINDS;

export interface Case extends Submission {
  readonly kind: Kind;
}

const KINDS = {
  good: ({ fleet, channel, random }: Setting) => written(goodBody(fleet, channel, random), random),
  old: ({ fleet, channel, random }: Setting) => {
    const body = oldBody(fleet, channel, random);
    if (random.oneIn(2)) return body;
    const tree = JSON.parse(Buffer.from(body).toString()) as JsonValue;
    return written(mutateTree(tree, random), random);
  },
  bytes: ({ fleet, channel, random }: Setting) => {
    const body = written(goodBody(fleet, channel, random), random);
    return mutateBytes(body, random, oldBody(fleet, channel, random));
  },
  tokens: ({ fleet, channel, random }: Setting) => {
    const body = written(goodBody(fleet, channel, random), random);
    return new TextEncoder().encode(mutateTokens(Buffer.from(body).toString(), random));
  },
  tree: ({ fleet, channel, random }: Setting) =>
    written(mutateTree(goodBody(fleet, channel, random), random), random),
  signatures: ({ fleet, channel, random }: Setting) => {
    const signed = goodSigned(fleet, channel, random);
    const body = signedBy(fleet, channel, signed);
    return written(mutateSignatures({ moment: fleet, channel, signed }, body, random), random);
  },
  signers: ({ fleet, channel, random }: Setting) => {
    const signed = goodSigned(fleet, channel, random);
    return written(signedSomehow(fleet, channel, signed, random), random);
  },
  signedTree: ({ fleet, channel, random }: Setting) => {
    const signed = asObject(mutateTree(nextOf(fleet, channel), random));
    return written(signedAgain(fleet, channel, signed, random), random);
  },
  signedRoot: ({ fleet, channel, random }: Setting) => {
    const signed = mutateRoot(goodSigned(fleet, channel, random), { ...fleet, random });
    const body = signedAgain(fleet, channel, signed, random);
    const twice = random.oneIn(6);
    return written(
      twice ? mutateSignatures({ moment: fleet, channel, signed }, body, random) : body,
      random,
    );
  },
  size: ({ fleet, channel, random }: Setting) => sizedBody(fleet, channel, random),
} as const;
const KIND_NAMES = Object.keys(KINDS) as readonly Kind[];

/** How often each kind comes, of all together. */
const WEIGHTS: Readonly<Record<Kind, number>> = {
  good: 1,
  old: 1,
  bytes: 3,
  tokens: 3,
  tree: 2,
  signatures: 2,
  signers: 1,
  signedTree: 3,
  signedRoot: 7,
  size: 1,
};
const MIX = KIND_NAMES.flatMap((kind) => Array.from({ length: WEIGHTS[kind] }, () => kind));

export function makeCase(fleet: Fleet, random: Random): Case {
  const kind = random.pick(MIX);
  const channel = aChannel(fleet, random);
  const body = KINDS[kind]({ fleet, channel, random });
  return { kind, channel, dryRun: random.oneIn(4), body };
}

/** Mostly by all who should sign, so that nothing but the change itself can be refused. */
function signedAgain(fleet: Fleet, channel: Channel, signed: JsonObject, random: Random) {
  if (random.oneIn(2)) return signedBy(fleet, channel, signed);
  return signedSomehow(fleet, channel, signed, random);
}

/** In ats mostly the one whose turn it is. */
function aChannel({ dialect, current }: Fleet, random: Random): Channel {
  if (dialect === "tuf") return "main";
  const turn = versionOf(current.get("ci")) > versionOf(current.get("prod")) ? "prod" : "ci";
  return random.oneIn(10) ? random.pick(["ci", "prod"]) : turn;
}

/** The next root with the same root keys, or with others. */
function goodSigned(fleet: Fleet, channel: Channel, random: Random): JsonObject {
  const next = nextOf(fleet, channel);
  const keep = channel === "prod" || random.oneIn(2);
  return keep ? next : otherRootKeys(next, { ...fleet, random });
}

function goodBody(fleet: Fleet, channel: Channel, random: Random): JsonObject {
  return signedBy(fleet, channel, goodSigned(fleet, channel, random));
}

/** The current root again, or one of an earlier time. */
function oldBody({ current, past }: Fleet, channel: Channel, random: Random): Uint8Array {
  return random.pick([...past, current.get(channel) ?? new Uint8Array()]);
}

/** As tools write it: sorted, as it comes, or on many lines. */
function written(value: JsonValue, random: Random): Uint8Array {
  const text = JSON.stringify(value, null, random.pick([0, 0, 2, "\t"]));
  if (random.oneIn(2)) return new TextEncoder().encode(text);
  try {
    return encodeJson(value);
  } catch {
    return new TextEncoder().encode(text);
  }
}
