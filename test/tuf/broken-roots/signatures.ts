/** Rules 15 to 19: who signed, in what form, and how often. */
import type { JsonObject, JsonValue } from "../../../lib/tuf/json.ts";
import { edits, signRoot } from "../../support/tuf/test-factory.ts";
import { alias, CI, ids, listed, signedOf, withSignatures, type BrokenRoot } from "./row.ts";

const UNCOUNTED = ["current-threshold", "new-threshold"] as const;

/** The envelope with `member` of its first signature, `a`'s, replaced. */
function first(body: JsonObject, member: string, value: JsonValue): JsonObject {
  return withSignatures(body, (list) =>
    list.map((one, i) => (i === 0 ? edits(one, [[member], value]) : one)),
  );
}

export const SIGNATURES: readonly BrokenRoot[] = [
  {
    name: "no signatures",
    errors: UNCOUNTED,
    by: () => [],
  },
  {
    name: "signatures as an object",
    errors: ["signature-malformed", ...UNCOUNTED],
    tamper: (body) => edits(body, [["signatures"], {}]),
  },
  {
    name: "a signature in the other dialect's text",
    errors: ["signature-malformed", ...UNCOUNTED],
    tamper: (body, { dialect }) => first(body, "sig", dialect === "tuf" ? "q80=" : "abc"),
  },
  {
    name: "ats: a signature without method",
    errors: ["signature-malformed", ...UNCOUNTED],
    says: "keyid, method and base64 sig",
    targets: [CI],
    tamper: (body) => first(body, "method", null),
  },
  {
    name: "ats: a signature with a member more",
    errors: ["signature-malformed", ...UNCOUNTED],
    targets: [CI],
    tamper: (body) => first(body, "note", ""),
  },
  ...["ed25519", "RSASSA-PSS", "rsassa-pkcs1-v1_5", "none", "__proto__"].map(
    (method): BrokenRoot => ({
      name: `an RSA signature with method ${method}`,
      errors: ["signature-method"],
      tamper: (body) => first(body, "method", method),
    }),
  ),
  {
    name: "65 signatures",
    errors: ["signature-count"],
    tamper: (body, { dialect }) =>
      withSignatures(body, (list) => [
        ...list,
        ...Array.from({ length: 61 }, (_unused, i) => ({
          keyid: i.toString(16).padStart(64, "0"),
          sig: "",
          ...(dialect === "ats" && { method: "ed25519" }),
        })),
      ]),
  },
  {
    name: "a keyid that signs twice",
    errors: ["signature-repeated", ...UNCOUNTED],
    tamper: (body) => withSignatures(body, (list) => [...list, ...list.slice(0, 1)]),
  },
  {
    name: "a bad signature by a key that would not be needed",
    errors: ["signature-invalid"],
    tamper: (body) =>
      withSignatures(body, (list) =>
        list.map((one, i) => (i === 0 ? edits(one, [["sig"], list[1]?.["sig"]]) : one)),
      ),
  },
  {
    name: "a signature over something else",
    errors: ["signature-invalid", ...UNCOUNTED],
    tamper: (body) => edits(body, [["signed", "x-changelog", "message"], "something else"]),
  },
  {
    name: "signed by one of two of the current root",
    errors: ["current-threshold"],
    by: ({ a, d }) => [a, d],
  },
  {
    name: "signed by one of two of the new root",
    errors: ["new-threshold"],
    by: ({ a, c }) => [a, c],
  },
  {
    name: "signed in the other dialect's canonical form",
    errors: ["signature-invalid", ...UNCOUNTED],
    tamper: (body, { dialect, parties: { a, b, c, d } }) =>
      signRoot(signedOf(body), dialect, [a, b, c, d], dialect === "tuf" ? "ats" : "tuf"),
  },
  {
    name: "one key of the new root under two ids",
    errors: ["new-threshold"],
    change: ({ parties: { a, b, d }, dialect }) => [
      listed(alias(a, dialect)),
      [["roles", "root"], { keyids: ids(a, alias(a, dialect), b, d), threshold: 3 }],
    ],
    by: ({ a, b, c }, dialect) => [a, alias(a, dialect), b, c],
  },
  {
    name: "signed by the service's keys and by strangers",
    errors: UNCOUNTED,
    by: ({ targets, snapshot, timestamp, spare }) => [targets, snapshot, timestamp, spare],
  },
];
