/** What we refuse and clients take: keys, and signatures by them. */
import { always, BOTH, PYTHON, saying, TUF_JS } from "./difference.ts";
import type { Seen, Stricter } from "./difference.ts";
import { at, countsOneKeyTwice, isP384, listAt, oddityOf, textsAt } from "./document.ts";
import { unreadSignature, type Oddity } from "./document.ts";
import type { OurFinding } from "./our-judge.ts";

const THRESHOLDS = ["current-threshold", "new-threshold"] as const;
const UNUSABLE = ["keyid-without-key", ...THRESHOLDS] as const;

const SCHEME = /expected keytype\/scheme|keytype says/;
const ENCODING = /canonical encoding|lower-case hex|PEM block|uncompressed point/;
/** What we say of a key of no kind that we know, and of one that is encoded in another way. */
const SPKI = /expected a SubjectPublicKeyInfo/;

export const STRICTER_KEYS: readonly Stricter[] = [
  {
    id: "weak-keys",
    clients: BOTH,
    codes: ["key-material"],
    when: saying(/small order|modulus|exponent/),
    brings: UNUSABLE,
  },
  {
    id: "p384",
    clients: BOTH,
    codes: ["key-material"],
    when: ({ message }, { candidate }) =>
      (SCHEME.test(message) || SPKI.test(message)) && isP384(keyidIn(message), candidate),
    brings: UNUSABLE,
  },
  {
    id: "key-schemes",
    clients: BOTH,
    codes: ["key-material"],
    when: ({ message }, { candidate }) =>
      SCHEME.test(message) && !isP384(keyidIn(message), candidate),
    brings: UNUSABLE,
  },
  {
    id: "key-without-public",
    clients: TUF_JS,
    codes: ["key-material"],
    when: saying(/expected an object/),
    brings: UNUSABLE,
  },
  {
    id: "keyval-members",
    clients: PYTHON,
    codes: ["key-material"],
    when: saying(/keyval to hold text only/),
    brings: UNUSABLE,
  },
  {
    id: "key-forms",
    clients: BOTH,
    codes: ["key-material"],
    when: ({ message }, { candidate }) =>
      ENCODING.test(message) || (SPKI.test(message) && !isP384(keyidIn(message), candidate)),
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
      ["small-order-signatures", "small order", PYTHON, ["signature-invalid", ...THRESHOLDS]],
    ] as const
  ).map(([id, oddity, clients, codes]): Stricter => ({
    id,
    clients,
    codes,
    when: (finding, seen) => oddities(finding, seen).includes(oddity),
  })),
];

/**
 * How the client may have read what we call bad: the signature that the finding names, or where too
 * few are good, each that the root role asks for. Null is a signature that is bad for it too.
 */
function oddities(
  { code, message }: OurFinding,
  { client, candidate }: Seen,
): readonly (Oddity | null)[] {
  const all = textsAt(candidate, "signed", "roles", "root", "keyids");
  return (code === "signature-invalid" ? [keyidIn(message)] : all)
    .map((keyid) => oddityOf(keyid, candidate))
    .map((oddity) => (oddity === "small order" && client === "tuf-js" ? null : oddity));
}

/** The first keyid that a finding names. */
function keyidIn(message: string): string {
  return /[0-9a-f]{64}/.exec(message)?.[0] ?? "";
}
