/** Rules 1 to 8, 14, 20 and 21: the bytes, the envelope, and the members of `signed`. */
import { formatTime } from "../../../lib/tuf/expires.ts";
import { DAY, edits, NOW } from "../../support/tuf/test-factory.ts";
import { CI, set, TUF, type BrokenRoot } from "./row.ts";

// Put together here so that no file of ours looks like it held a key.
const PRIVATE_PEM = ["-----BEGIN ", " KEY-----\nMC4CAQA=\n-----END ", " KEY-----\n"];

export const DOCUMENT: readonly BrokenRoot[] = [
  {
    name: "ats: longer than aktualizr reads",
    errors: ["root-too-large"],
    targets: [CI],
    change: set([["x-changelog", "message"], "m".repeat(65_536)]),
  },
  {
    name: "tuf: longer than python-tuf reads",
    errors: ["root-too-large"],
    targets: [TUF],
    change: set([["x-note"], "m".repeat(512_000)]),
  },
  {
    name: "a letter that clients write in different ways",
    errors: ["foreign-character"],
    change: set([["x-changelog", "message"], "für alle"]),
  },
  {
    name: "a control character",
    errors: ["foreign-character"],
    tamper: (body) => edits(body, [["signed", "x-changelog", "message"], "\u0001"]),
  },
  {
    name: "a foreign character in a member name",
    errors: ["foreign-character"],
    change: set([["x-changelog", "für"], "alle"]),
  },
  { name: "a list", errors: ["envelope-members"], tamper: (body) => [body] },
  { name: "a word", errors: ["envelope-members"], tamper: () => "root" },
  {
    name: "an unsigned member",
    errors: ["envelope-members"],
    tamper: (body) => edits(body, [["comment"], ""]),
  },
  {
    name: "tuf: targets-signatures",
    errors: ["envelope-members"],
    targets: [TUF],
    tamper: (body) => edits(body, [["targets-signatures"], {}]),
  },
  {
    name: "ats: a member that fioctl drops",
    errors: ["signed-members"],
    targets: [CI],
    change: set([["x-note"], ""]),
  },
  {
    name: "ats: spec_version",
    errors: ["signed-members"],
    targets: [CI],
    change: set([["spec_version"], "1.0.31"]),
  },
  {
    name: "consistent_snapshot as text",
    errors: ["signed-members"],
    change: set([["consistent_snapshot"], "true"]),
  },
  {
    name: "tuf: no consistent_snapshot",
    errors: ["signed-members"],
    targets: [TUF],
    change: set([["consistent_snapshot"], undefined]),
  },
  {
    name: "no keys",
    errors: ["signed-members"],
    change: set([["keys"], undefined], [["x-key-owners"], undefined]),
  },
  {
    name: "no signed",
    errors: ["signed-members"],
    tamper: (body) => edits(body, [["signed"], undefined]),
  },
  {
    name: "signed as text",
    errors: ["signed-members"],
    tamper: (body) => edits(body, [["signed"], JSON.stringify(body["signed"])]),
  },
  {
    name: "another role",
    errors: ["type-wrong"],
    change: ({ dialect }) => [[["_type"], dialect === "tuf" ? "targets" : "Targets"]],
  },
  {
    name: "the other dialect's _type",
    errors: ["type-wrong"],
    change: ({ dialect }) => [[["_type"], dialect === "tuf" ? "Root" : "root"]],
  },
  { name: "no _type", errors: ["type-wrong"], change: set([["_type"], undefined]) },
  ...[undefined, "2.0.0", "1", "1.0.0-rc1", "1.0.0\n", "01.0", 1, ["1.0"]].map(
    (version): BrokenRoot => ({
      name: `tuf: spec_version ${JSON.stringify(version)}`,
      errors: ["spec-version"],
      targets: [TUF],
      change: set([["spec_version"], version]),
    }),
  ),
  ...[
    "2027-01-15T12:00:00.5Z",
    "2027-01-15T12:00:00+00:00",
    "2027-01-15 12:00:00Z",
    "2027-01-15T12:00:00z",
    "2027-01-15T12:00:00Z\n",
    "2027-01-15T12:00Z",
    "2027-02-29T12:00:00Z",
    "2027-01-15T24:00:00Z",
    "2027-01-15T12:00:60Z",
    "+02027-01-15T12:00:00Z",
    "",
    1_800_000_000,
    undefined,
  ].map((expires): BrokenRoot => ({
    name: `expires ${JSON.stringify(expires)}`,
    errors: ["expires-format"],
    change: set([["expires"], expires]),
  })),
  {
    name: "expires now",
    errors: ["expires-passed"],
    change: set([["expires"], formatTime(NOW)]),
  },
  {
    name: "expires in more than ten years",
    errors: ["expires-too-far"],
    change: set([["expires"], formatTime(NOW + 3653 * DAY + 1000)]),
  },
  ...[0, 2 ** 31, "5", null, undefined].map((version): BrokenRoot => ({
    name: `version ${JSON.stringify(version)}`,
    errors: ["version-malformed"],
    change: set([["version"], version]),
  })),
  {
    name: "a version left out",
    errors: ["version-skipped"],
    change: ({ current }) => [[["version"], current.version + 2]],
  },
  {
    name: "the last version of all",
    errors: ["version-skipped"],
    targets: [TUF],
    change: set([["version"], 2 ** 31 - 1]),
  },
  ...["PRIVATE", "ENCRYPTED PRIVATE", "RSA PRIVATE", "EC PRIVATE", "OPENSSH PRIVATE"].map(
    (label): BrokenRoot => ({
      name: `a PEM ${label} KEY in a message`,
      errors: ["private-key"],
      change: set([["x-changelog", "message"], `use this: ${PRIVATE_PEM.join(label)}`]),
    }),
  ),
  {
    name: "a PEM private key as _type, which a message must not repeat",
    errors: ["private-key", "type-wrong"],
    change: set([["_type"], PRIVATE_PEM.join("PRIVATE")]),
  },
  {
    name: "tuf: keyval.private of a key that is none of ours",
    errors: ["private-key"],
    targets: [TUF],
    change: set([["x-note"], { keyval: { private: "" } }]),
  },
  {
    name: "ats: keyval.private in targets-signatures",
    errors: ["private-key"],
    targets: [CI],
    tamper: (body) => edits(body, [["targets-signatures"], [[{ keyval: { private: null } }]]]),
  },
  {
    name: "ats: keyval.private in keys",
    errors: ["private-key", "key-material", "keyid-without-key", "key-owners"],
    targets: [CI],
    change: ({ parties }) => [
      [["keys", parties.d.key.keyid, "keyval", "private"], "00".repeat(32)],
    ],
  },
];
