/**
 * The schedule: looks at the Factories that are due, ends deliveries whose time is over,
 * does pending effects, and signs online roles again long before they expire. Each Factory for
 * itself: one that fails is reported and does not stop the others.
 */
import { isRootwardError } from "../error.ts";
import { retireInstances } from "../state/bootstrap.ts";
import { endDelivery } from "../state/delivery.ts";
import { noticeExpiry } from "../state/expiry-notice.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName } from "../state/names.ts";
import { retireKeys } from "../state/root-update.ts";
import { refreshRoles, type SignedRole } from "../state/roles.ts";
import { rolesToRefresh } from "../state/schedule.ts";
import { RECORD_RETENTION } from "../state/tokens.ts";
import { ONLINE_ROLES } from "../tuf/dialect.ts";
import { change, runPending } from "./change.ts";
import { onlyWaits } from "./effects.ts";
import { readHead } from "./store.ts";
import { returnRoots } from "./roots/return-roots.ts";
import { eventContext, type Needs, type Changes, type Signs } from "./service.ts";
import { signAgain } from "./sign-roles.ts";

const BATCH = 100;

/**
 * Looks at every Factory that is due, once. Failed Factories stay due and sort first, so each batch is
 * enlarged by the number of repeats: they cannot starve the others.
 *
 * @param ending where it is aborted, no further Factory is begun: the next run goes on from there
 * @returns how many were looked at
 */
export async function runSchedule(
  service: Needs<Changes | Signs | "requests" | "verify">,
  ending?: AbortSignal,
): Promise<number> {
  const now = service.now();
  const seen = new Set<FactoryName>();
  let limit = BATCH;
  for (;;) {
    const due = await service.heads.due(now, limit);
    const fresh = due.filter((factory) => !seen.has(factory));
    for (const factory of fresh) {
      await othersTurn();
      if (ending?.aborted === true) return seen.size;
      seen.add(factory);
      try {
        await runScheduleFor(service, factory);
      } catch (error) {
        service.report(`tending to ${factory}`, error, "tending");
      }
    }
    // Only a list that is not full says that nobody waits behind those who came again.
    if (due.length < limit) break;
    limit = BATCH + due.length - fresh.length;
  }
  await removeExpired(service);
  return seen.size;
}

/** Tokens and idempotency keys that have long been of no use, by a time that has certainly come. */
async function removeExpired(
  service: Needs<"clock" | "report" | "requests" | "tokens">,
): Promise<void> {
  const before = service.clock.floor() - RECORD_RETENTION;
  try {
    await service.tokens.removeExpired(before);
    await service.requests.removeOld(before);
  } catch (error) {
    service.report("removing expired tokens", error);
  }
}

/**
 * Lets other work go first, such as the read of a device. A store and keys in this process answer at once,
 * so that a run of awaits over thousands of Factories would otherwise be one piece of work.
 */
async function othersTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/**
 * Does what is due for one Factory. Idempotent. A failed destruction fails the call, but only after the
 * fleet's metadata was refreshed.
 */
export async function runScheduleFor(
  service: Needs<Changes | Signs | "verify">,
  factory: FactoryName,
): Promise<void> {
  const decide = (head: Head) => nextDue(service, head);
  // One at a time, and nearly always none: then this is one read.
  const spec = { factory, by: "schedule", effects: "afterwards" } as const;
  let decided = await change(service, spec, decide);
  while (decided.transition !== null) decided = await change(service, spec, decide);
  if (decided.waits) return;
  const [effects] = await Promise.allSettled([runPending(service, factory)]);
  try {
    await refreshDue(service, factory);
  } catch (error) {
    if (!isRootwardError(error) || error.code !== "roots-behind") throw error;
    await returnRoots(service, factory);
  }
  await sweepKeys(service, factory);
  if (effects.status === "rejected") throw effects.reason;
}

/** Online keys that were made and never named, such as by a process that was killed, go after a week. */
async function sweepKeys(
  service: Needs<"boundary" | "clock" | "heads">,
  factory: FactoryName,
): Promise<void> {
  // The next run does it, once the clock is believed.
  if (service.clock.doubt() !== null) return;
  const head = await readHead(service, factory);
  const { onlineKeys, retiring, rootUpdate } = head;
  const kept = [...retiring, ...(rootUpdate?.made ?? [])].map(({ keyid }) => keyid);
  await service.boundary.sweepKeys(head, new Set([...Object.values(onlineKeys), ...kept]));
}

function nextDue(
  service: Needs<"clock" | "effects" | "now" | "policy" | "randomBytes" | "retries">,
  head: Head,
) {
  const now = eventContext(service, "schedule");
  const ended = endDelivery(head, now) ?? retireKeys(head, now) ?? retireInstances(head, now);
  return { transition: ended ?? noticeExpiry(head, now), waits: onlyWaits(service, head) };
}

async function refreshDue(service: Needs<Changes | Signs>, factory: FactoryName): Promise<void> {
  const spec = { factory, by: "schedule", effects: "afterwards" } as const;
  await change(service, spec, async (head) => {
    const signed = await refresh(service, head);
    return {
      transition:
        signed.length === 0 ? null : refreshRoles(head, signed, eventContext(service, "schedule")),
    };
  });
}

async function refresh(service: Needs<Signs>, head: Head): Promise<readonly SignedRole[]> {
  const signed: SignedRole[] = [];
  for (const [channel, due] of rolesToRefresh(
    head,
    service.policy,
    service.now(),
    service.clock.doubt() === null,
  )) {
    const from = ONLINE_ROLES.find((role) => due.has(role));
    if (from !== undefined) signed.push(...(await signAgain(service, head, channel, from)));
  }
  return signed;
}
