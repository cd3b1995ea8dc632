/** What we refuse and clients take: the bytes, the envelope, `signed` and its roles. */
import { isJsonObject } from "../../../lib/tuf/json.ts";
import { always, BOTH, PYTHON, saying, TUF_JS, type Stricter } from "./difference.ts";
import { at, textAt, unreadSignature } from "./document.ts";

const THRESHOLDS = ["current-threshold", "new-threshold"] as const;

export const STRICTER_TEXT: readonly Stricter[] = [
  {
    id: "duplicate-members",
    clients: BOTH,
    codes: ["malformed"],
    when: saying(/duplicate member name/),
  },
  {
    id: "number-forms",
    clients: BOTH,
    codes: ["malformed"],
    when: saying(/expected a plain integer/),
  },
  {
    id: "broken-unicode",
    clients: BOTH,
    codes: ["malformed"],
    when: saying(/lone surrogate|expected UTF-8/),
  },
  { id: "nesting", clients: BOTH, codes: ["malformed"], when: saying(/nested deeper/) },
  { id: "many-values", clients: BOTH, codes: ["too-large"], when: saying(/at most \d+ values/) },
  { id: "foreign-characters", clients: BOTH, codes: ["foreign-character"], when: always },
];

export const STRICTER_SIGNED: readonly Stricter[] = [
  { id: "unsigned-members", clients: BOTH, codes: ["envelope-members"], when: always },
  {
    id: "consistent-snapshot",
    clients: PYTHON,
    codes: ["signed-members"],
    when: (_finding, { candidate }) =>
      isJsonObject(at(candidate, "signed", "keys")) &&
      typeof at(candidate, "signed", "consistent_snapshot") !== "boolean",
  },
  {
    id: "spec-version",
    clients: BOTH,
    codes: ["spec-version"],
    when: (_finding, { candidate, client }) => {
      const parts = textAt(candidate, "signed", "spec_version").split(".");
      const number = client === "tuf-js" ? (s: string) => !Number.isNaN(Number(s)) : isDigits;
      return parts[0] === "1" && [2, 3].includes(parts.length) && parts.every((s) => number(s));
    },
  },
  {
    id: "expires-form",
    clients: TUF_JS,
    codes: ["expires-format"],
    when: (_finding, { candidate }) => typeof at(candidate, "signed", "expires") === "string",
  },
  {
    id: "expires-rewritten",
    clients: PYTHON,
    codes: ["expires-format"],
    when: (_finding, { candidate }) =>
      /^\d{4}-\d{1,2}-\d{1,2}T\d{1,2}:\d{1,2}:\d{1,2}Z$/.test(
        textAt(candidate, "signed", "expires"),
      ),
    brings: [...THRESHOLDS, "signature-invalid"],
  },
  { id: "expiry-later", clients: BOTH, codes: ["expires-passed", "expires-too-far"], when: always },
  {
    id: "version-32-bits",
    clients: BOTH,
    codes: ["version-malformed"],
    when: (_finding, { candidate }) => Number(at(candidate, "signed", "version")) >= 2 ** 31,
  },
  { id: "private-keys", clients: BOTH, codes: ["private-key"], when: always },
];

export const STRICTER_ROLES: readonly Stricter[] = [
  { id: "other-roles", clients: TUF_JS, codes: ["role-unknown"], when: always },
  {
    id: "unreachable-thresholds",
    clients: BOTH,
    codes: ["threshold-range"],
    when: (finding, { candidate }) => {
      const role = /^role (targets|snapshot|timestamp):/.exec(finding.message)?.[1] ?? "";
      return Number(at(candidate, "signed", "roles", role, "threshold")) >= 1;
    },
  },
  {
    id: "other-types",
    clients: PYTHON,
    codes: ["role-malformed", "keyid-format", "signature-malformed"],
    when: ({ code, message }, { candidate }) => {
      if (code === "keyid-format") return !message.includes('"');
      return code === "role-malformed" || unreadSignature(candidate) === "type";
    },
    brings: THRESHOLDS,
  },
  {
    id: "upper-case-keyids",
    clients: BOTH,
    codes: ["keyid-format"],
    when: saying(/"(?=[0-9A-F]*[A-F])[0-9A-F]{64}"/),
  },
  {
    id: "other-keyids",
    clients: BOTH,
    codes: ["keyid-format"],
    when: saying(/"(?!(?=[0-9A-F]*[A-F])[0-9A-F]{64}").*"/),
  },
  { id: "keyids-without-key", clients: BOTH, codes: ["keyid-without-key"], when: always },
  { id: "unused-keys", clients: BOTH, codes: ["key-unused"], when: always },
  { id: "keyid-derivation", clients: BOTH, codes: ["keyid-derivation"], when: always },
  { id: "many-keys", clients: BOTH, codes: ["key-count"], when: always },
  {
    id: "service-policy",
    clients: BOTH,
    codes: ["online-keys", "service-key-in-root", "targets-unsatisfiable", "changelog"],
    when: (_finding, { reader }) => reader === "service",
  },
];

function isDigits(text: string): boolean {
  return /^\d+$/.test(text);
}
