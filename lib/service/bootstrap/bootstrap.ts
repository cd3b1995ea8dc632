/**
 * Bootstrap: from a request to a Factory whose owner has a link, or a token that yields the key. The
 * swap that creates the head is the commit; what was stored before it is new-instance.ts.
 */
import { RootwardError } from "../../error.ts";
import { createFactory } from "../../state/bootstrap.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import { authorizeAgain, type Principal } from "../authority.ts";
import { create } from "../change.ts";
import {
  describeBootstrap,
  prepareInstance,
  sendLink,
  withSecrets,
  type BootstrapResult,
  type InstanceSpec,
} from "./new-instance.ts";
import { eventContext, type Needs, type Changes, type Signs } from "../service.ts";

/**
 * @param createdWith the hashed Idempotency-Key, or null
 * @returns with `url` and `ownerToken`; for a replay under the same key without them
 * @throws RootwardError `factory-exists`; `unauthenticated` where the token ended meanwhile
 */
export async function bootstrap(
  service: Needs<
    | Changes
    | Signs
    | "archives"
    | "attempts"
    | "makeRootKey"
    | "notifier"
    | "publicUrl"
    | "shares"
    | "wrapper"
  >,
  spec: InstanceSpec,
  principal: Principal,
  createdWith: Sha256 | null,
): Promise<BootstrapResult> {
  const { factory, dialect } = spec;
  // Before seconds of work, and before anything is said of a Factory that is there.
  await authorizeAgain(service, principal, null);
  const existing = await replay(service, spec, createdWith);
  if (existing !== null) return existing;
  const prepared = await prepareInstance(service, spec);
  const { fresh, documents, takeBack, link } = prepared;
  const now = eventContext(service, principal.actor);
  const transition = createFactory(factory, dialect, createdWith, fresh, documents, now);
  const creation = { factory, by: principal, effects: "awaited", abandon: takeBack } as const;
  if (await create(service, creation, transition)) {
    const mail = link === null ? null : await sendLink(service, transition.head, link);
    return withSecrets(describeBootstrap(transition.head), prepared, mail);
  }
  const winner = await replay(service, spec, createdWith);
  if (winner !== null) return winner;
  throw new RootwardError("busy", `Factory ${factory} is being created: try again`);
}

/**
 * The answer of an existing Factory: the same again for the same Idempotency-Key.
 *
 * @throws RootwardError `factory-exists` for anybody else
 */
async function replay(
  service: Needs<"heads">,
  { factory }: InstanceSpec,
  createdWith: Sha256 | null,
): Promise<BootstrapResult | null> {
  const head = await service.heads.read(factory);
  if (head === null) return null;
  if (createdWith === null || head.createdWith !== createdWith) {
    throw new RootwardError("factory-exists", `there is a Factory ${factory} already`);
  }
  return {
    ...describeBootstrap(head),
    note:
      "this Factory was created by an earlier request with this Idempotency-Key; " +
      (head.delivery.mode === "link"
        ? "link and owner token were in that answer only. If neither it nor the mail arrived, " +
          `bootstrap it again: rootward factory rebootstrap ${factory} --replaces SHA-256`
        : "the owner token was in that answer only. If it did not arrive, an admin token makes " +
          "another"),
  };
}
