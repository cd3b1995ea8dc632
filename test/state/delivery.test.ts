/** The one-time delivery, state by state: every decision of state/delivery.ts, and the edge of every limit. */
import { describe, expect, test } from "vitest";
import { isRootwardError } from "../../lib/error.ts";
import {
  claimDelivery,
  confirmDelivery,
  deliveredByRoots,
  endDelivery,
  issueOwnerToken,
} from "../../lib/state/delivery.ts";
import type { Delivery, Head } from "../../lib/state/head.ts";
import { DEFAULT_REFRESH } from "../../lib/state/schedule.ts";
import type { EventContext } from "../../lib/state/transition.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { creation } from "../contract/sample-head.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const HOUR = 3_600_000;
const { linkLifetime, claimLease } = DEFAULT_REFRESH;

const [LINK, OTHER_LINK] = [sha256Text("link"), sha256Text("another link")];
const [ALICE, MALLORY] = [sha256Text("alice"), sha256Text("mallory")];
const [ARCHIVE, OTHER_FILE] = [sha256Text("archive"), sha256Text("another file")];
const BASE = { mode: "link", idHash: LINK, sha256: ARCHIVE, size: 9, recipient: null } as const;

const READY = { ...BASE, state: "ready", expiresAt: NOW + HOUR } as const;
const CLAIMED = {
  ...BASE,
  state: "claimed",
  claimantHash: ALICE,
  claimedAt: NOW - HOUR,
  leaseUntil: NOW + HOUR,
  refusedAt: null,
} as const;
const CONFIRMED = {
  ...BASE,
  state: "confirmed",
  claimantHash: ALICE,
  claimedAt: NOW - HOUR,
  confirmedAt: NOW,
  refusedAt: null,
  ownerToken: null,
} as const;
const EXPIRED = {
  ...BASE,
  state: "expired",
  expiredAt: NOW - HOUR,
  claimantHash: null,
  claimedAt: null,
} as const;
/** A root that the first key signed confirmed it before anybody claimed. */
const BY_ROOT = { ...CONFIRMED, claimantHash: null, claimedAt: null };

function at(now: number): EventContext {
  return { now, eventId: "00".repeat(16), actor: "link", policy: DEFAULT_REFRESH };
}

function having(delivery: Delivery): Head {
  return { ...creation("acme").head, delivery };
}

function codeOf(error: unknown): string {
  return isRootwardError(error) ? error.code : "no refusal of ours";
}

/** The answer to a claim: granted, or the code; `+` where the head changes. */
function claimed(delivery: Delivery, now: number, by = ALICE, linksFrom?: number): string {
  try {
    const holder = { idHash: LINK, claimantHash: by };
    const decision = claimDelivery(having(delivery), holder, at(now), linksFrom);
    const answer = decision.kind === "granted" ? "granted" : codeOf(decision.error);
    return decision.transition === null ? answer : `${answer}+`;
  } catch (error) {
    return `thrown ${codeOf(error)}`;
  }
}

