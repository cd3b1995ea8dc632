/**
 * Root updates that nobody thought of: up to three of all known edits at once, up to two changes
 * anywhere, a random choice of signers, sometimes something done to the envelope afterwards, and any
 * rendering. The same seed gives the same choices; the keys are new in each run.
 */
import * as fc from "fast-check";
import { isJsonObject, type JsonObject, type JsonValue } from "../../../lib/tuf/json.ts";
import { edits, type Edit } from "../../support/tuf/test-factory.ts";
import { ids, listed, withSignatures } from "../../tuf/broken-roots/row.ts";
import { changedAnywhere, changes } from "./anywhere.ts";
import { RENDERINGS, type Render } from "./render.ts";
import { A, B, bytesOf, C, D, envelopeOf, FACTORY, SPARE, TRUSTED, under } from "./root-case.ts";
import type { RootCase, Signer } from "./root-case.ts";
import { TUF_ROWS } from "./rows.ts";

const { parties, next } = FACTORY;
const again = under(D, { "x-note": "again" });
const shouted = under(B, {}, B.keyid.toUpperCase());

/** Edits that leave a root good, or that only signatures can make good. */
const MILD: Readonly<Record<string, readonly Edit[]>> = {
  "threshold 1": [[["roles", "root", "threshold"], 1]],
  "threshold 3": [[["roles", "root", "threshold"], 3]],
  "an unknown member": [[["x-note"], { z: [1, "\n"], a: null }]],
  "no changelog": [[["x-changelog"], undefined]],
  "c stays": [
    listed(parties.c),
    [["roles", "root", "keyids"], ids(parties.a, parties.b, parties.c, parties.d)],
  ],
  "d leaves": [
    [["roles", "root", "keyids"], ids(parties.a, parties.b)],
    [["keys", D.keyid], undefined],
  ],
  "d twice": [
    [["keys", again.keyid], again.object],
    [
      ["roles", "root", "keyids"],
      [A.keyid, D.keyid, again.keyid],
    ],
  ],
  "b shouted": [
    [["keys", shouted.keyid], shouted.object],
    [
      ["roles", "root", "keyids"],
      [A.keyid, B.keyid, shouted.keyid],
    ],
  ],
  "version 6": [[["version"], 6]],
};

/** Edits that the clients, or our readers, do not agree on. */
const ODD: Readonly<Record<string, readonly Edit[]>> = {
  "a role of another shape": [[["roles", "x-note"], { name: "mirrors" }]],
  "a number beside a public half": [[["keys", D.keyid, "keyval", "x-note"], 1]],
};

/** Every row that only changes `signed`, but those that are long. */
const EDITS: readonly (readonly [name: string, changes: readonly Edit[]])[] = [
  ...Object.entries({ ...MILD, ...ODD }),
  ...TUF_ROWS.filter(({ change }) => change !== undefined)
    .map(({ name, change }) => [name, change?.(FACTORY) ?? []] as const)
    .filter(([, changes]) => JSON.stringify(changes).length < 10_000),
];

const SIGNERS: readonly Signer[] = [A, B, C, D, SPARE, again, shouted];

type Tamper = (body: JsonObject) => JsonValue;

const NOTHING: readonly [name: string, tamper: Tamper] = ["", (body) => body];

const TAMPERS: readonly (readonly [name: string, tamper: Tamper])[] = [
  ["a bad signature", (body) => firstSig(body, (sig) => `00${sig.slice(2)}`)],
  ["a signature in upper case", (body) => firstSig(body, (sig) => sig.toUpperCase())],
  ["an empty signature", (body) => firstSig(body, () => "")],
  ["signatures in reverse", (body) => withSignatures(body, (list) => list.toReversed())],
  ["a signature twice", (body) => withSignatures(body, (list) => [...list, ...list.slice(0, 1)])],
  ["an unsigned member", (body) => edits(body, [["note"], 1])],
  ["a change after signing", (body) => edits(body, [["signed", "x-note"], "later"])],
  ["a method", (body) => withSignatures(body, (l) => l.map((s) => ({ ...s, method: "ed25519" })))],
];

function firstSig(body: JsonObject, change: (sig: string) => string): JsonObject {
  return withSignatures(body, (list) =>
    list.map((one, i) => (i > 0 ? one : { ...one, sig: change(one["sig"] as string) })),
  );
}

/** Nothing, half of the time: of what is broken in many ways, nobody accepts anything. */
function seldom<T>(nothing: T, some: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof(fc.constant(nothing), some);
}

const choices = fc.record({
  edited: seldom([], fc.uniqueArray(fc.constantFrom(...EDITS), { maxLength: 3 })),
  anywhere: seldom([], fc.array(changes, { maxLength: 2 })),
  by: seldom([A, B, C, D], fc.shuffledSubarray([...SIGNERS])),
  tamper: seldom(NOTHING, fc.constantFrom(...TAMPERS)),
  render: fc.constantFrom<readonly [string, Render]>(...Object.entries(RENDERINGS)),
});

export interface Randomness {
  readonly cases: number;
  readonly seed: number;
}

export function randomCases({ cases, seed }: Randomness): readonly RootCase[] {
  return fc.sample(choices, { numRuns: cases, seed }).map((choice, i) => {
    const { edited, anywhere, by, tamper, render } = choice;
    const listed = edits(next, ...edited.flatMap(([, change]) => change));
    const signed = anywhere.reduce<JsonObject>(changedAnywhere, listed);
    const body = tamper[1](envelopeOf(signed, by));
    const what = [...edited.map(([name]) => name), tamper[0], render[0]];
    const words = [...what.filter((name) => name !== ""), `${anywhere.length} anywhere`].join(", ");
    return {
      name: `random ${seed}/${i}: ${words}; signed by ${names(by)}`,
      trusted: TRUSTED,
      candidate: isJsonObject(body) ? render[1](body) : bytesOf(body),
    };
  });
}

const LETTERS = new Map(SIGNERS.map((signer, i) => [signer, "abcdsgh"[i]]));

function names(by: readonly Signer[]): string {
  return by.map((signer) => LETTERS.get(signer)).join("");
}
