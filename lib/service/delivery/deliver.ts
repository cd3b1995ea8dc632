/**
 * Claiming and confirming a one-time delivery (docs/delivery.md). The id of a link works
 * like a token of one scope: the database has its hash, bound to one bootstrap of one Factory.
 */
import { RootwardError } from "../../error.ts";
import {
  claimDelivery,
  confirmDelivery,
  issueOwnerToken,
  type Holder,
} from "../../state/delivery.ts";
import type { Head } from "../../state/head.ts";
import type { FactoryName } from "../../state/names.ts";
import { firstRoots } from "../../state/roles.ts";
import { nextAnswer } from "../../state/tokens.ts";
import { deliveredName, type ClaimAnswer, type ConfirmAnswer } from "../../delivery/claim.ts";
import { sha256Text, toBase64Url, type Sha256 } from "../../tuf/bytes.ts";
import { formatTime } from "../../tuf/expires.ts";
import { newOwnerToken } from "../authorize.ts";
import { change } from "../change.ts";
import { eventContext, type Needs, type Changes } from "../service.ts";

/** How long a URL of the sealed archive works. */
const PRESIGN_MS = 60_000;

/** The context that binds a wrapped share to its delivery. */
export function shareContext(idHash: Sha256): Record<string, string> {
  return { purpose: "server share", delivery: idHash };
}

async function factoryOf(service: Needs<"tokens">, idHash: Sha256): Promise<FactoryName> {
  const token = await service.tokens.find(idHash);
  if (token === null || token.bound === null || !token.scopes.includes("delivery")) {
    throw new RootwardError(
      "not-found",
      "there is no such delivery: check that the link is whole, to its last character",
    );
  }
  return token.bound.factory;
}

/**
 * @param request.id the delivery id, hex; `claimant` what the client drew
 * @returns what the client needs to fetch and open the archive
 * @throws RootwardError `not-found`, `delivery-used`, `delivery-expired`, `delivery-replaced`
 */
export async function claim(
  service: Needs<Changes | "archives" | "claims" | "linksFrom" | "shares" | "wrapper">,
  request: { readonly id: string; readonly claimant: string },
): Promise<ClaimAnswer> {
  const idHash = sha256Text(request.id);
  const claimantHash = sha256Text(request.claimant);
  const factory = await factoryOf(service, idHash);
  // Before the swap: a service that cannot open the share must not use up the link.
  const wrapped = await service.shares.get(idHash);
  const share = wrapped && (await service.wrapper.unwrap(wrapped, shareContext(idHash)));
  const recorded = (await service.claims?.find(idHash)) ?? claimantHash;
  const holder = { idHash, claimantHash };
  // Taking back the mail must not keep the claimant from the archive.
  const byLink = { factory, by: "link", effects: "awaited" } as const;
  const decision = await change(service, byLink, (head) => {
    // This head is from a backup. The first claimant may still come again.
    if (recorded !== claimantHash && head.delivery.state === "ready") throw usedBefore();
    const claimed = claimDelivery(head, holder, eventContext(service, "link"), service.linksFrom);
    // After a restore the head may speak of an archive that is gone: nothing to win, so no swap.
    if (share === null && head.delivery.state === "ready") throw gone();
    return { ...claimed, head };
  });
  if (decision.kind === "refused") throw decision.error;
  if (share === null) throw gone();
  // After the swap, so that only its winner is recorded; before the answer, so that every answered claimant
  // is.
  const first = (await service.claims?.first(idHash, claimantHash)) ?? claimantHash;
  if (first !== claimantHash) throw usedBefore();
  const { head } = decision;
  const { delivery } = head;
  return {
    factory,
    archiveUrl: await service.archives.presign(
      idHash,
      Math.min(service.now() + PRESIGN_MS, decision.leaseUntil),
    ),
    share: toBase64Url(share),
    sha256: delivery.sha256,
    size: delivery.size,
    filename: deliveredName(factory, delivery.recipient !== null),
    recipient: delivery.recipient,
    roots: firstRoots(head),
    leaseUntil: formatTime(decision.leaseUntil),
  };
}

function usedBefore(): RootwardError {
  return new RootwardError(
    "delivery-used",
    "this link was used before the service was restored from a backup: ask the person who provisioned the " +
      "Factory to bootstrap it again",
  );
}

function gone(): RootwardError {
  return new RootwardError(
    "delivery-expired",
    "this archive is no longer on the service: ask the person who provisioned the Factory to bootstrap " +
      "it again",
  );
}

/**
 * @returns after share and archive are destroyed
 * @throws RootwardError `not-found`, `delivery-used`, `delivery-mismatch`, `delivery-replaced`
 */
export async function confirm(
  service: Needs<Changes>,
  request: { readonly id: string; readonly claimant: string; readonly sha256: Sha256 },
): Promise<ConfirmAnswer> {
  const idHash = sha256Text(request.id);
  const claimantHash = sha256Text(request.claimant);
  const factory = await factoryOf(service, idHash);
  const holder = { idHash, claimantHash };
  const byLink = { factory, by: "link", effects: "required" } as const;
  const decision = await change(service, byLink, (head) => ({
    ...confirmDelivery(head, holder, request.sha256, eventContext(service, "link")),
    head,
  }));
  const answer = {
    factory,
    state: "live" as const,
    confirmedAt: formatTime(decision.confirmedAt),
  };
  // For the bootstrap that was confirmed, whatever came since.
  const ownerToken = await ownerTokenFor(service, decision.head, holder);
  return ownerToken === null ? answer : { ...answer, ownerToken };
}

/**
 * The owner's token, for an answer to a confirmation. It is stored before the swap that makes it good,
 * and logged by that swap: a token of an attempt that failed is good for nothing. Each round has another,
 * since the record of a round that was lost may be removed.
 *
 * @returns null where this confirmation yields no further one
 */
async function ownerTokenFor(
  service: Needs<Changes>,
  head: Head,
  holder: Holder,
): Promise<string | null> {
  const byLink = { factory: head.factory, by: "link", effects: "awaited" } as const;
  const { transition, token } = await change(service, byLink, async (newest) => {
    const fresh = newOwnerToken(service, head, nextAnswer(newest));
    const issued = issueOwnerToken(newest, holder, fresh.record, eventContext(service, "link"));
    if (issued !== null) await service.tokens.put(fresh.record);
    return { transition: issued, token: fresh.token };
  });
  return transition === null ? null : token;
}
