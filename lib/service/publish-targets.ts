/**
 * Publishing targets of the first channel (main or ci): entries by name, signed as the next targets, with
 * snapshot and timestamp, and switched in one swap. A publisher that loses a race decides again on the
 * newest head, so concurrent publishers lose nothing. A repeated request changes nothing. Targets of prod
 * need signatures made offline, and are not published here.
 */
import { RootwardError } from "../error.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { SPARE_VERSIONS } from "../state/schedule.ts";
import {
  changeTargets,
  isNoChange,
  publishSigned,
  type TargetsChange,
  type TargetsDelta,
} from "../state/targets.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import { firstChannel, type Channel, type Dialect } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import { show } from "../tuf/show.ts";
import { assertTargetsFit, judgeTargetEntries } from "../tuf/target-entries.ts";
import type { Principal } from "./authority.ts";
import { change } from "./change.ts";
import { eventContext, type Needs, type Changes, type Signs } from "./service.ts";
import { catchUp, signRoles } from "./sign-roles.ts";
import { readTargetsOf } from "./store.ts";

export interface Publication extends TargetsChange {
  readonly factory: FactoryName;
  readonly principal: Principal;
}

/** The targets in force after a publication; JSON-ready. */
export interface PublishedTargets extends TargetsDelta {
  readonly channel: Channel;
  readonly version: number;
  /** SHA-256 of the targets document. */
  readonly sha256: Sha256;
  readonly expires: string;
  /** False where all was so already: then nothing was signed. */
  readonly changed: boolean;
}

/**
 * @throws RootwardError `malformed` for a change that says nothing or contradicts itself;
 *   `targets-refused` with every finding; `too-large`; `busy` where others keep coming first, or
 *   where versions are used up
 */
export async function publishTargets(
  service: Needs<Changes | Signs>,
  publication: Publication,
): Promise<PublishedTargets> {
  assertClear(publication);
  let judged = false;
  const { factory, principal } = publication;
  const { transition, channel, delta, targets } = await change(
    service,
    { factory, by: principal, effects: "afterwards" },
    async (head) => {
      if (!judged) assertAcceptable(publication, head.dialect);
      judged = true;
      return decide(service, head, publication);
    },
  );
  const { version, sha256, expires } = targets;
  const changed = transition !== null;
  return { channel, version, sha256, expires: formatTime(expires), changed, ...delta };
}

async function decide(service: Needs<Signs>, head: Head, publication: Publication) {
  const { channel, roles, targets } = published(head);
  const before = await readTargetsOf(service, head, channel, targets.version);
  const after = changeTargets(before, publication);
  const { delta } = after;
  if (isNoChange(delta)) return { transition: null, channel, delta, targets };
  assertTargetsFit(after.targets);
  const ref = await catchUp(service, head, channel);
  const job = { ref, roles, from: "targets", targets: after.targets } as const;
  const signed = await signRoles(service, { ...job, spare: SPARE_VERSIONS });
  const { actor, token } = publication.principal;
  const change = { signed, delta, user: token.user };
  const transition = publishSigned(head, change, eventContext(service, actor));
  return { transition, channel, delta, targets: published(transition.head).targets };
}

/** The targets in force, JSON-ready. */
export async function readTargets(service: Needs<"documents">, head: Head) {
  const { channel, targets } = published(head);
  const { version, expires } = targets;
  const entries = await readTargetsOf(service, head, channel, version);
  return { channel, version, expires: formatTime(expires), targets: entries };
}

/** The first channel's roles, which are signed from the bootstrap on. */
function published({ factory, dialect, roles: all }: Head) {
  const channel = firstChannel(dialect);
  const roles = all[channel];
  if (roles?.targets === undefined) {
    throw new RootwardError("internal", `${factory} ${channel} has no targets`);
  }
  return { channel, roles, targets: roles.targets };
}

function assertClear({ entries, remove }: TargetsChange): void {
  if (Object.keys(entries).length + remove.length === 0) {
    throw new RootwardError("malformed", "expected entries in targets, or names in remove");
  }
  const both = remove.find((name) => Object.hasOwn(entries, name));
  if (both !== undefined) {
    throw new RootwardError("malformed", `${show(both)} is in both targets and remove`);
  }
}

function assertAcceptable({ factory, entries }: Publication, dialect: Dialect): void {
  const { findings, more } = judgeTargetEntries(entries, dialect);
  if (findings.length === 0) return;
  const { length } = findings;
  const errors = findings.map(({ message }) => message);
  const count = length === 1 ? "1 finding" : `${length} findings`;
  throw new RootwardError(
    "targets-refused",
    `targets for ${factory} refused: ${more ? `more than ${length} findings` : count}`,
    { errors: more ? [...errors, "and more: the rest was not checked"] : errors, issues: findings },
  );
}
