/** Root updates that nothing is wrong with, in as many forms as a good one can have. */
import { formatTime } from "../../../lib/tuf/expires.ts";
import { jsonObject, type JsonObject, type JsonValue } from "../../../lib/tuf/json.ts";
import { DAY, edits, NOW, type Edit } from "../../support/tuf/test-factory.ts";
import { ids, listed } from "../../tuf/broken-roots/row.ts";
import { RENDERINGS } from "./render.ts";
import { A, after, B, bytesOf, C, D, envelopeOf, FACTORY, NEXT_VERSION } from "./root-case.ts";
import { rootOf, SPARE, TRUSTED, under, type RootCase, type Signer } from "./root-case.ts";

const { parties, next, current } = FACTORY;

/** From one set of root keys to another, signed by the two. */
function step(
  name: string,
  [from, fromThreshold]: readonly [readonly Signer[], number],
  [to, toThreshold]: readonly [readonly Signer[], number],
  ...changes: readonly Edit[]
): RootCase {
  const all = [...new Map([...from, ...to].map((signer) => [signer.keyid, signer])).values()];
  return {
    name: `good: ${name}`,
    trusted: bytesOf(envelopeOf(rootOf(4, from, fromThreshold), from)),
    candidate: bytesOf(envelopeOf(rootOf(5, to, toThreshold, ...changes), all)),
  };
}

function thresholds(): readonly RootCase[] {
  const some = [1, 2, 3] as const;
  return some.flatMap((from) =>
    some.map((to) => step(`threshold ${from} to ${to}`, [[A, B, C], from], [[A, B, D], to])),
  );
}

function rotations(): readonly RootCase[] {
  const all = step("every root key at once", [[A, B, C], 2], [[D, SPARE], 2]);
  const former = rootOf(4, [A, B], 2, [["expires"], "2020-01-01T00:00:00Z"]);
  return [
    all,
    step("one key, threshold 1", [[A], 1], [[B], 1]),
    step("the same keys again", [[A, B, C], 2], [[A, B, C], 2], [["x-note"], "again"]),
    step("keyids in another order", [[A, B, C], 2], [[C, B, A], 2]),
    step("an offline targets key", [[A, B], 2], [[A, B], 2], listed(parties.spare), [
      ["roles", "targets", "keyids"],
      ids(parties.targets, parties.spare),
    ]),
    {
      ...all,
      name: "good: after a root that has expired",
      trusted: bytesOf(envelopeOf(former, [A, B])),
      candidate: bytesOf(envelopeOf(rootOf(5, [A, D], 2), [A, B, D])),
    },
    {
      name: "good: the last version of all",
      trusted: bytesOf(envelopeOf(rootOf(2 ** 31 - 2, [A], 1), [A])),
      candidate: bytesOf(envelopeOf(rootOf(2 ** 31 - 1, [A], 1), [A])),
    },
    after("good: expires in ten years", edits(next, [["expires"], formatTime(NOW + 3652 * DAY)])),
    { name: "the current root again", trusted: TRUSTED, candidate: TRUSTED },
  ];
}

function signatures(): readonly RootCase[] {
  const body = envelopeOf(next, [A, B, C, D]);
  const all = body["signatures"] as readonly JsonObject[];
  const signed = (name: string, list: readonly JsonValue[]): RootCase => ({
    name: `good: ${name}`,
    trusted: TRUSTED,
    candidate: bytesOf(jsonObject({ ...body, signatures: list })),
  });
  const keyid = (n: number): string => n.toString(16).padStart(64, "0");
  const empty = Array.from({ length: 60 }, (_unused, n) => ({ keyid: keyid(n), sig: "" }));
  return [
    signed("signatures in reverse", all.toReversed()),
    signed("an empty signature of a known key", [...all.slice(1), { keyid: A.keyid, sig: "" }]),
    signed("64 signatures, most of them empty", [...all, ...empty]),
    signed(
      "members beside keyid and sig",
      all.map((one) => ({ ...one, note: [1, null] })),
    ),
    signed("a bad signature by a stranger", [...all, { keyid: keyid(1), sig: "00" }]),
    after("good: signed by strangers too", next, [A, B, D, SPARE]),
    after("good: no more signatures than needed", next, [A, B]),
  ];
}

/** Members that nobody knows, which the specification asks to ignore. */
function unknownMembers(): readonly RootCase[] {
  const deep = (n: number): JsonValue => (n === 0 ? "here" : [deep(n - 1)]);
  const members: Readonly<Record<string, Edit>> = {
    "an unknown member": [["x-note"], { b: [1, '\n\t\r"\\/', true], a: null, "": {} }],
    "the largest number": [["x-note"], Number.MAX_SAFE_INTEGER],
    "members named like those of JavaScript": [
      ["x-note"],
      jsonObject({ ["__proto__"]: { a: 1 }, constructor: "x", toJSON: "y", hasOwnProperty: 1 }),
    ],
    "a member __proto__": [["__proto__"], { spec_version: "2.0" }],
    "members named like attributes": [["unrecognizedFields"], { version: 1 }],
    "31 lists in each other": [["x-note"], deep(29)],
    "an unknown member of a role": [["roles", "root", "x-note"], { online: false }],
    "no changelog": [["x-changelog"], undefined],
    "spec_version 1.0": [["spec_version"], "1.0"],
    "spec_version of the future": [["spec_version"], "1.9999.0"],
    "no consistent snapshots": [["consistent_snapshot"], false],
  };
  return Object.entries(members).map(([name, change]) =>
    after(`good: ${name}`, edits(next, change)),
  );
}

/** One key under two ids, where it decides nothing. */
function aliases(): readonly RootCase[] {
  const again = under(D, { "x-note": "again" });
  return [
    after("good: a key under two ids, counted once", rootOf(NEXT_VERSION, [A, B, D, again], 3), [
      A,
      B,
      C,
      D,
      again,
    ]),
    after("good: a key that stays under an old id", rootOf(NEXT_VERSION, [A, B, again], 2), [
      A,
      B,
      again,
    ]),
  ];
}

function renderings(): readonly RootCase[] {
  return Object.entries(RENDERINGS).map(([name, render]) =>
    after(`good: ${name}`, next, [A, B, C, D], render),
  );
}

/** Lengths at the limit of what clients read, and a body that is long only on its way to us. */
function lengths(): readonly RootCase[] {
  const served = (length: number): RootCase => {
    const { candidate } = after("", edits(next, [["x-note"], ""]));
    const text = "m".repeat(length - candidate.length);
    return after(`${length} bytes`, edits(next, [["x-note"], text]));
  };
  const spaces = (body: JsonObject): Uint8Array =>
    new TextEncoder().encode(JSON.stringify(body).replace(":", `:${" ".repeat(550_000)}`));
  const tooLong = "m".repeat(1_024_000);
  return [
    served(512_000),
    served(512_001),
    after("550,000 spaces", next, [A, B, C, D], spaces),
    after(
      "10,000 values in a list",
      edits(next, [["x-note"], Array.from({ length: 10_000 }, () => 1)]),
    ),
    after("more than we read", edits(next, [["x-note"], tooLong])),
  ];
}

export function goodCases(): readonly RootCase[] {
  return [
    ...thresholds(),
    ...rotations(),
    ...signatures(),
    ...unknownMembers(),
    ...aliases(),
    ...renderings(),
    ...lengths(),
    after(`good: version ${current.version + 1}`, next),
  ];
}
