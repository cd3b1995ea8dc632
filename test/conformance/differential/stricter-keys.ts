/** What we refuse and clients take: keys, and signatures by them. */
import { always, BOTH, PYTHON, saying, TUF_JS } from "./difference.ts";
import type { Client, Seen, Stricter } from "./difference.ts";
import { at, countsOneKeyTwice, listAt, oddityOf, textsAt } from "./document.ts";
import { unreadSignature, type Oddity } from "./document.ts";
import type { OurFinding } from "./our-judge.ts";

const THRESHOLDS = ["current-threshold", "new-threshold"] as const;
const UNUSABLE = ["keyid-without-key", ...THRESHOLDS] as const;

const WEAK = /small order|modulus|exponent/;
const SCHEME = /expected keytype\/scheme|keytype says/;
const SHAPE = /expected an object/;

export const STRICTER_KEYS: readonly Stricter[] = [
  {
    id: "weak-keys",
    clients: BOTH,
    codes: ["key-material"],
    when: saying(WEAK),
    brings: UNUSABLE,
  },
  {
    id: "key-schemes",
    clients: BOTH,
    codes: ["key-material"],
    when: saying(SCHEME),
    brings: UNUSABLE,
  },
  {
    id: "key-without-public",
    clients: TUF_JS,
    codes: ["key-material"],
    when: saying(SHAPE),
    brings: UNUSABLE,
  },
  {
    id: "key-forms",
    clients: BOTH,
    codes: ["key-material"],
    when: ({ message }) => ![WEAK, SCHEME, SHAPE].some((other) => other.test(message)),
    brings: UNUSABLE,
  },
];

export const STRICTER_SIGNATURES: readonly Stricter[] = [
  {
    id: "one-key-twice",
    clients: BOTH,
    codes: [...THRESHOLDS, "threshold-range"],
    when: ({ code, message }, { trusted, candidate }) => {
      if (code === "threshold-range" && !message.startsWith("role root:")) return false;
      return countsOneKeyTwice(code === "current-threshold" ? trusted : candidate);
    },
  },
  {
    id: "signature-forms",
    clients: BOTH,
    codes: ["signature-malformed"],
    when: (_finding, { candidate }) => unreadSignature(candidate) === "text",
    brings: THRESHOLDS,
  },
  {
    id: "signature-keyids",
    clients: BOTH,
    codes: ["signature-malformed"],
    when: (_finding, { candidate }) => unreadSignature(candidate) === "keyid",
    brings: THRESHOLDS,
  },
  {
    id: "signature-method",
    clients: BOTH,
    // A lenient reader does not say why it did not count a signature.
    codes: ["signature-method", ...THRESHOLDS],
    when: (_finding, { candidate }) =>
      listAt(candidate, "signatures").some((one) => at(one, "method") !== undefined),
  },
  { id: "many-signatures", clients: BOTH, codes: ["signature-count"], when: always },
  ...(
    [
      ["bad-signatures", null, BOTH, ["signature-invalid"]],
      ["salt-length", "salt", BOTH, ["signature-invalid", ...THRESHOLDS]],
      ["short-signatures", "short", BOTH, ["signature-invalid", ...THRESHOLDS]],
      ["p384", "P-384, SHA-256", TUF_JS, ["signature-invalid", ...THRESHOLDS]],
      ["small-order-signatures", "small order", PYTHON, ["signature-invalid", ...THRESHOLDS]],
    ] as const
  ).map(([id, oddity, clients, codes]): Stricter => ({
    id,
    clients,
    codes,
    when: (finding, seen) => oddities(finding, seen).includes(oddity),
  })),
];

/** Oddities that only one client takes for a good signature. */
const ONLY: Readonly<Partial<Record<Oddity, Client>>> = {
  "P-384, SHA-256": "tuf-js",
  "small order": "python-tuf",
};

/**
 * How the client may have read what we call bad: the signature that the finding names, or where too
 * few are good, each that the root role asks for. Null is a signature that is bad for it too.
 */
function oddities(
  { code, message }: OurFinding,
  { client, candidate }: Seen,
): readonly (Oddity | null)[] {
  const named = /[0-9a-f]{64}/.exec(message)?.[0] ?? "";
  const all = textsAt(candidate, "signed", "roles", "root", "keyids");
  return (code === "signature-invalid" ? [named] : all)
    .map((keyid) => oddityOf(keyid, candidate))
    .map((oddity) => (oddity !== null && (ONLY[oddity] ?? client) === client ? oddity : null));
}
