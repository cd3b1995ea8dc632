/**
 * Lies about timestamp, snapshot and targets: what was signed once and is over, what was signed for
 * another place, and what nobody signed. All roots are true.
 */
import type { OnlineRole } from "../../lib/tuf/dialect.ts";
import type { Reason } from "./holdings.ts";
import { lastMoment, refusedAt, withFiles, type History, type Lie, type Tampering } from "./lie.ts";
import type { Moment } from "./moment.ts";
import { cutShort, endless, readSigned } from "./signed-file.ts";
import { withFlippedBit, withOtherContent, writeSigned } from "./signed-file.ts";

/** A device that saw `before` is served `served`. */
interface Served {
  readonly before: Moment | null;
  readonly served: Moment;
}

export const ONLINE_LIES: readonly Tampering[] = [
  forgedTimestamp("timestamp with one flipped signature bit", "signature", (bytes, { dialect }) =>
    writeSigned(withFlippedBit(readSigned(bytes), 0, dialect)),
  ),
  forgedTimestamp("timestamp with other content", "signature", (bytes) =>
    writeSigned(withOtherContent(readSigned(bytes))),
  ),
  forgedTimestamp("timestamp that is cut short", "format", cutShort),
  forgedTimestamp("timestamp that does not end", "hash", endless),
  tampering("timestamp that has expired", "timestamp", "expired", ({ moments }) => [
    { before: null, served: moments["bootstrapped"] },
  ]),
  tampering("timestamp that is older than the last", "timestamp", "version", ({ moments }) => [
    { before: moments["timestamp refreshed"], served: moments["online keys rotated"] },
    { before: moments["refreshed again"], served: moments["several rotations"] },
  ]),
  tampering(
    "timestamp by a key that the new root does not list",
    "timestamp",
    "signature",
    ({ moments }) => {
      // All online keys are new there, and then the timestamp's alone.
      const [old, all] = [moments["root rotated"], moments["online keys rotated"]];
      const [later, one] = [moments["timestamp refreshed"], moments["several rotations"]];
      return [
        { before: null, served: withRootsOf(all, old) },
        { before: old, served: withRootsOf(all, old) },
        { before: null, served: withRootsOf(one, later) },
        { before: later, served: withRootsOf(one, later) },
        // The roots that did list it are behind the device, and it does not go back.
        { before: one, served: later },
      ];
    },
  ),
  tampering("timestamp that is withheld", "timestamp", "download", (history) => {
    const { files, holdings } = lastMoment(history);
    const served = { holdings, files: withFiles(files, { "timestamp.json": null }) };
    return [{ before: history.moments["several rotations"], served }];
  }),
  ...(["snapshot", "targets"] as const).flatMap((role) => [
    tampering(`${role} of an earlier day`, role, "hash", ({ moments }) => {
      const bytes = moments["root rotated"].files.get(`${role}.json`);
      return [{ before: null, served: withRole(moments["refreshed again"], role, bytes) }];
    }),
    tampering(`${role} with one flipped signature bit`, role, "hash", ({ moments, dialect }) => {
      const now = moments["refreshed again"];
      const flipped = withFlippedBit(readSigned(now.files.get(`${role}.json`)), 0, dialect);
      return [{ before: null, served: withRole(now, role, writeSigned(flipped)) }];
    }),
  ]),
];

/** A newer timestamp than the device has, forged, with all else as it is. */
function forgedTimestamp(
  name: string,
  refusedFor: Reason,
  forge: (bytes: Uint8Array, history: History) => Uint8Array,
): Tampering {
  return tampering(name, "timestamp", refusedFor, (history) => {
    const now = lastMoment(history);
    const bytes = now.files.get("timestamp.json") ?? new Uint8Array();
    const served = withRole(now, "timestamp", forge(bytes, history));
    return [null, history.moments["several rotations"]].map((before) => ({ before, served }));
  });
}

function tampering(
  name: string,
  role: OnlineRole,
  refusedFor: Reason,
  make: (history: History) => readonly Served[],
): Tampering {
  const lies = (history: History): readonly Lie[] =>
    make(history).map(({ before, served }, index) => {
      const prefix = history.dialect === "tuf" ? `${served.holdings[role]?.version}.` : "";
      const device = before === null ? "a new device" : "one that polled before";
      return {
        what: `${index + 1}, to ${device}`,
        before,
        files: served.files,
        file: role === "timestamp" ? "timestamp.json" : `${prefix}${role}.json`,
        holds: refusedAt(role, withNewestRoot(served, before), before),
      };
    });
  return { name, about: "online roles", refusedFor: [refusedFor], lies };
}

/** A device never goes back to a root before its own. */
function withNewestRoot(served: Moment, before: Moment | null): Moment {
  const own = before?.holdings.root ?? null;
  const newer = own !== null && own.version > (served.holdings.root?.version ?? 0);
  return newer ? { ...served, holdings: { ...served.holdings, root: own } } : served;
}

/** The same moment with other bytes as a role's document, under both names that it has. */
function withRole(moment: Moment, role: OnlineRole, bytes: Uint8Array | undefined): Moment {
  const version = moment.holdings[role]?.version;
  const others = { [`${role}.json`]: bytes ?? null, [`${version}.${role}.json`]: bytes ?? null };
  return { ...moment, files: withFiles(moment.files, others) };
}

/** The online roles of one moment under the roots of a later one. */
function withRootsOf(later: Moment, moment: Moment): Moment {
  const roots = [...later.files].filter(([name]) => name.endsWith(".root.json"));
  const files = withFiles(moment.files, Object.fromEntries(roots));
  return { files, holdings: { ...moment.holdings, root: later.holdings.root } };
}
