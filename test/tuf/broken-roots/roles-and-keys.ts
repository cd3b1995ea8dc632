/** Rules 9 to 13 and 24: roles, thresholds, keyids and keys. */
import type { JsonValue } from "../../../lib/tuf/json.ts";
import { alias, CI, fittingCi, ids, listed, PROD, set, TUF, type BrokenRoot } from "./row.ts";

const NEVER = "ab".repeat(32);

/** As many keyids. */
function numbered(count: number): readonly string[] {
  return Array.from({ length: count }, (_unused, i) => i.toString(16).padStart(64, "0"));
}

export const ROLES_AND_KEYS: readonly BrokenRoot[] = [
  {
    name: "tuf: a trusted key written in another way under its old id",
    errors: ["keyid-derivation"],
    targets: [TUF],
    change: ({ parties: { b } }) => [[["keys", b.key.keyid, "keyid_hash_algorithms"], ["sha256"]]],
  },
  {
    name: "129 keys",
    errors: ["key-count"],
    change: set([["keys"], Object.fromEntries(numbered(129).map((keyid) => [keyid, {}]))]),
  },
  {
    name: "a role with 128 keyids, which is not too many, but no keys for them",
    errors: ["key-unused", "keyid-without-key", "online-keys"],
    targets: [TUF],
    change: set([["roles", "snapshot", "keyids"], numbered(128)]),
  },
  {
    name: "prod: a targets threshold that aktualizr does not take",
    errors: ["threshold-range"],
    targets: [PROD],
    change: set([["roles", "targets", "threshold"], 1001]),
    update: (_factory, submitted) => fittingCi(submitted),
  },
  {
    name: "a role with 129 keyids",
    errors: ["key-count"],
    change: set([["roles", "snapshot", "keyids"], numbered(129)]),
  },
  ...["keys", "expires"].map((member): BrokenRoot => ({
    name: `all else that is wrong, beside ${member} that cannot be read`,
    errors: [
      member === "keys" ? "signed-members" : "expires-format",
      "changelog",
      "current-threshold",
      "role-missing",
      "targets-unsatisfiable",
      "threshold-range",
      "type-wrong",
      "version-skipped",
      ...(member === "keys" ? [] : (["new-threshold", "online-keys"] as const)),
    ],
    change: ({ current }) => [
      [["_type"], "Snapshot"],
      [[member], null],
      [["version"], current.version + 2],
      [["roles", "timestamp"], undefined],
      [["roles", "snapshot", "threshold"], 0],
      [["roles", "targets", "threshold"], 9],
      [["roles", "root", "threshold"], 4],
      [["x-changelog", "polis-id"], "somebody else"],
      [["x-key-owners"], undefined],
    ],
    by: ({ a }) => [a],
  })),
  ...["root", "targets", "snapshot", "timestamp"].map((role): BrokenRoot => ({
    name: `no role ${role}`,
    errors: ["role-missing"],
    change: set([["roles", role], undefined]),
  })),
  { name: "no roles", errors: ["role-missing"], change: set([["roles"], undefined]) },
  { name: "roles as a list", errors: ["role-missing"], change: set([["roles"], []]) },
  ...["mirrors", "offline-updates", "offline-snapshot", "remote-sessions", "__proto__"].map(
    (role): BrokenRoot => ({
      name: `role ${role}`,
      errors: ["role-unknown"],
      change: ({ parties }) => [[["roles", role], { keyids: ids(parties.targets), threshold: 1 }]],
    }),
  ),
  ...Object.entries<JsonValue>({
    "a list": [],
    "no keyids": { threshold: 1 },
    "keyids as text": { keyids: NEVER, threshold: 1 },
    "no threshold": { keyids: [NEVER] },
    "a threshold as text": { keyids: [], threshold: "1" },
  }).map(([name, role]): BrokenRoot => ({
    name: `role snapshot: ${name}`,
    errors: ["role-malformed"],
    change: set([["roles", "snapshot"], role]),
  })),
  {
    name: "ats: a third member of a role",
    errors: ["role-malformed"],
    targets: [CI],
    change: set([["roles", "root", "name"], "root"]),
  },
  {
    name: "root threshold 0",
    errors: ["threshold-range"],
    change: set([["roles", "root", "threshold"], 0]),
  },
  {
    name: "root threshold 4 of 3 keys",
    errors: ["threshold-range", "new-threshold"],
    change: set([["roles", "root", "threshold"], 4]),
  },
  {
    name: "snapshot threshold 0",
    errors: ["threshold-range", "online-keys"],
    change: set([["roles", "snapshot", "threshold"], 0]),
  },
  {
    name: "a root role of nobody",
    errors: ["threshold-range", "new-threshold", "key-unused"],
    targets: [TUF],
    change: set([["roles", "root", "keyids"], []]),
  },
  {
    name: "a threshold that only two ids of one key could reach",
    errors: ["threshold-range", "new-threshold"],
    change: ({ parties: { a, b, d }, dialect }) => [
      listed(alias(a, dialect)),
      [["roles", "root"], { keyids: ids(a, alias(a, dialect), b, d), threshold: 4 }],
    ],
    by: ({ a, b, c, d }, dialect) => [a, alias(a, dialect), b, c, d],
  },
  {
    name: "a targets threshold above the keys",
    errors: ["threshold-range", "targets-unsatisfiable"],
    targets: [TUF, CI],
    change: set([["roles", "targets", "threshold"], 2]),
  },
  {
    name: "ats: in prod too, once an offline targets key is listed",
    errors: ["threshold-range"],
    targets: [PROD],
    change: ({ parties: { targets, spare } }) => [
      listed(spare),
      [["roles", "targets"], { keyids: ids(targets, spare), threshold: 3 }],
    ],
    update: (_factory, body) => fittingCi(body),
  },
  {
    name: "ats: in prod the other roles have no such exception",
    errors: ["threshold-range", "online-keys"],
    targets: [PROD],
    change: set([["roles", "timestamp", "threshold"], 2]),
    update: (_factory, body) => fittingCi(body),
  },
  {
    name: "an upper-case keyid in keys",
    errors: ["keyid-format"],
    change: ({ parties: { spare } }) => [
      [["keys", spare.key.keyid.toUpperCase()], spare.key.object],
    ],
  },
  ...["", "ab", `${NEVER}ab`, NEVER.toUpperCase(), `${NEVER}\n`, 7, null, [NEVER]].map(
    (keyid): BrokenRoot => ({
      name: `keyid ${JSON.stringify(keyid)} in a role`,
      errors: ["keyid-format"],
      change: ({ parties: { a, b, d } }) => [
        [
          ["roles", "root", "keyids"],
          [...ids(a, b, d), keyid],
        ],
      ],
    }),
  ),
  {
    name: "a keyid twice in a role",
    errors: ["keyid-repeated"],
    change: ({ parties: { a, b, d } }) => [[["roles", "root", "keyids"], ids(a, b, d, a)]],
  },
  {
    name: "a keyid without a key",
    errors: ["keyid-without-key"],
    change: ({ parties: { a, b, d } }) => [
      [
        ["roles", "root", "keyids"],
        [...ids(a, b, d), NEVER],
      ],
    ],
  },
  {
    name: "a new key that no role uses",
    errors: ["key-unused"],
    change: ({ parties: { spare } }) => [listed(spare)],
  },
  {
    name: "tuf: a former root key that no role uses",
    errors: ["key-unused"],
    targets: [TUF],
    change: ({ parties: { c } }) => [listed(c)],
  },
  {
    name: "a key under an id that does not follow from it",
    errors: ["keyid-derivation"],
    change: ({ parties: { a, b, d, spare } }) => [
      [["keys", NEVER], spare.key.object],
      [
        ["roles", "root", "keyids"],
        [...ids(a, b, d), NEVER],
      ],
    ],
  },
  {
    name: "a new key under the id of a trusted one",
    errors: ["keyid-derivation", "signature-invalid"],
    change: ({ parties: { b, spare } }) => [[["keys", b.key.keyid], spare.key.object]],
  },
  {
    name: "tuf: a new key under the id of its SPKI, as ats has it",
    errors: ["keyid-derivation"],
    targets: [TUF],
    change: ({ parties: { a, b, d, spare } }) => [
      [["keys", spare.key.key.fingerprint], spare.key.object],
      [
        ["roles", "root", "keyids"],
        [...ids(a, b, d), spare.key.key.fingerprint],
      ],
    ],
  },
  {
    name: "a key that is no object",
    errors: ["key-material"],
    change: set([["keys", NEVER], "key"]),
  },
  {
    name: "a key of 31 bytes, which once crashed a verifier",
    errors: ["key-material"],
    change: ({ parties: { spare } }) => [
      [["keys", NEVER], spare.key.object],
      [["keys", NEVER, "keyval", "public"], "ab".repeat(31)],
    ],
  },
  {
    name: "a root key that cannot be read",
    errors: ["key-material", "keyid-without-key", "key-owners"],
    targets: [CI],
    change: ({ parties: { d } }) => [[["keys", d.key.keyid, "keyval", "public"], "00".repeat(32)]],
  },
  {
    name: "ats: a scheme in a key",
    errors: ["key-material"],
    targets: [CI],
    change: ({ parties: { spare } }) => [
      [["keys", NEVER], spare.key.object],
      [["keys", NEVER, "scheme"], "ed25519"],
    ],
  },
  {
    name: "ats: an owner of no key of this root",
    errors: ["key-owners"],
    targets: [CI],
    change: ({ parties: { c } }) => [[["x-key-owners", c.key.keyid], { "polis-id": "x" }]],
  },
  {
    name: "ats: an owner of something that is no keyid",
    errors: ["key-owners"],
    targets: [CI],
    change: set([["x-key-owners", "root"], {}]),
  },
  {
    name: "ats: owners as a list",
    errors: ["key-owners"],
    targets: [CI],
    change: set([["x-key-owners"], []]),
  },
];
