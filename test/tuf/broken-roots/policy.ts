/** Rules 22 to 26: who may sign online, what ci and prod have in common, and the changelog. */
import { formatTime } from "../../../lib/tuf/expires.ts";
import { NOW, OWNER } from "../../support/tuf/test-factory.ts";
import type { Edit, Parties } from "../../support/tuf/test-factory.ts";
import { alias, CI, fittingCi, ids, listed, PROD, set, TUF, type BrokenRoot } from "./row.ts";

const MINUTE = 60_000;

/** The targets role with an offline key after the online one. */
const offlineTargets = ({ targets, spare }: Parties, threshold: number): readonly Edit[] => [
  listed(spare),
  [["roles", "targets"], { keyids: ids(targets, spare), threshold }],
];

export const POLICY: readonly BrokenRoot[] = [
  {
    name: "ats: snapshot signed with the timestamp key, the snapshot key still listed",
    errors: ["online-keys"],
    targets: [CI],
    change: ({ parties }) => [[["roles", "snapshot", "keyids"], ids(parties.timestamp)]],
  },
  {
    name: "targets: an offline key first",
    errors: ["online-keys"],
    says: "first, offline keys after it; got",
    change: ({ parties: { targets, spare } }) => [
      listed(spare),
      [["roles", "targets"], { keyids: ids(spare, targets), threshold: 1 }],
    ],
  },
  ...(["snapshot", "timestamp"] as const).map((role): BrokenRoot => ({
    name: `${role}: a key that the service does not hold`,
    errors: ["online-keys"],
    change: ({ parties }) => [
      [["keys", parties[role].key.keyid], undefined],
      listed(parties.spare),
      [["roles", role, "keyids"], ids(parties.spare)],
    ],
  })),
  {
    name: "snapshot: a second key",
    errors: ["online-keys"],
    says: "alone, with threshold 1; got",
    change: ({ parties: { snapshot, spare } }) => [
      listed(spare),
      [["roles", "snapshot", "keyids"], ids(snapshot, spare)],
    ],
  },
  {
    name: "timestamp: two keys, threshold 2",
    errors: ["online-keys"],
    change: ({ parties: { timestamp, spare } }) => [
      listed(spare),
      [["roles", "timestamp"], { keyids: ids(timestamp, spare), threshold: 2 }],
    ],
  },
  {
    name: "targets: another key of the service behind the first",
    errors: ["online-keys"],
    change: ({ parties: { targets, snapshot } }) => [
      [["roles", "targets", "keyids"], ids(targets, snapshot)],
    ],
  },
  {
    name: "targets: the online key again under another id",
    errors: ["online-keys"],
    change: ({ parties: { targets }, dialect }) => [
      listed(alias(targets, dialect)),
      [["roles", "targets", "keyids"], ids(targets, alias(targets, dialect))],
    ],
  },
  {
    name: "another key under the online key's id",
    errors: ["online-keys", "keyid-derivation"],
    change: ({ parties: { snapshot, spare } }) => [
      [["keys", snapshot.key.keyid], spare.key.object],
    ],
  },
  ...(["targets", "snapshot", "timestamp"] as const).map((role): BrokenRoot => ({
    name: `root: the service's ${role} key`,
    errors: ["service-key-in-root"],
    change: ({ parties }) => [
      [["roles", "root", "keyids"], ids(parties.a, parties.b, parties.d, parties[role])],
    ],
  })),
  {
    name: "root: the service's key under another id",
    errors: ["service-key-in-root"],
    change: ({ parties: { a, b, d, targets }, dialect }) => [
      listed(alias(targets, dialect)),
      [["roles", "root", "keyids"], ids(a, b, d, alias(targets, dialect))],
    ],
  },
  {
    name: "targets that the service cannot sign alone",
    errors: ["targets-unsatisfiable"],
    targets: [TUF, CI],
    change: ({ parties }) => offlineTargets(parties, 2),
  },
  {
    name: "prod before ci",
    errors: ["channels-differ"],
    targets: [PROD],
    update: () => ({ ciRoot: null }),
  },
  {
    name: "prod with another expiry than ci",
    errors: ["channels-differ"],
    targets: [PROD],
    update: (_factory, body) => fittingCi(body, [["expires"], formatTime(NOW + MINUTE)]),
  },
  {
    name: "prod with other targets keys than ci",
    errors: ["channels-differ"],
    targets: [PROD],
    change: ({ parties }) => offlineTargets(parties, 2),
  },
  {
    name: "prod with the threshold of ci",
    errors: ["channels-differ"],
    targets: [PROD],
    change: set([["roles", "targets", "threshold"], 1]),
  },
  {
    name: "prod without the targets role that ci has",
    errors: ["channels-differ", "role-missing"],
    targets: [PROD],
    change: set([["roles", "targets"], undefined]),
  },
  {
    name: "a changelog of somebody else",
    errors: ["changelog"],
    update: () => ({ user: "somebody else" }),
  },
  ...[NOW - 5 * MINUTE - 1000, NOW + 5 * MINUTE + 1000].map((time): BrokenRoot => ({
    name: `a changelog of ${formatTime(time)}`,
    errors: ["changelog"],
    change: set([["x-changelog", "timestamp"], formatTime(time)]),
  })),
  ...[
    "today",
    "2026-01-15",
    "2026-13-15T12:00:00Z",
    "Thu, 15 Jan 2026 12:00:00 GMT",
    [formatTime(NOW)],
    NOW,
    null,
  ].map((timestamp): BrokenRoot => ({
    name: `a changelog of ${JSON.stringify(timestamp)}`,
    errors: ["changelog"],
    change: set([["x-changelog", "timestamp"], timestamp]),
    says: Array.isArray(timestamp) ? "got a list" : `got ${JSON.stringify(timestamp)}`,
  })),
  { name: "a changelog as text", errors: ["changelog"], change: set([["x-changelog"], OWNER]) },
];
