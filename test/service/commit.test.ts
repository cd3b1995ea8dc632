/** Swaps whose outcome is unknown, and swaps that others were faster with (lib/service/commit.ts). */
import { beforeEach, describe, expect, it } from "vitest";
import type { Plan } from "../../lib/adapters/memory/faults.ts";
import { isRootwardError, RootwardError } from "../../lib/error.ts";
import { decodeEvent } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import { advance, type Transition } from "../../lib/state/transition.ts";
import { change, type Decision } from "../../lib/service/change.ts";
import { commit } from "../../lib/service/commit.ts";
import { LostRace } from "../../lib/service/rounds.ts";
import { readLog } from "../../lib/service/read.ts";
import { eventContext, type Service } from "../../lib/service/service.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { bootstrapOf, FACTORY, newFactory } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

let world: TestWorld;
let base: Head;

beforeEach(async () => {
  world = new TestWorld();
  await newFactory(world, "tuf");
  base = stored();
});

function stored(): Head {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no Factory");
  return head;
}

/** A change that is told from others by its owner id. */
function renamed(service: Service, from: Head, owner: string): Transition {
  const head = { owner: { ...from.owner, id: owner } };
  const details = jsonObject({ owner });
  return advance(from, { head, type: "effects-done", details }, eventContext(service, "schedule"));
}

async function update<D extends Decision>(
  service: Service,
  decide: (head: Head) => D | Promise<D>,
): Promise<D> {
  return change(service, { factory: FACTORY, by: "schedule", effects: "afterwards" }, decide);
}

/** What happens to each swap (or creation), in order; nothing to those after the last. */
function swaps(...steps: readonly (ReturnType<Plan> | (() => void))[]): Plan {
  let at = 0;
  return ({ name }) => {
    if (name !== "heads.swap" && name !== "heads.create") return null;
    const step = steps[at] ?? null;
    at += 1;
    if (typeof step !== "function") return step;
    step();
    return "not applied";
  };
}

const LOST = "applied, answer lost";

/** The ids of the owners in the log: one for each committed change. */
async function changes(): Promise<readonly unknown[]> {
  world.state.invariants.assertInvariants();
  const { events } = await readLog(world.start().service, stored(), 2);
  return events.map((text) => decodeEvent(new TextEncoder().encode(text)).details["owner"]);
}

describe("a swap", () => {
  it("that was applied while its answer was lost was mine", async () => {
    const { service } = world.start(swaps(LOST));
    expect(await commit(service, renamed(service, base, "me"))).toBe(true);
    expect(await changes()).toEqual(["me"]);
  });

  it("whose answer was lost again and again was mine", async () => {
    const { service } = world.start(swaps(LOST, LOST, "not applied"));
    expect(await commit(service, renamed(service, base, "me"))).toBe(true);
    expect(await changes()).toEqual(["me"]);
  });

  it("that was applied was mine, also when others came after it", async () => {
    const { service } = world.start(
      swaps(LOST, () => {
        // Between my swap and its repetition, two others build on it.
        applyNow("second");
        applyNow("third");
      }),
    );
    expect(await commit(service, renamed(service, base, "me"))).toBe(true);
    expect(await changes()).toEqual(["me", "second", "third"]);
  });

  it("that was not applied is repeated", async () => {
    const { service, faults } = world.start(swaps("not applied", "not applied"));
    expect(await commit(service, renamed(service, base, "me"))).toBe(true);
    expect(faults.writes.filter((name) => name === "heads.swap")).toHaveLength(3);
    expect(await changes()).toEqual(["me"]);
  });

  it("that somebody else was faster with is not mine", async () => {
    const { service } = world.start();
    const mine = renamed(service, base, "me");
    applyNow("other");
    expect(await commit(service, mine)).toBe(false);
    expect(await changes()).toEqual(["other"]);
  });

  it("that was not applied before somebody else came is not mine", async () => {
    const { service } = world.start(swaps(() => applyNow("other")));
    expect(await commit(service, renamed(service, base, "me"))).toBe(false);
    expect(await changes()).toEqual(["other"]);
  });

  it("is nobody's guess when the read after it fails: the caller is told of the failure", async () => {
    const plan = swaps(LOST);
    const { service } = world.start((call) =>
      call.name === "heads.read" ? "not applied" : plan(call),
    );
    await expect(commit(service, renamed(service, base, "me"))).rejects.toThrow("heads.read");
    expect(await changes()).toEqual(["me"]);
  });

  it("is not tried when a document of it could not be stored or published", async () => {
    for (const broken of ["documents.put", "documents.publish"]) {
      const { service, faults } = world.start(({ name }) =>
        name === broken ? "not applied" : null,
      );
      await expect(commit(service, renamed(service, base, "me"))).rejects.toThrow(broken);
      expect(faults.writes).not.toContain("heads.swap");
    }
    expect(await changes()).toEqual([]);
  });
});

