/**
 * Root ingestion through the first door: a whole signed root for one channel. Reads, judges by the
 * pure rules, and commits in one swap; of a refused root nothing is kept.
 */
import { RootwardError } from "../../error.ts";
import { rolePlace, storedDocument } from "../../state/documents.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { acceptRoots } from "../../state/roles.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { channelsOf, rootLimits, ONLINE_ROLES, type Channel } from "../../tuf/dialect.ts";
import type { Finding } from "../../tuf/findings.ts";
import { parseJson, type JsonValue } from "../../tuf/json.ts";
import type { Root } from "../../tuf/root.ts";
import { verifySubmittedRoot, type RootVerdict } from "../../tuf/submitted-root.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { bringBack } from "./bring-back.ts";
import { findUnsigned } from "./published-roles.ts";
import { currentRoot, rootOf } from "../store.ts";
import { expectRoots } from "./expect-roots.ts";
import { rootRefused } from "./root-refused.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";
import { catchUpAll } from "../sign-roles.ts";

export interface Submission {
  readonly factory: FactoryName;
  readonly channel: Channel;
  /** The request body. */
  readonly body: Uint8Array;
  readonly principal: Principal;
  /** Judge only. */
  readonly dryRun: boolean;
}

export interface SubmissionResult {
  readonly channel: Channel;
  readonly version: number;
  /** SHA-256 of the stored document. */
  readonly sha256: Sha256;
  /** False where it was the current root already, or for a dry run. */
  readonly changed: boolean;
  readonly warnings: readonly Finding[];
}

/**
 * @throws RootwardError `malformed`, `too-large`; `root-refused` with every finding;
 *   `version-conflict` where somebody was faster;
 *   `roots-behind` where the signer trusts another root of this or a later version; `channel-behind` where prod must follow ci first
 */
export async function submitRoot(
  service: Needs<Changes | Signs | "verify">,
  submission: Submission,
): Promise<SubmissionResult> {
  const { factory, principal, dryRun } = submission;
  let submitted: JsonValue | undefined;
  let decision;
  try {
    // The root is in force whatever becomes of the effects.
    const submitting = { factory, by: principal, effects: "awaited" } as const;
    decision = await change(service, submitting, async (head) => {
      submitted ??= parseJson(submission.body, rootLimits(head.dialect));
      return decide(service, head, submission, submitted);
    });
  } catch (error) {
    const back = dryRun ? null : await bringBack(service, submission, error);
    if (back === null) throw error;
    return back;
  }
  const { version, sha256, warnings } = decision;
  const changed = decision.transition !== null && !dryRun;
  return { channel: submission.channel, version, sha256, warnings, changed };
}

async function decide(
  service: Needs<"boundary" | "clock" | "documents" | "now" | "policy" | "randomBytes" | "verify">,
  head: Head,
  submission: Submission,
  submitted: JsonValue,
) {
  const { factory, channel, principal, dryRun } = submission;
  const roles = head.roles[channel];
  if (roles === undefined) {
    throw new RootwardError("not-found", `Factory ${factory} has no channel ${channel}`);
  }
  await catchUpAll(service, head);
  assertNothingStaged(head);
  const current = await currentRoot(service, head, channel);
  const verdict = verifySubmittedRoot(
    {
      channel,
      current,
      submitted,
      now: service.now(),
      onlineKeys: head.onlineKeys,
      retiringKeys: new Set(head.retiring.map(({ fingerprint }) => fingerprint)),
      initialKey: head.initialKey.keyid,
      ciRoot: await ciRootAfter(service, head, channel, current),
      user: principal.token.scopes.includes("admin") ? null : principal.token.user,
    },
    service.verify,
  );
  if (verdict.kind === "same") {
    const { version, sha256 } = roles.root;
    return { transition: null, version, sha256, warnings: verdict.warnings };
  }
  if (verdict.kind !== "accepted") throw refusal(factory, channel, verdict);
  if (channel === "ci") assertProdFollowed(head);
  const { root } = verdict;
  const errors = await findUnsigned(service, head, channel, root, ONLINE_ROLES);
  if (errors.length > 0) {
    throw rootRefused(`root for ${factory} ${channel}`, errors);
  }
  const { version } = root;
  const document = storedDocument(rolePlace(head, channel, "root", version), verdict.document);
  const now = eventContext(service, principal.actor);
  const accepted = [{ channel, root, document }];
  if (!dryRun) await expectRoots(service, head, accepted);
  const acceptance = {
    accepted,
    signed: [],
    user: principal.token.user,
    initialKeyListed: await initialKeyListed(service, head, channel, root),
  };
  return {
    transition: dryRun ? null : acceptRoots(head, acceptance, now),
    version,
    sha256: document.address.sha256,
    warnings: verdict.warnings,
  };
}

/** For prod: the ci root of the version that comes next, which prod must equal (rule 23). */
async function ciRootAfter(
  service: Needs<"documents">,
  head: Head,
  channel: Channel,
  current: Root,
): Promise<Root | null> {
  const version = current.version + 1;
  if (channel !== "prod" || (head.roles.ci?.root.version ?? 0) < version) return null;
  return rootOf(service, head, "ci", version);
}

/** A staged root update changes both channels at once; a root from elsewhere would cut it off. */
function assertNothingStaged({ factory, rootUpdate }: Head): void {
  if (rootUpdate === null) return;
  throw new RootwardError(
    "busy",
    `a root update of ${factory} is in progress, started by ${rootUpdate.createdBy}: apply or ` +
      `cancel it first (fioctl keys tuf updates review)`,
  );
}

/** Whether a current root lists the first key once `root` is current. */
async function initialKeyListed(
  service: Needs<"documents">,
  head: Head,
  channel: Channel,
  root: Root,
) {
  const { keyid } = head.initialKey;
  if (root.roles.root.keyids.includes(keyid)) return true;
  // Nobody asks where it was delivered by a link.
  if (head.delivery.mode === "link") return false;
  for (const other of channelsOf(head.dialect).filter((name) => name !== channel)) {
    const { roles } = await currentRoot(service, head, other);
    if (roles.root.keyids.includes(keyid)) return true;
  }
  return false;
}

/** Older fioctl sends ci first and then prod; the next ci root waits until prod has followed. */
function assertProdFollowed({ factory, roles }: Head): void {
  const [ci, prod] = [roles.ci?.root.version ?? 0, roles.prod?.root.version ?? 0];
  if (prod < ci) {
    throw new RootwardError(
      "channel-behind",
      `the prod root of ${factory} is at version ${prod}, ci at ${ci}: send prod root ` +
        `${prod + 1} first (fioctl keys rotate-root --sync-prod, or rootward keys rotate)`,
    );
  }
}

function refusal(
  factory: FactoryName,
  channel: Channel,
  verdict: RootVerdict & { kind: "conflict" | "refused" },
): RootwardError {
  if (verdict.kind === "conflict") {
    return new RootwardError(
      "version-conflict",
      `${factory} ${channel} is at root version ${verdict.current} already, got other content for ` +
        `version ${verdict.got}: read the current root and sign its successor`,
      { facts: { currentVersion: verdict.current } },
    );
  }
  return rootRefused(`root for ${factory} ${channel}`, verdict.errors);
}
