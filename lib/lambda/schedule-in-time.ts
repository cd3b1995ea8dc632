/**
 * One run of the schedule. It begins no Factory that it may not finish, and says how many are left: a
 * Factory that stays due for long is a fleet whose metadata comes near its end.
 */
import type { Needs, Changes, Signs } from "../service/service.ts";
import { runSchedule } from "../service/run-schedule.ts";
import type { Invocation } from "./handler.ts";
import { count } from "./telemetry.ts";

/** Milliseconds: as long as one Factory with a slow signer takes, and the look at what is left. */
export const FOR_THE_LAST = 45_000;
const LOOK = 100;

export async function scheduleInTime(
  service: Needs<Changes | Signs | "requests" | "verify">,
  invocation: Invocation,
): Promise<void> {
  const time = Math.max(0, invocation.getRemainingTimeInMillis() - FOR_THE_LAST);
  const ending = AbortSignal.timeout(time);
  await service.clock.mark().catch((error: unknown) => service.report("clock", error));
  count("ClockInDoubt", service.clock.doubt() === null ? 0 : 1);
  const tended = await runSchedule(service, ending);
  count("Tended", tended);
  // Where nothing was due, which is nearly always, nothing is left.
  const idle = tended === 0 && !ending.aborted;
  // By a time that has certainly come: what is signed while the clock is in doubt is due until it is believed.
  const due = idle ? [] : await service.heads.due(service.clock.floor(), LOOK);
  count("StillDue", due.length);
}