describe("a creation", () => {
  it("that was applied while its answer was lost was mine", async () => {
    world = new TestWorld();
    const { service } = world.start(swaps(LOST));
    expect((await bootstrapOf(service, "tuf")).delivery.url).toBeDefined();
    expect(stored().log.seq).toBe(1);
  });

  it("that was applied was mine, also when somebody changed the Factory since", async () => {
    world = new TestWorld();
    const { service } = world.start(swaps(LOST, () => applyNow("other")));
    expect((await bootstrapOf(service, "tuf")).ownerToken).toBeDefined();
    expect(await changes()).toEqual(["other"]);
  });

  it("that was not applied is repeated", async () => {
    world = new TestWorld();
    const { service } = world.start(swaps("not applied"));
    expect((await bootstrapOf(service, "tuf")).delivery.url).toBeDefined();
  });

  it("of a name that somebody took meanwhile is refused, and leaves nothing behind", async () => {
    const taken = new TestWorld();
    const created: Promise<unknown>[] = [];
    const rival = taken.start();
    const { service } = taken.start(({ name }) => {
      if (name === "shares.put") created.push(bootstrapOf(rival.service, "tuf"));
      return null;
    });
    const results = await Promise.allSettled([bootstrapOf(service, "tuf")]);
    const all = [...results, ...(await Promise.allSettled(created))];
    const refused = all.flatMap((one) =>
      one.status === "rejected" ? [one.reason as unknown] : [],
    );
    expect(refused.map((error) => isRootwardError(error) && error.code)).toEqual([
      "factory-exists",
    ]);
    taken.state.invariants.assertInvariants();
    expect([taken.state.shares.size, taken.state.archives.size]).toEqual([1, 1]);
    expect([taken.state.signer.keys.size, taken.state.signer.roots.size]).toEqual([3, 1]);
    expect(taken.state.outbox.size).toBe(1);
  });
});

describe("an update", () => {
  it("decides again on the head that somebody else left, and commits one event", async () => {
    const { service } = world.start(swaps(() => applyNow("other")));
    const seen: string[] = [];
    await update(service, (head) => {
      seen.push(head.owner.id);
      return { transition: renamed(service, head, "me") };
    });
    expect(seen).toEqual(["owner", "other"]);
    expect(await changes()).toEqual(["other", "me"]);
  });

  it("that wants no change after somebody else's makes none", async () => {
    const { service } = world.start(swaps(() => applyNow("other")));
    const decision = await update(service, (head) => ({
      transition: head.owner.id === "other" ? null : renamed(service, head, "me"),
    }));
    expect(decision.transition).toBeNull();
    expect(await changes()).toEqual(["other"]);
  });

  it("that finds out before its swap that it lost decides again, and no other error is one", async () => {
    const { service, faults } = world.start();
    const revisions: number[] = [];
    await update(service, (head) => {
      revisions.push(head.revision);
      if (revisions.length > 2) return { transition: renamed(service, head, "me") };
      applyNow(`other ${revisions.length}`);
      throw new LostRace(FACTORY);
    });
    expect(revisions).toEqual([0, 1, 2].map((later) => base.revision + later));
    expect(faults.writes.filter((name) => name === "heads.swap")).toHaveLength(1);
    expect(await changes()).toEqual(["other 1", "other 2", "me"]);
    const busy = new RootwardError("busy", "something else");
    const refusal = update(service, () => Promise.reject(busy));
    await expect(refusal).rejects.toBe(busy);
  });

  it("that never stops losing says that the head is busy", async () => {
    const { service } = world.start();
    const losing = update(service, () => Promise.reject(new LostRace(FACTORY)));
    await expect(losing).rejects.toMatchObject({ code: "busy" });
  });

  it("of a Factory that is not there is not-found", async () => {
    const { service } = new TestWorld().start();
    await expect(update(service, () => ({ transition: null }))).rejects.toMatchObject({
      code: "not-found",
    });
  });
});

describe("50 updates of one head at once", () => {
  it.each([
    ["without faults", (): Plan => () => null],
    ["while every fifth swap loses its answer", (): Plan => oneInFive(LOST)],
    ["while every fifth swap is not applied", (): Plan => oneInFive("not applied")],
  ])("commit each change once or say that the head is busy, %s", async (_, plan) => {
    const { service } = world.start(plan());
    const names = Array.from({ length: 50 }, (_, at) => `owner ${at}`);
    const results = await Promise.allSettled(
      names.map((name) =>
        update(service, (head) => ({ transition: renamed(service, head, name) })),
      ),
    );
    const committed = names.filter((_, at) => results[at]?.status === "fulfilled");
    const refusals = results.flatMap((one) =>
      one.status === "rejected" ? [one.reason as unknown] : [],
    );
    for (const reason of refusals) expect(reason).toMatchObject({ code: "busy" });
    expect(committed.length).toBeGreaterThanOrEqual(20);
    const logged = await changes();
    expect(logged).toHaveLength(committed.length);
    expect(new Set(logged)).toEqual(new Set(committed));
    expect(stored().revision).toBe(base.revision + committed.length);
  });
});

/** Among the first 200 swaps, so that each is answered when it is repeated. */
function oneInFive(fault: ReturnType<Plan>): Plan {
  let count = 0;
  return ({ name }) => {
    if (name !== "heads.swap") return null;
    count += 1;
    return count <= 200 && count % 5 === 1 ? fault : null;
  };
}

/** Somebody else's whole change, applied here and now. The memory stores act at once. */
function applyNow(owner: string): void {
  const { service } = world.start();
  const transition = renamed(service, stored(), owner);
  for (const document of transition.documents) void service.documents.put(document);
  for (const address of transition.superseded) void service.documents.publish(address);
  void service.heads.swap(transition.head.revision - 1, transition.head);
}
