/**
 * The rules of a Factory's service for a new root beyond the TUF specification (rules 8 and 21 to 26). The
 * root is fresh. The online roles stay signable by the service, and by no foreign service key. The roots of
 * ci and prod agree. Advice refuses nothing.
 */
import type { Sha256 } from "./bytes.ts";
import { ONLINE_ROLES, type Channel, type OnlineRole, type Role } from "./dialect.ts";
import { formatTime } from "./expires.ts";
import type { Finding, Findings } from "./findings.ts";
import { isJsonObject, jsonObject, sameJson, type JsonObject, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import type { Root, RootDraft } from "./root.ts";
import { show, showSome } from "./show.ts";

const DAY = 86_400_000;
const MAX_LIFETIME = 3653 * DAY;
const CHANGELOG_WINDOW = 5 * 60_000;

/** The facts that the service knows when a root is submitted. */
export interface RootUpdate {
  readonly channel: Channel;
  readonly current: Root;
  /** The strictly parsed body. */
  readonly submitted: JsonValue;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The keys that the service will sign with under this root. */
  readonly onlineKeys: Readonly<Record<OnlineRole, KeyId>>;
  /** Fingerprints of those that were made for this update, which the current root does not list. */
  readonly madeKeys?: ReadonlyMap<KeyId, Sha256>;
  /** Fingerprints of online keys that sign no more, and are the service's until they are destroyed. */
  readonly retiringKeys: ReadonlySet<Sha256>;
  /** The key of version 1, for the advice to replace it; null once nobody can tell. */
  readonly initialKey: KeyId | null;
  /** For prod: the ci root of the submitted version, or null where there is none yet. */
  readonly ciRoot: Root | null;
  /**
   * The submitter (fioctl's polis-id), for `x-changelog`; null for an operator who brings back a root that
   * was accepted before, after a restore, and is neither its author nor in time, and for a staged root,
   * whose changelog the service wrote itself.
   */
  readonly user: string | null;
}

/**
 * Rule 8, for the new root only. Prod may follow a ci root that has expired since: it
 * must equal it (rule 23), and without it neither channel could ever move again.
 */
export function checkTime(root: RootDraft, update: RootUpdate, findings: Findings): void {
  const { now, ciRoot } = update;
  const { expires } = root;
  if (expires !== null && expires <= now && ciRoot === null) {
    findings.add(
      "expires-passed",
      `expires: expected a time after ${formatTime(now)}, got ${formatTime(expires)}`,
    );
  } else if (expires !== null && expires > now + MAX_LIFETIME) {
    findings.add(
      "expires-too-far",
      `expires: expected at most 10 years from now, got ${formatTime(expires)}`,
    );
  }
}

/** Rules 22 and 26: who may sign the online roles, and that the service can go on signing them. */
export function checkOnlineKeys(root: RootDraft, update: RootUpdate, findings: Findings): void {
  for (const role of ONLINE_ROLES) checkOnlineRole(role, root, update, findings);
  checkServiceKeys(root, update, findings);
  const { targets } = root.roles;
  if (update.channel !== "prod" && targets !== undefined && targets.threshold !== 1) {
    findings.add(
      "targets-unsatisfiable",
      `role targets: expected threshold 1, got ${targets.threshold}; the service signs ` +
        `targets of this channel with one key`,
    );
  }
}

function checkOnlineRole(
  role: OnlineRole,
  root: RootDraft,
  update: RootUpdate,
  findings: Findings,
): void {
  const keyid = update.onlineKeys[role];
  const listed = root.roles[role];
  if (listed === undefined || root.keys === null) return;
  const { keyids, threshold } = listed;
  const alone = keyids.length === 1 && threshold === 1;
  const key = root.keys.get(keyid)?.key.fingerprint;
  if (
    keyids[0] === keyid &&
    (alone || role === "targets") &&
    key === heldFingerprint(keyid, update)
  ) {
    return;
  }
  const expected = role === "targets" ? "first, offline keys after it" : "alone, with threshold 1";
  findings.add(
    "online-keys",
    `role ${role}: expected the online key ${keyid} ${expected}; got ${showSome(keyids)} ` +
      `with threshold ${threshold}`,
  );
}

/** Rule 22: what the service holds signs online roles first and alone, and never a root. */
function checkServiceKeys(root: RootDraft, update: RootUpdate, findings: Findings): void {
  const { onlineKeys, current } = update;
  // Those that sign now, too, and those that did.
  const keyids = ONLINE_ROLES.flatMap((role) => [onlineKeys[role], current.roles[role].keyids[0]]);
  const held = new Set([
    ...update.retiringKeys,
    ...keyids.map((keyid) => keyid && heldFingerprint(keyid, update)),
  ]);
  const heldIn = (role: Role): readonly KeyId[] =>
    (root.roles[role]?.keyids ?? []).filter((keyid) => {
      const key = root.keys?.get(keyid);
      return key !== undefined && held.has(key.key.fingerprint);
    });
  for (const keyid of heldIn("root")) {
    findings.add(
      "service-key-in-root",
      `role root: key ${keyid} is held by the service, which must never be able to sign a root`,
    );
  }
  for (const keyid of heldIn("targets")) {
    if (root.roles.targets?.keyids[0] === keyid) continue;
    findings.add(
      "online-keys",
      `role targets: key ${keyid} is held by the service; only offline keys may follow the first`,
    );
  }
}

function heldFingerprint(keyid: KeyId, { current, madeKeys }: RootUpdate): Sha256 | undefined {
  return madeKeys?.get(keyid) ?? current.keys.get(keyid)?.key.fingerprint;
}

/** Rule 23: ci and prod differ in the targets threshold and in nothing else. */
export function checkChannels(root: RootDraft, update: RootUpdate, findings: Findings): void {
  if (update.channel !== "prod") return;
  const { ciRoot, current } = update;
  if (ciRoot === null) {
    findings.add(
      "channels-differ",
      `there is no ci root version ${current.version + 1} yet: send it first`,
    );
  } else if (!sameButTargetsThreshold(ciRoot, root)) {
    findings.add(
      "channels-differ",
      `expected the ci root of version ${ciRoot.version} with another targets threshold at most`,
    );
  }
  const { targets } = root.roles;
  if (targets !== undefined && targets.threshold < 2) {
    findings.add(
      "channels-differ",
      `role targets: expected a threshold of at least 2 in prod, got ${targets.threshold}`,
    );
  }
}

/** Whether two roots differ at most in the targets threshold, as ci and prod of one version must. */
export function sameButTargetsThreshold(a: RootDraft, b: RootDraft): boolean {
  return sameJson(withoutTargetsThreshold(a), withoutTargetsThreshold(b));
}

function withoutTargetsThreshold({ signed }: RootDraft): JsonObject {
  const { roles } = signed;
  const targets = isJsonObject(roles) ? roles["targets"] : undefined;
  if (!isJsonObject(roles) || !isJsonObject(targets)) return signed;
  return jsonObject({
    ...signed,
    roles: jsonObject({ ...roles, targets: jsonObject({ ...targets, threshold: 0 }) }),
  });
}

/**
 * Rule 24: a changelog is written by the caller, now. Prod carries the one of ci word for word (rule 23),
 * however much later it follows, and for every sender.
 */
export function checkChangelog(root: RootDraft, update: RootUpdate, findings: Findings): void {
  const { user, now, channel } = update;
  if (channel === "prod" || user === null) return;
  const changelog = root.signed["x-changelog"];
  if (changelog === undefined) return;
  const who = isJsonObject(changelog) ? changelog["polis-id"] : undefined;
  const time = isJsonObject(changelog) ? changelogTime(changelog["timestamp"]) : null;
  if (who !== user) {
    findings.add(
      "changelog",
      `x-changelog: expected polis-id to be the caller's, ${user}, got ${show(who)}`,
    );
  }
  if (time === null || Math.abs(time - now) > CHANGELOG_WINDOW) {
    const got = isJsonObject(changelog) ? changelog["timestamp"] : undefined;
    findings.add(
      "changelog",
      `x-changelog: expected a timestamp within five minutes of ${formatTime(now)}, got ${show(got)}`,
    );
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

/** Rules 21 and 25: warnings, not refusals. */
export function giveAdvice(root: RootDraft, update: RootUpdate, findings: Findings): void {
  for (const { code, message } of adviceOn(root, update.now, update.initialKey)) {
    findings.warn(code, message);
  }
  const { root: role } = root.roles;
  if (role !== undefined && role.threshold < update.current.roles.root.threshold) {
    findings.warn("advice", "the root threshold is lower than before");
  }
}

/**
 * aktualizr follows roots in `RepositoryCommon::updateRoot` (libaktualizr/uptane/uptanerepository.cc): its loop
 * ends before `kMaxRotations`, which is 1000, and compares that with the root's version. The device stays on
 * root version 999 and takes the end for success. A refusal would help nobody: a fleet at 999 is as stuck.
 */
const LAST_FOLLOWED = 999;
const WARN_FROM = 900;

function versionAdvice({ dialect, version }: RootDraft): readonly Finding[] {
  if (dialect !== "ats" || version === null || version < WARN_FROM) return [];
  const left = LAST_FOLLOWED - version;
  const message =
    left < 0
      ? `root version ${version}: aktualizr never asks for it, so devices stay on version ` +
        `${LAST_FOLLOWED} and trust only its keys; they need other software`
      : `root version ${version}: aktualizr follows roots up to version ${LAST_FOLLOWED}, so ` +
        `${left} more can reach devices; rotate rarely and give devices other software in time`;
  return [{ code: "version-high", message }];
}

/** Rules 21 and 25 for one root by itself. @param now milliseconds since 1970 */
export function adviceOn(
  root: RootDraft,
  now: number,
  initialKey: KeyId | null,
): readonly Finding[] {
  const { expires } = root;
  const { keyids, threshold } = root.roles.root ?? { keyids: [], threshold: 0 };
  const advice: string[] = [];
  if (threshold === 1) advice.push("root threshold is 1: one stolen key is enough");
  if (keyids.length > 0 && keyids.length < 3) {
    advice.push("fewer than three root keys: little to fall back on");
  }
  if (expires !== null && expires > now && expires < now + 30 * DAY) {
    advice.push("the root expires in less than 30 days");
  }
  if (initialKey !== null && keyids.includes(initialKey)) {
    advice.push("the first root key, which the service made, is still a root key");
  }
  return [
    ...versionAdvice(root),
    ...advice.map((message): Finding => ({ code: "advice", message })),
  ];
}
