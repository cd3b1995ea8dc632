/**
 * The review of a root update: current and staged roots, changes, missing signatures and who can supply
 * them, and advice. Reads only.
 */
import type { AnswerOf } from "../../api/operation.ts";
import type { reviewUpdate as reviewUpdateOperation } from "../../api/root-updates.ts";
import type { Head } from "../../state/head.ts";
import { channelsOf, firstChannel, rootMember, type Channel } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import type { Finding, FindingCode } from "../../tuf/findings.ts";
import { keyOwners, rootChanges } from "../../tuf/root-diff.ts";
import type { RootDraft } from "../../tuf/root.ts";
import { show } from "../../tuf/show.ts";
import type { StagedJudgement, StagedUpdate } from "../../tuf/staged-root.ts";
import { adviceOn } from "../../tuf/policy.ts";
import type { Needs } from "../service.ts";
import { currentRoot, readVersion } from "../store.ts";
import { judgeStaged, parsedEnvelopes, readStagedBytes } from "./staged.ts";

type Review = AnswerOf<typeof reviewUpdateOperation>;
/** A line that a client shows. */
type Note = Review["amendments"][number];

const SIGN = "sign with such a key (fioctl keys tuf updates sign, or rootward keys sign)";

/** The next step for a finding that may stand until the update is applied. */
const NEXT: Readonly<Partial<Record<FindingCode, string>>> = {
  "current-threshold": SIGN,
  "new-threshold": SIGN,
  "expires-passed": "rotate a root key, which extends it (updates rotate-offline-key --role root)",
  "expires-too-far": "stage a root that expires earlier",
  "threshold-range": "add keys (updates add-offline-key) or lower it (updates set-threshold)",
};

/** The answer in fioctl's shape; `ci-root` is the first channel's root in every dialect. */
export async function reviewUpdate(
  service: Needs<"documents" | "now" | "verify">,
  head: Head,
): Promise<Review> {
  const { rootUpdate, dialect } = head;
  const current = new Map<Channel, Uint8Array>();
  for (const channel of channelsOf(dialect)) {
    const version = head.roles[channel]?.root.version ?? 0;
    current.set(channel, await readVersion(service, head, channel, "root", version));
  }
  const now = { ...rootTexts(current), "online-keys": head.onlineKeys };
  if (rootUpdate === null) {
    const root = await currentRoot(service, head, firstChannel(dialect));
    const warnings = adviceOn(root, service.now(), head.initialKey.keyid);
    const issues = { errors: [], warnings: notes(warnings, root) };
    return { status: "NONE", current: now, updated: null, amendments: [], issues };
  }
  const staged = await readStagedBytes(service, head, rootUpdate);
  const envelopes = parsedEnvelopes(staged, dialect);
  const { facts, judged } = await judgeStaged(service, head, rootUpdate, envelopes);
  const { errors, warnings, roots } = judged;
  const draft = roots.get(firstChannel(dialect))?.draft?.root;
  const unproven = rootUpdate.unproven.map((keyid): Note => {
    return {
      kind: "key-unproven",
      message:
        `nothing is signed by root key ${keyid} since the request that brought it: if that command ` +
        `reported an error, cancel, because fioctl has deleted the new key`,
      args: {},
    };
  });
  return {
    status: "STARTED",
    current: now,
    updated: { ...rootTexts(staged), "online-keys": rootUpdate.onlineKeys },
    "first-time": rootUpdate.firstTime,
    "change-meta": {
      "created-by": rootUpdate.createdBy,
      "created-at": formatTime(rootUpdate.createdAt),
      "updated-by": rootUpdate.updatedBy,
      "updated-at": formatTime(rootUpdate.updatedAt),
    },
    amendments: changesOf(facts, roots),
    issues: { errors: notes(errors, draft), warnings: [...unproven, ...notes(warnings, draft)] },
  };
}

/** A channel that the Factory does not have is empty. */
function rootTexts(roots: ReadonlyMap<Channel, Uint8Array>) {
  const texts = { "ci-root": "", "prod-root": "" };
  for (const [channel, bytes] of roots) {
    texts[rootMember(channel)] = new TextDecoder().decode(bytes);
  }
  return texts;
}

/** The changes of all channels, each change once. */
function changesOf({ channels }: StagedUpdate, roots: StagedJudgement["roots"]): readonly Note[] {
  const byMessage = new Map<string, Note>();
  for (const { channel, current } of channels) {
    const next = roots.get(channel)?.draft?.root;
    for (const { kind, message } of next ? rootChanges(current, next) : []) {
      if (!byMessage.has(message)) byMessage.set(message, { kind, message, args: { channel } });
    }
  }
  return [...byMessage.values()];
}

/** Findings with the owners of the keys that they name, and what to do about each. */
function notes(findings: readonly Finding[], root: RootDraft | undefined): readonly Note[] {
  const owners = root ? [...keyOwners(root.signed)] : [];
  return findings.map(({ code, message }): Note => {
    const named = owners.reduce(
      // By a function: what people call themselves is no pattern, and draws on no terminal.
      (text, [keyid, owner]) => text.replaceAll(keyid, () => `${keyid} (${show(owner)})`),
      message,
    );
    const next = NEXT[code];
    return { kind: code, message: next ? `${named}: ${next}` : named, args: {} };
  });
}
