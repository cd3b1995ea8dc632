/**
 * Effects, as they are carried out: one runner for each kind, with the ports that it needs. Each is
 * idempotent.
 */
import { isRootwardError, RootwardError } from "../error.ts";
import { READERS, type Effect, type Events } from "../state/effect.ts";
import { decodeEvent } from "../state/event.ts";
import type { Head } from "../state/head.ts";
import { addressOf } from "../state/messages.ts";
import { isRemovable } from "../state/tokens.ts";
import type { Needs } from "./service.ts";
import { catchUp, catchUpAll } from "./sign-roles.ts";
import { readEvent } from "./store.ts";

type Kind = Effect["kind"];
type Of<K extends Kind> = Extract<Effect, { readonly kind: K }>;

/** A kind without a runner does not compile. */
const RUNNERS = {
  "follow-roots": followRoots,
  "destroy-share": ({ shares }: Needs<"shares">, _head: Head, { idHash }: Of<"destroy-share">) =>
    shares.destroy(idHash),
  "destroy-archive": (
    { archives }: Needs<"archives">,
    _head: Head,
    { idHash }: Of<"destroy-archive">,
  ) => archives.delete(idHash),
  "destroy-key": destroyKey,
  "forget-instance": forgetInstance,
  "withdraw-link": (
    { notifier }: Needs<"notifier">,
    _head: Head,
    { idHash }: Of<"withdraw-link">,
  ) => notifier.withdrawLink(idHash),
  notify,
  announce,
  "end-token": endTokens,
  later: () =>
    Promise.reject(new RootwardError("internal", "only a later release can carry out this effect")),
} satisfies {
  readonly [K in Kind]: (ports: never, head: Head, effect: Of<K>) => Promise<void>;
};

/** The ports that effects of some kinds need, all of them. */
export type PortsOf<K extends Kind> = All<
  K extends Kind
    ? (ports: Parameters<(typeof RUNNERS)[K]> extends [infer P, ...unknown[]] ? P : unknown) => void
    : never
>;
type All<F> = [F] extends [(ports: infer P) => void] ? P : never;

/**
 * @param service has the ports of the kinds in its `effects`; {@link PortsOf} holds its composition to that
 */
export async function carryOut(
  service: Needs<"effects">,
  head: Head,
  effect: Effect,
): Promise<void> {
  const run = RUNNERS[effect.kind] as (
    ports: Needs<"effects">,
    head: Head,
    effect: Effect,
  ) => Promise<void>;
  return run(service, head, effect);
}

async function followRoots(
  service: Needs<"boundary" | "documents">,
  head: Head,
  { channel }: Of<"follow-roots">,
): Promise<void> {
  await catchUp(service, head, channel);
}

/** The boundary destroys no key that a root it trusts lists, so it follows the chains first. */
async function destroyKey(
  service: Needs<"boundary" | "documents">,
  head: Head,
  { role, keyid }: Of<"destroy-key">,
): Promise<void> {
  await catchUpAll(service, head);
  await unlessExpected(service.boundary.destroyKey(head, role, keyid));
}

/**
 * A key that an expected root lists stays: a root that was cancelled after it was signed may be on a
 * device. The boundary sweeps it once another root has that number.
 */
async function unlessExpected(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const refused = isRootwardError(error) && error.code === "signing-refused";
    if (!refused || error.details.facts?.["expected"] === undefined) throw error;
  }
}

/**
 * Removes the rest of an earlier bootstrap: its online keys, and its tokens, which no longer work.
 */
async function forgetInstance(
  service: Needs<"boundary" | "tokens">,
  { factory, dialect, instance: current }: Head,
  { instance }: Of<"forget-instance">,
): Promise<void> {
  if (instance === current) {
    throw new RootwardError("internal", "effect names no earlier instance");
  }
  await unlessExpected(service.boundary.abandon({ factory, instance, dialect }));
  for (const { bound, hash } of await service.tokens.list(factory)) {
    if (bound?.instance === instance) await service.tokens.delete(hash);
  }
}

async function notify(
  service: Needs<"documents" | "notifier">,
  head: Head,
  { reader: only, events }: Of<"notify">,
): Promise<void> {
  const { factory } = head;
  const about = await eventsOf(service, head, events);
  for (const reader of only === null ? READERS : [only]) {
    const email = addressOf(reader, head, about.event.details);
    if (email !== null) await service.notifier.notify({ factory, reader, email, ...about });
  }
}

async function announce(
  service: Needs<"documents" | "notifier">,
  head: Head,
  { events }: Of<"announce">,
): Promise<void> {
  const about = await eventsOf(service, head, events);
  await service.notifier.announce({ factory: head.factory, ...about });
}

/** The newest event of a notice, and the stretch of the log that a shared one is about. */
async function eventsOf(service: Needs<"documents">, head: Head, { shared, ...stretch }: Events) {
  const event = decodeEvent(await readEvent(service, head, stretch.last));
  return shared ? { event, stretch } : { event };
}

/** Removes the record of a token that was revoked, or all that are good for nothing. */
async function endTokens(
  service: Needs<"tokens">,
  head: Head,
  { token: ended }: Of<"end-token">,
): Promise<void> {
  if (ended !== "ended") return service.tokens.delete(ended);
  for (const one of await service.tokens.list(head.factory)) {
    const isOfHead = one.bound?.instance === head.instance;
    if (isOfHead && isRemovable(head, one)) await service.tokens.delete(one.hash);
  }
}
