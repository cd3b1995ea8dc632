/**
 * What an attacker, or a careless tool, tries: one key counted twice, a threshold that is no number,
 * text where a list belongs, more keys than anybody needs.
 */
import { jsonObject, type JsonValue } from "../../../lib/tuf/json.ts";
import { edits, type Edit } from "../../support/tuf/test-factory.ts";
import { ids } from "../../tuf/broken-roots/row.ts";
import { A, after, B, bytesOf, C, D, envelopeOf, FACTORY, NEXT_VERSION } from "./root-case.ts";
import { rootOf, SPARE, under, type RootCase, type Signer } from "./root-case.ts";
import { rsaSigner } from "./signers.ts";

const { parties, next } = FACTORY;

/** The same key in other words, and therefore, or all the same, under another id. */
function otherForms(): Readonly<Record<string, readonly [Signer, Signer]>> {
  const withText = (signer: Signer, text: string): Signer =>
    under(signer, { keyval: jsonObject({ public: text }) });
  const rsa = rsaSigner();
  const { public: pem } = rsa.object["keyval"] as { readonly public: string };
  const { public: hex } = D.object["keyval"] as { readonly public: string };
  return {
    "with a member more": [D, under(D, { "x-note": "again" })],
    "under its id in upper case": [D, under(D, {}, D.keyid.toUpperCase())],
    "under an id of its own choice": [D, under(D, {}, "ab".repeat(32))],
    "in upper case": [D, withText(D, hex.toUpperCase())],
    "in PEM without the last newline": [rsa, withText(rsa, pem.trimEnd())],
    "in PEM with carriage returns": [rsa, withText(rsa, pem.replaceAll("\n", "\r\n"))],
  };
}

function countedTwice(): readonly RootCase[] {
  return Object.entries(otherForms()).flatMap(([name, [key, again]]) => [
    after(`one key ${name}, in the new root`, rootOf(NEXT_VERSION, [A, key, again], 3), [
      A,
      B,
      key,
      again,
    ]),
    {
      name: `one key ${name}, in the trusted root`,
      trusted: bytesOf(envelopeOf(rootOf(4, [A, key, again], 2), [A, key])),
      candidate: bytesOf(envelopeOf(rootOf(5, [B], 1), [B, key, again])),
    },
  ]);
}

/** Parts of `signed` that are of another type or form, and signed so. */
const PARTS: Readonly<Record<string, readonly Edit[]>> = {
  ...values("root threshold", ["roles", "root", "threshold"], [true, "2", null, [2], -1]),
  ...values("snapshot threshold", ["roles", "snapshot", "threshold"], [true, "1", null, 0, 2, 99]),
  ...values(
    "snapshot keyids",
    ["roles", "snapshot", "keyids"],
    [
      "ab",
      {},
      [],
      [7],
      [null],
      [[]],
      [""],
      ["constructor"],
      [SPARE.keyid],
      [parties.snapshot.key.keyid.toUpperCase()],
    ],
  ),
  // The rows have roles that are written as roles are.
  ...values(
    "role mirrors",
    ["roles", "mirrors"],
    [null, [], {}, { keyids: [], threshold: 0 }, { keyids: ["", ""], threshold: 1 }],
  ),
  ...values("consistent_snapshot", ["consistent_snapshot"], [null, 1, "no", {}]),
  ...values(
    "spec_version",
    ["spec_version"],
    ["1.", "1.0x10", "1. 5", "1.1e3", "1.00000", "1.0.0.0", "1.0.", "2.0", "", null],
  ),
  ...values("expires", ["expires"], ["never", "2027-01-15", "2027-01-15T12:00:00.000Z"]),
  ...values("keys", ["keys"], [[], "keys", null, {}]),
  ...values("a key", ["keys", "cd".repeat(32)], [null, [], {}, { keytype: 1 }]),
  ...values("_type", ["_type"], ["timestamp", "root ", null, ["root"]]),
  "an unused key that is good": [[["keys", SPARE.keyid], SPARE.object]],
};

function values(
  name: string,
  path: readonly string[],
  list: readonly JsonValue[],
): Readonly<Record<string, readonly Edit[]>> {
  return Object.fromEntries(
    list.map((value) => [`${name} ${JSON.stringify(value)}`, [[path, value]]] as const),
  );
}

/** As many keys as the root has, and those beyond them in the targets role. */
function keyCount(count: number): RootCase {
  const keyid = (i: number): string => i.toString(16).padStart(64, "0");
  const extra = Array.from({ length: count - 6 }, (_unused, i) => keyid(i));
  const keys = extra.map((id): Edit => [["keys", id], SPARE.object]);
  return after(
    `${count} keys`,
    edits(next, ...keys, [
      ["roles", "targets", "keyids"],
      [...ids(parties.targets), ...extra],
    ]),
  );
}

function versions(): readonly RootCase[] {
  const at = (from: number, to: number): RootCase => ({
    name: `version ${to} after ${from}`,
    trusted: bytesOf(envelopeOf(rootOf(from, [A, B], 2), [A, B])),
    candidate: bytesOf(envelopeOf(rootOf(to, [A, B], 2, [["x-note"], to]), [A, B])),
  });
  return [at(4, 3), at(4, 4), at(4, 6), at(2 ** 31 - 1, 2 ** 31), at(2 ** 31 - 1, 1)];
}

export function attackCases(): readonly RootCase[] {
  const parts = Object.entries(PARTS).map(([name, changes]) =>
    after(`part: ${name}`, edits(next, ...changes), [A, B, C, D]),
  );
  return [...countedTwice(), ...parts, ...versions(), keyCount(129)];
}
