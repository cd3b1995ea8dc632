/**
 * What a Factory's service asks of a new root beyond the TUF specification (rules 8 and 21 to 26):
 * that it is fresh, that the online roles stay signable by the service and by nobody else's service
 * key, that ci and prod say the same, and good advice that refuses nothing.
 */
import { sha256 } from "./bytes.ts";
import { canonicalize } from "./canonical.ts";
import { ONLINE_ROLES, type Channel, type OnlineRole } from "./dialect.ts";
import { formatTime } from "./expires.ts";
import type { Findings } from "./findings.ts";
import { isJsonObject, jsonObject, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import type { Root } from "./root.ts";

const DAY = 86_400_000;
const MAX_LIFETIME = 3653 * DAY;
const CHANGELOG_WINDOW = 5 * 60_000;

/** What the service knows when a root is submitted. */
export interface RootUpdate {
  readonly channel: Channel;
  readonly current: Root;
  /** The strictly parsed body. */
  readonly submitted: JsonValue;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The keys that the service signs with. */
  readonly onlineKeys: Readonly<Record<OnlineRole, KeyId>>;
  /** The key of version 1, for the advice to replace it; null once nobody can tell. */
  readonly initialKey: KeyId | null;
  /** For prod: the ci root of the submitted version, or null where there is none yet. */
  readonly ciRoot: Root | null;
  /**
   * Who submits (fioctl's polis-id), for `x-changelog`; null for an operator who brings back a root
   * that was accepted before, after a restore, and is neither its author nor in time.
   */
  readonly user: string | null;
}

/**
 * Rule 8, for the new root only; and rule 21. Prod may follow a ci root that has expired since: it
 * must equal it (rule 23), and without it neither channel could ever move again.
 */
export function checkTime(root: Root, update: RootUpdate, findings: Findings): void {
  const { now, ciRoot } = update;
  const at = formatTime(root.expires);
  if (root.expires <= now && ciRoot === null) {
    findings.add("expires-passed", `expires: expected a time after ${formatTime(now)}, got ${at}`);
  } else if (root.expires > now + MAX_LIFETIME) {
    findings.add("expires-too-far", `expires: expected at most 10 years from now, got ${at}`);
  }
  if (root.dialect === "ats" && root.version >= 900) {
    findings.warn("version-high", "some clients fetch no root from version 1000 on");
  }
}

/** Rules 22 and 26: who may sign the online roles, and that the service can go on signing them. */
export function checkOnlineKeys(root: Root, update: RootUpdate, findings: Findings): void {
  const { onlineKeys, current } = update;
  for (const role of ONLINE_ROLES) {
    const keyid = onlineKeys[role];
    const { keyids, threshold } = root.roles[role];
    const fits =
      role === "targets"
        ? keyids[0] === keyid
        : keyids.length === 1 && keyids[0] === keyid && threshold === 1;
    const listed = root.keys.get(keyid)?.key.fingerprint;
    if (!fits || listed !== current.keys.get(keyid)?.key.fingerprint) {
      findings.add(
        "online-keys",
        role === "targets"
          ? `role targets: expected the online key ${keyid} first, offline keys after it`
          : `role ${role}: expected the online key ${keyid} alone, with threshold 1`,
      );
    }
  }
  checkServiceKeys(root, update, findings);
  if (update.channel !== "prod" && root.roles.targets.threshold !== 1) {
    findings.add(
      "targets-unsatisfiable",
      `role targets: expected threshold 1, got ${root.roles.targets.threshold}; the service signs ` +
        `targets of this channel with one key`,
    );
  }
}

function checkServiceKeys(root: Root, update: RootUpdate, findings: Findings): void {
  const { onlineKeys, current } = update;
  const held = new Set(
    ONLINE_ROLES.map((role: OnlineRole) => current.keys.get(onlineKeys[role])?.key.fingerprint),
  );
  const isHeld = (keyid: KeyId): boolean => held.has(root.keys.get(keyid)?.key.fingerprint);
  for (const keyid of root.roles.root.keyids.filter(isHeld)) {
    findings.add(
      "service-key-in-root",
      `role root: key ${keyid} is held by the service, which must never be able to sign a root`,
    );
  }
  for (const keyid of root.roles.targets.keyids.slice(1).filter(isHeld)) {
    findings.add(
      "online-keys",
      `role targets: key ${keyid} is held by the service; only offline keys may follow the first`,
    );
  }
}

/** Rule 23: ci and prod differ in the targets threshold and in nothing else. */
export function checkChannels(root: Root, update: RootUpdate, findings: Findings): void {
  if (update.channel !== "prod") return;
  const { ciRoot } = update;
  if (ciRoot === null) {
    findings.add(
      "channels-differ",
      `there is no ci root version ${root.version} yet: send it first`,
    );
  } else if (!sameButTargetsThreshold(ciRoot, root)) {
    findings.add(
      "channels-differ",
      `expected the ci root of version ${root.version} with another targets threshold at most`,
    );
  }
  if (root.roles.targets.threshold < 2) {
    findings.add(
      "channels-differ",
      `role targets: expected a threshold of at least 2 in prod, got ${root.roles.targets.threshold}`,
    );
  }
}

/** Whether two roots differ at most in the targets threshold, as ci and prod of one version must. */
export function sameButTargetsThreshold(a: Root, b: Root): boolean {
  return withoutTargetsThreshold(a) === withoutTargetsThreshold(b);
}

function withoutTargetsThreshold(root: Root): string {
  const roles = root.signed["roles"];
  const targets = isJsonObject(roles) ? roles["targets"] : undefined;
  if (!isJsonObject(roles) || !isJsonObject(targets)) return "";
  const neutral = jsonObject({
    ...root.signed,
    roles: jsonObject({ ...roles, targets: jsonObject({ ...targets, threshold: 0 }) }),
  });
  return sha256(canonicalize(neutral, root.dialect));
}

/**
 * Rule 24: a changelog is written by the caller, now. Prod carries the one of ci word for word
 * (rule 23), however much later it follows and whoever sends it.
 */
export function checkChangelog(root: Root, update: RootUpdate, findings: Findings): void {
  const { user, now, channel } = update;
  if (channel === "prod" || user === null) return;
  const changelog = root.signed["x-changelog"];
  if (changelog === undefined) return;
  const who = isJsonObject(changelog) ? changelog["polis-id"] : undefined;
  const time = isJsonObject(changelog) ? changelogTime(changelog["timestamp"]) : null;
  if (who !== user)
    findings.add("changelog", "x-changelog: expected polis-id to be the caller's id");
  if (time === null || Math.abs(time - now) > CHANGELOG_WINDOW) {
    findings.add("changelog", "x-changelog: expected a timestamp within five minutes of now");
  }
}

/** fioctl before 0.30 writes local time with nanoseconds, so any RFC 3339 time is read. */
function changelogTime(value: JsonValue | undefined): number | null {
  if (
    typeof value !== "string" ||
    !/^\d{4}-\d{2}-\d{2}T[\d:.]{8,18}(?:Z|[+-]\d{2}:\d{2})$/.test(value)
  ) {
    return null;
  }
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}

/** Rule 25: warnings, not refusals. */
export function giveAdvice(root: Root, update: RootUpdate, findings: Findings): void {
  const { keyids, threshold } = root.roles.root;
  if (threshold === 1) findings.warn("advice", "root threshold is 1: one stolen key is enough");
  if (keyids.length < 3)
    findings.warn("advice", "fewer than three root keys: little to fall back on");
  if (threshold < update.current.roles.root.threshold) {
    findings.warn("advice", "the root threshold is lower than before");
  }
  if (root.expires > update.now && root.expires < update.now + 30 * DAY) {
    findings.warn("advice", "the root expires in less than 30 days");
  }
  if (update.initialKey !== null && keyids.includes(update.initialKey)) {
    findings.warn("advice", "the first root key, which the service made, is still a root key");
  }
}
