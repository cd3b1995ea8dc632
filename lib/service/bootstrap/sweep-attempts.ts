/**
 * Removes what bootstraps left behind that no head names: those of a process that died, and those of which
 * nobody knew whether the swap was applied. Their remains open nothing, since no person has their links.
 * But a share and an archive are secrets, and nothing else removes them.
 *
 * One that is under way has no head yet, so those that began within an hour stay, on either side of the
 * clock. While the clock is in doubt, all stay. One that a head names, also as replaced, is not one of these.
 */
import { isRootwardError } from "../../error.ts";
import { takeBackAttempt } from "./new-instance.ts";
import type { TokenRecord } from "../ports.ts";
import type { Needs } from "../service.ts";

/** Longer than any bootstrap takes. In milliseconds. */
const UNDER_WAY = 60 * 60_000;

export async function sweepAttempts(
  service: Needs<
    | "archives"
    | "attempts"
    | "boundary"
    | "clock"
    | "heads"
    | "now"
    | "report"
    | "shares"
    | "tokens"
  >,
): Promise<void> {
  const { attempts, clock } = service;
  if (attempts === undefined || clock.doubt() !== null) return;
  const now = service.now();
  for (const record of await attempts.unnamed(now)) {
    if (Math.abs(now - (record.madeAt ?? 0)) < UNDER_WAY) continue;
    try {
      await sweep(service, record);
    } catch (error) {
      service.report("removing what a bootstrap left", error);
    }
  }
}

async function sweep(
  service: Needs<"archives" | "attempts" | "boundary" | "heads" | "report" | "shares" | "tokens">,
  { hash, bound }: TokenRecord,
): Promise<void> {
  if (bound === null) return;
  const { factory, instance } = bound;
  const head = await service.heads.read(factory);
  const named = [head?.instance, ...(head?.replaced ?? []).map((one) => one.instance)];
  if (named.includes(instance)) return;
  const tokens = (await service.tokens.list(factory)).filter(
    (token) => token.bound?.instance === instance && token.hash !== hash,
  );
  const quiet: typeof service = {
    ...service,
    // Online keys that were used are kept for the key retention: a later run removes them.
    report: (what, error, kind) => {
      if (isRootwardError(error) && error.code === "signing-refused") return;
      service.report(what, error, kind);
    },
  };
  // The boundary knows the channels by itself.
  const ref = { factory, instance, dialect: head?.dialect ?? "tuf" } as const;
  await takeBackAttempt(
    quiet,
    ref,
    tokens.map((token) => token.hash),
    hash,
  );
}
