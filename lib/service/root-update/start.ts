/**
 * Starting a root update: the service writes the next version of each root, unsigned, with the change
 * message in it, and no other client ever writes version and changelog. With `firstTime` the answer hands
 * over the first root key, which a Factory without a download link keeps until then.
 */
import { CHANGE_MESSAGE } from "../../api/root-updates.ts";
import { RootwardError } from "../../error.ts";
import { assertTellable } from "../../state/initial-key.ts";
import { assertNoRootUpdate, startRootUpdate } from "../../state/root-update.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { channelsOf } from "../../tuf/dialect.ts";
import { formatTime } from "../../tuf/expires.ts";
import { jsonObject } from "../../tuf/json.ts";
import type { Principal } from "../authority.ts";
import { change } from "../change.ts";
import { currentRoot } from "../store.ts";
import { openInitialKey, type InitialKey } from "../delivery/initial-key.ts";
import type { SigningBoundary } from "../ports.ts";
import { orReturn } from "../roots/return-roots.ts";
import { eventContext, randomId, type Changes, type Needs } from "../service.ts";
import { catchUpAll } from "../sign-roles.ts";
import { unsignedRoot } from "./staged.ts";

export interface StartRequest {
  readonly factory: FactoryName;
  readonly principal: Principal;
  readonly message: string;
  readonly firstTime: boolean;
}

export interface Started {
  /** 128 random bits in hex; only its hash is kept. */
  readonly txid: string;
  readonly initialKey: InitialKey | null;
}

/** In the AWS form the function that hands over first root keys cannot ask the signer: null. */
export type StartNeeds = Needs<Changes | "archives" | "shares" | "verify" | "wrapper"> & {
  readonly boundary: SigningBoundary | null;
};

/**
 * @throws RootwardError `update-in-progress`, `initial-key-gone`, `malformed` for the message,
 *   `busy` while the prod root is behind
 */
export async function startUpdate(service: StartNeeds, request: StartRequest): Promise<Started> {
  const { factory, principal, message, firstTime } = request;
  if (!CHANGE_MESSAGE.test(message)) {
    throw new RootwardError(
      "malformed",
      "message: expected at most 1000 characters of printable ASCII: other clients would sign " +
        "other bytes",
    );
  }
  const { boundary } = service;
  const signing = boundary && { ...service, boundary };
  const txid = randomId(service);
  const starting = async (head: Head) => {
    if (signing !== null) await catchUpAll(signing, head);
    assertNoRootUpdate(head);
    assertInStep(head);
    if (firstTime) assertTellable(head);
    // Before the swap: what cannot be handed over must not be told as handed over.
    const key = firstTime ? await openInitialKey(service, head, principal) : null;
    const now = eventContext(service, principal.actor);
    const { user } = principal.token;
    const staged = [];
    for (const channel of channelsOf(head.dialect)) {
      const { signed, version } = await currentRoot(service, head, channel);
      const changelog = { "polis-id": user, message, timestamp: formatTime(now.now) };
      const next = { ...signed, version: version + 1, "x-changelog": jsonObject(changelog) };
      staged.push(unsignedRoot(head, channel, jsonObject(next)));
    }
    const start = { txid, user, message, firstTime, staged };
    return { transition: startRootUpdate(head, start, now), initialKey: key };
  };
  // Where a key is handed over, its owner is told before the answer.
  const effects = firstTime ? "awaited" : "afterwards";
  const start = () => change(service, { factory, by: principal, effects }, starting);
  const { initialKey } = await (signing === null ? start() : orReturn(signing, factory, start));
  return { txid, initialKey };
}

/** Older clients move ci first and then prod; both move together here. */
function assertInStep({ factory, dialect, roles }: Head): void {
  const versions = channelsOf(dialect).map((channel) => roles[channel]?.root.version);
  if (new Set(versions).size === 1) return;
  throw new RootwardError(
    "busy",
    `the prod root of ${factory} is behind the ci root: send it first (fioctl keys rotate-root ` +
      `--sync-prod, or rootward keys rotate)`,
  );
}
