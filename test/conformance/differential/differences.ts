/**
 * Every difference between our verdict on a root update and a client's; docs/differences.md has the
 * reasons. Each is as narrow as it can be told from the finding, the document and the client's
 * words: what none of them accounts for is unexplained, and fails.
 */
import { ROLES } from "../../../lib/tuf/dialect.ts";
import { BOTH, PYTHON, type Looser, type Stricter } from "./difference.ts";
import { objectAt, rootKeys, textAt } from "./document.ts";
import { STRICTER_ROLES, STRICTER_SIGNED, STRICTER_TEXT } from "./stricter-documents.ts";
import { STRICTER_KEYS, STRICTER_SIGNATURES } from "./stricter-keys.ts";

/** We refuse, they accept. */
export const STRICTER: readonly Stricter[] = [
  ...STRICTER_TEXT,
  ...STRICTER_SIGNED,
  ...STRICTER_ROLES,
  ...STRICTER_KEYS,
  ...STRICTER_SIGNATURES,
];

/** Each client's words for a role that it cannot read: it reads all of them. */
const ROLE_UNREAD = new RegExp(
  [
    "^TypeError: (roles|keyids|threshold) must be",
    "^Error: (duplicate key IDs found|threshold must be at least 1)",
    "^DeserializationError: .* <- (KeyError|AttributeError: .*'pop'|TypeError|ValueError: " +
      "(Role names must|Nonunique keyids|threshold should))",
  ].join("|"),
);

/** We accept, they refuse: the direction in which a fleet stops. */
export const LOOSER: readonly Looser[] = [
  {
    id: "length",
    clients: BOTH,
    readers: ["service", "strict", "lenient"],
    says: /Max length reached|DownloadLengthMismatchError/,
    when: ({ length }) => length > 512_000,
  },
  {
    id: "other-roles",
    clients: BOTH,
    readers: ["lenient"],
    says: ROLE_UNREAD,
    when: ({ candidate }) =>
      Object.keys(objectAt(candidate, "signed", "roles")).length > ROLES.length,
  },
  {
    id: "foreign-expires",
    clients: PYTHON,
    readers: ["lenient"],
    says: /ValueError: (time data|day is out of range)/,
    when: ({ candidate }) =>
      !/^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:\d{2}Z$/.test(expiresOf(candidate)) ||
      /-(02-(29|3)|(04|06|09|11)-31)/.test(expiresOf(candidate)),
  },
  {
    id: "hex-ecdsa",
    clients: PYTHON,
    readers: ["lenient"],
    says: /root was signed by \d+\/\d+ keys/,
    when: ({ candidate }) =>
      rootKeys(candidate).some(
        (key) =>
          textAt(key, "keytype").startsWith("ecdsa") &&
          /^04[0-9a-f]{128}$/.test(textAt(key, "keyval", "public")),
      ),
  },
];

function expiresOf(candidate: Parameters<typeof objectAt>[0]): string {
  return textAt(candidate, "signed", "expires");
}