describe("a claim", () => {
  test.each<[string, string, Delivery, number, typeof ALICE, number?]>([
    ["of a link", "granted+", READY, NOW, ALICE],
    ["in the last millisecond", "granted+", READY, NOW + HOUR - 1, ALICE],
    ["at the end of the link", "delivery-expired", READY, NOW + HOUR, ALICE],
    ["of a link made at the restore", "granted+", READY, NOW, ALICE, NOW + HOUR - linkLifetime],
    ["of one made before", "delivery-expired", READY, NOW, ALICE, NOW + HOUR - linkLifetime + 1],
    ["again", "granted", CLAIMED, NOW, ALICE],
    ["again in the last millisecond", "granted", CLAIMED, NOW + HOUR - 1, ALICE],
    ["again at the end of the lease", "delivery-expired", CLAIMED, NOW + HOUR, ALICE],
    ["again, claimed at the restore", "granted", CLAIMED, NOW, ALICE, NOW - HOUR],
    ["again, claimed before it", "delivery-expired", CLAIMED, NOW, ALICE, NOW - HOUR + 1],
    ["by another", "delivery-used+", CLAIMED, NOW, MALLORY],
    ["by another once more", "delivery-used", { ...CLAIMED, refusedAt: NOW }, NOW, MALLORY],
    ["by another after the lease", "delivery-used+", CLAIMED, NOW + HOUR, MALLORY],
    ["after the confirmation", "delivery-used", CONFIRMED, NOW, ALICE],
    ["after it by another", "delivery-used+", CONFIRMED, NOW, MALLORY],
    ["confirmed by a root", "delivery-used+", BY_ROOT, NOW, ALICE],
    ["of one that expired", "delivery-expired", EXPIRED, NOW, ALICE],
    ["of one whose lease did", "delivery-expired", { ...EXPIRED, claimantHash: ALICE }, NOW, ALICE],
    [
      "of a link replaced since",
      "thrown delivery-replaced",
      { ...READY, idHash: OTHER_LINK },
      NOW,
      ALICE,
    ],
    [
      "without a link",
      "thrown delivery-replaced",
      { ...BASE, mode: "api", state: "escrowed" },
      NOW,
      ALICE,
    ],
  ])("%s: %s", (_, expected, delivery, now, by, linksFrom) => {
    expect(claimed(delivery, now, by, linksFrom)).toBe(expected);
  });

  test("takes the link for as long as the lease, and takes back the mail", () => {
    const holder = { idHash: LINK, claimantHash: ALICE };
    const { transition } = claimDelivery(having(READY), holder, at(NOW));
    expect(transition?.head.delivery).toEqual({
      ...CLAIMED,
      claimedAt: NOW,
      leaseUntil: NOW + claimLease,
    });
    expect(transition?.head.pending).toContainEqual({ kind: "withdraw-link", idHash: LINK });
  });
});

/** The answer to a confirmation, and `+` where it changes the head. */
function confirmedBy(delivery: Delivery, by: typeof ALICE, file: typeof ARCHIVE): string {
  try {
    const holder = { idHash: LINK, claimantHash: by };
    const { transition } = confirmDelivery(having(delivery), holder, file, at(NOW));
    return transition === null ? "confirmed" : "confirmed+";
  } catch (error) {
    return codeOf(error);
  }
}

describe("a confirmation", () => {
  test.each<[string, string, Delivery, typeof ALICE, typeof ARCHIVE]>([
    ["before a claim", "delivery-mismatch", READY, ALICE, ARCHIVE],
    ["by the claimant", "confirmed+", CLAIMED, ALICE, ARCHIVE],
    ["after the lease", "confirmed+", { ...CLAIMED, leaseUntil: NOW - 1 }, ALICE, ARCHIVE],
    [
      "after it expired",
      "confirmed+",
      { ...EXPIRED, claimantHash: ALICE, claimedAt: 1 },
      ALICE,
      ARCHIVE,
    ],
    ["of one that nobody claimed in time", "delivery-expired", EXPIRED, ALICE, ARCHIVE],
    ["by another", "delivery-used", CLAIMED, MALLORY, ARCHIVE],
    ["of another file", "delivery-mismatch", CLAIMED, ALICE, OTHER_FILE],
    ["again", "confirmed", CONFIRMED, ALICE, ARCHIVE],
    ["again by another", "delivery-used", CONFIRMED, MALLORY, ARCHIVE],
    ["again of another file", "delivery-mismatch", CONFIRMED, ALICE, OTHER_FILE],
    ["where a root did it", "delivery-expired", BY_ROOT, ALICE, ARCHIVE],
    [
      "of a link replaced since",
      "delivery-replaced",
      { ...CLAIMED, idHash: OTHER_LINK },
      ALICE,
      ARCHIVE,
    ],
  ])("%s: %s", (_, expected, delivery, by, file) => {
    expect(confirmedBy(delivery, by, file)).toBe(expected);
  });

  test("makes the Factory live and names the destruction of all that could yield the key", () => {
    const holder = { idHash: LINK, claimantHash: ALICE };
    const { transition } = confirmDelivery(having(CLAIMED), holder, ARCHIVE, at(NOW));
    expect(transition?.head).toMatchObject({ state: "live", initialKey: { state: "delivered" } });
    expect(transition?.head.delivery).toEqual({ ...CONFIRMED, confirmedAt: NOW });
    for (const kind of ["destroy-share", "destroy-archive", "withdraw-link"] as const) {
      expect(transition?.head.pending).toContainEqual({ kind, idHash: LINK });
    }
  });
});

