/**
 * Judging a staged root update: the roots of all channels together, while they may not be good yet.
 * fioctl stages unsigned roots, sets a threshold before the second key is there, and adds a key
 * while the root is expired. So some rules only say what is left to do while a root is staged
 * ({@link isDeferred}); all of them must hold before it is applied.
 */
import type { Sha256 } from "./bytes.ts";
import type { Channel, OnlineRole } from "./dialect.ts";
import type { Finding, FindingCode } from "./findings.ts";
import { sameJson, type JsonValue } from "./json.ts";
import type { KeyId } from "./keys.ts";
import { judgeRoot, type RootJudgement } from "./submitted-root.ts";
import { wholeRoot, type Root } from "./root.ts";
import type { VerifySignature } from "./signatures.ts";

interface StagedChannel {
  readonly channel: Channel;
  readonly current: Root;
  /** The strictly parsed envelope that is staged, or is to be. */
  readonly submitted: JsonValue;
}

export interface StagedUpdate {
  /** All channels of the Factory; in ats ci before prod. */
  readonly channels: readonly StagedChannel[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The online keys that the update stages, and the fingerprints of those made for it. */
  readonly onlineKeys: Readonly<Record<OnlineRole, KeyId>>;
  readonly madeKeys: ReadonlyMap<KeyId, Sha256>;
  readonly retiringKeys: ReadonlySet<Sha256>;
  readonly initialKey: KeyId | null;
  /** The `x-changelog` that the service wrote when the update was started. */
  readonly changelog: JsonValue;
}

export interface StagedJudgement {
  readonly roots: ReadonlyMap<Channel, RootJudgement>;
  /**
   * The findings of all channels; one that several channels have in the same words is there once.
   */
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const DEFERRED: ReadonlySet<FindingCode> = new Set([
  "expires-passed",
  "expires-too-far",
  "threshold-range",
  "current-threshold",
  "new-threshold",
  "targets-unsatisfiable",
]);

/** Whether a staged root may have this finding until it is applied (rules 8, 10, 18 and 26). */
export function isDeferred({ code }: Finding): boolean {
  return DEFERRED.has(code);
}

/** Judges the roots of all channels by every rule, and that the service's part is as it wrote it. */
export function judgeStagedRoots(update: StagedUpdate, verify: VerifySignature): StagedJudgement {
  const roots = new Map<Channel, RootJudgement>();
  for (const { channel, current, submitted } of update.channels) {
    const ciRoot = wholeRoot(roots.get("ci")?.draft?.root ?? null);
    const { now, onlineKeys, madeKeys, retiringKeys, initialKey } = update;
    const facts = { now, onlineKeys, madeKeys, retiringKeys, initialKey, ciRoot, user: null };
    const judged = judgeRoot({ ...facts, channel, current, submitted }, verify);
    const errors = [...judged.errors, ...changelog(judged, update)];
    // Without a readable ci root there is nothing to hold prod against, and that root has findings.
    const comparable = ciRoot === null ? errors.filter(isOfOneChannel) : errors;
    roots.set(channel, { ...judged, errors: comparable });
  }
  return {
    roots,
    errors: merged(roots, ({ errors }) => errors),
    warnings: merged(roots, ({ warnings }) => warnings),
  };
}

function isOfOneChannel({ code }: Finding): boolean {
  return code !== "channels-differ";
}

/** Rule 24, staged: the service wrote the changelog, and no other client does. */
function changelog({ draft }: RootJudgement, update: StagedUpdate): readonly Finding[] {
  const got = draft?.root.signed["x-changelog"] ?? null;
  if (draft === null || sameJson(got, update.changelog)) return [];
  const message = "x-changelog: expected what the service wrote when the update was started";
  return [{ code: "changelog", message }];
}

function merged(
  roots: ReadonlyMap<Channel, RootJudgement>,
  of: (judged: RootJudgement) => readonly Finding[],
): readonly Finding[] {
  const all = [...roots].map(([channel, judged]) => ({ channel, findings: of(judged) }));
  const seen = new Set<string>();
  return all.flatMap(({ channel, findings }) =>
    findings.flatMap(({ code, message }): readonly Finding[] => {
      const everywhere = all.every((one) => one.findings.some((two) => two.message === message));
      const text = everywhere ? message : `${channel}: ${message}`;
      if (seen.has(text)) return [];
      seen.add(text);
      return [{ code, message: text }];
    }),
  );
}
