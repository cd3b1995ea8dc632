/**
 * Reads: the state of a Factory, its audit log, and metadata for devices and for owners. A read never signs
 * and never writes, and serves an expired root like any other (rule 29; aktualizr#1646: a read that tried
 * to refresh took a fleet down).
 */
import { RootwardError } from "../error.ts";
import { includesEffect } from "../state/effect.ts";
import type { DocumentAddress } from "../state/documents.ts";
import { isReplaceable, type Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { channelsOf, type Channel, type Role } from "../tuf/dialect.ts";
import { formatTime } from "../tuf/expires.ts";
import type { Needs, Reads } from "./service.ts";
import { findVersion, readEvent, readVersion } from "./store.ts";

/** The state of a Factory as its owner and provisioner may see it; JSON-ready. */
export function describeFactory(head: Head) {
  const { delivery, initialKey } = head;
  return {
    factory: head.factory,
    dialect: head.dialect,
    state: head.state,
    owner: head.owner,
    provisioner: head.provisioner,
    roles: Object.fromEntries(
      channelsOf(head.dialect).map((channel) => [
        channel,
        Object.fromEntries(
          Object.entries(head.roles[channel] ?? {}).map(([role, { version, sha256, expires }]) => [
            role,
            { version, sha256, expires: formatTime(expires) },
          ]),
        ),
      ]),
    ),
    onlineKeys: head.onlineKeys,
    initialKey,
    delivery: {
      mode: delivery.mode,
      state: delivery.state,
      sha256: delivery.sha256,
      size: delivery.size,
      ...(delivery.recipient !== null && { recipient: delivery.recipient }),
      ...(delivery.state === "ready" && { expiresAt: formatTime(delivery.expiresAt) }),
      ...("claimedAt" in delivery &&
        delivery.claimedAt !== null && { claimedAt: formatTime(delivery.claimedAt) }),
      ...(delivery.state === "claimed" && { leaseUntil: formatTime(delivery.leaseUntil) }),
      ...(delivery.state === "confirmed" && { confirmedAt: formatTime(delivery.confirmedAt) }),
      ...(delivery.state === "ended" && { endedAt: formatTime(delivery.endedAt) }),
      ...(delivery.state === "expired" && { expiredAt: formatTime(delivery.expiredAt) }),
      ...(ENDED.includes(delivery.state) && { destroyed: isDestroyed(head) }),
      ...("refusedAt" in delivery &&
        delivery.refusedAt !== null && { secondClaimRefusedAt: formatTime(delivery.refusedAt) }),
    },
    rootUpdate: head.rootUpdate && {
      startedBy: head.rootUpdate.createdBy,
      startedAt: formatTime(head.rootUpdate.createdAt),
    },
    log: head.log,
  };
}

/** States whose swap names the destruction of share and archive. */
const ENDED: readonly Head["delivery"]["state"][] = ["confirmed", "ended", "expired"];

function isDestroyed({ delivery, pending }: Head): boolean {
  const { idHash } = delivery;
  return !(["destroy-share", "destroy-archive"] as const).some((kind) =>
    includesEffect(pending, { kind, idHash }),
  );
}

const LOG_PAGE = 100;

/**
 * Up to 100 audit events from number `from` on, each as the exact text that its hash is of.
 *
 * @returns with `head`, the newest event's number and hash as the head pins them
 */
export async function readLog(service: Needs<"documents">, head: Head, from: number) {
  const { log } = head;
  const last = Math.min(log.seq, from + LOG_PAGE - 1);
  const events: string[] = [];
  for (let seq = from; seq <= last; seq += 1) {
    events.push(new TextDecoder().decode(await readEvent(service, head, seq)));
  }
  return { head: log, events, next: last < log.seq ? last + 1 : null };
}

/**
 * One role's document, for an owner: whatever the state of the Factory.
 *
 * @param version null for the newest
 * @throws RootwardError `not-found`
 */
export async function readRoleFile(
  service: Needs<"documents">,
  head: Head,
  channel: Channel,
  role: Role,
  version: number | null,
): Promise<Uint8Array> {
  const newest = head.roles[channel]?.[role];
  if (newest === undefined) {
    throw new RootwardError("not-found", `${head.factory} ${channel} has no ${role} yet`);
  }
  return readVersion(service, head, channel, role, version ?? newest.version);
}

/**
 * Where one role's document lies, for a device: only once the Factory is live, so that no device is
 * built on a root that may still be replaced. With the owner's word that no device exists it may be
 * replaced later too, until a root version 2 is there: `final` says that the bytes of a version stay.
 * That is so of every role: what ran ahead of the clock is numbered as the next bootstrap numbers its own.
 *
 * Devices have no token, and neither have strangers: a Factory that is not live and one that does not
 * exist have one answer. Its owner reads the state instead.
 *
 * @throws RootwardError `not-found`
 */
export async function findForDevice(
  service: Needs<Reads>,
  factory: FactoryName,
  channel: Channel,
  role: Role,
  version: number | null,
): Promise<{ readonly address: DocumentAddress; readonly final: boolean }> {
  const head = await service.heads.read(factory);
  if (head?.state !== "live") {
    throw new RootwardError("not-found", `there is no Factory ${factory} that devices may read`);
  }
  const newest = head.roles[channel]?.[role];
  if (newest === undefined) {
    throw new RootwardError("not-found", `${factory} ${channel} has no ${role} yet`);
  }
  const address = await findVersion(service, head, channel, role, version ?? newest.version);
  return { address, final: !isReplaceable(head) };
}