describe("an owner's token", () => {
  const token = { id: "ab", user: "owner" };
  const issued = (count: number, repeatable = true) => ({
    ...CONFIRMED,
    ownerToken: { id: "before", count, repeatable },
  });

  test.each<[string, number | null, Delivery, number, typeof ALICE]>([
    ["the first", 1, CONFIRMED, NOW, ALICE],
    ["in the last millisecond of the hour", 1, CONFIRMED, NOW + HOUR - 1, ALICE],
    ["an hour after", null, CONFIRMED, NOW + HOUR, ALICE],
    ["the fifth", 5, issued(4), NOW, ALICE],
    ["the sixth", null, issued(5), NOW, ALICE],
    ["after a revocation", null, issued(1, false), NOW, ALICE],
    ["for another", null, CONFIRMED, NOW, MALLORY],
    ["before the confirmation", null, CLAIMED, NOW, ALICE],
  ])("%s: number %j", (_, count, delivery, now, by) => {
    const holder = { idHash: LINK, claimantHash: by };
    const transition = issueOwnerToken(having(delivery), holder, token, at(now));
    const after = transition?.head.delivery;
    const own = after?.state === "confirmed" ? after.ownerToken : null;
    expect(own).toEqual(count === null ? null : { id: "ab", count, repeatable: true });
  });
});

describe("the end of a delivery", () => {
  const { head } = creation("acme");

  test.each<[string, Delivery, number, number | undefined, boolean | null]>([
    ["a link, a millisecond early", READY, NOW + HOUR - 1, undefined, null],
    ["a link", READY, NOW + HOUR, undefined, false],
    ["a link, while the clock is in doubt", READY, NOW + HOUR, NOW, null],
    ["a lease, a millisecond early", CLAIMED, NOW + HOUR - 1, undefined, null],
    ["a lease", CLAIMED, NOW + HOUR, undefined, true],
    ["a confirmed one", CONFIRMED, NOW + 99 * HOUR, undefined, null],
    ["an expired one", EXPIRED, NOW + 99 * HOUR, undefined, null],
  ])("of %s", (_, delivery, now, floor, wasClaimed) => {
    const context = { ...at(now), ...(floor !== undefined && { floor }) };
    const after = endDelivery(having(delivery), context)?.head;
    if (wasClaimed === null) {
      expect(after).toBeUndefined();
      return;
    }
    expect(after?.initialKey.state).toBe("destroyed");
    expect(after?.delivery).toEqual({
      ...EXPIRED,
      expiredAt: NOW + HOUR,
      ...(wasClaimed && { claimantHash: ALICE, claimedAt: CLAIMED.claimedAt }),
    });
    expect(after?.pending).toContainEqual({ kind: "destroy-share", idHash: LINK });
  });

  test.each<[string, Delivery, boolean, string | null]>([
    ["a link that nobody claimed", READY, true, "confirmed"],
    ["one that was claimed", CLAIMED, true, "confirmed"],
    ["one that was confirmed", CONFIRMED, false, null],
    ["an escrowed key that is listed", { ...BASE, mode: "api", state: "escrowed" }, true, null],
    ["an escrowed key that is not", { ...BASE, mode: "api", state: "escrowed" }, false, "ended"],
    ["one that ended", { ...BASE, mode: "api", state: "ended", endedAt: 1 }, false, null],
  ])("by an accepted root: %s", (_, delivery, listed, expected) => {
    const after = deliveredByRoots({ ...head, delivery }, listed, NOW);
    expect(after?.delivery.state ?? null).toBe(expected);
    if (after !== null)
      expect(after).toMatchObject({ state: "live", initialKey: { state: "delivered" } });
  });
});
