/** Turns save work and promise nothing else: work runs, once, and nobody keeps others out for long. */
import { expect, it } from "vitest";
import { factoryName } from "./sample-head.ts";
import { contract } from "./suite.ts";

const ACME = factoryName("acme");

/** Something that a test lets go on. */
function gate() {
  return Promise.withResolvers<void>();
}

contract("turns", (stores) => {
  it("runs work and answers what it answers, for each holder at once", async () => {
    const { turns } = stores();
    const work = Array.from({ length: 10 }, (_, at) =>
      turns.take(ACME, at === 0 ? "schedule" : `token ${at}`, async () => at),
    );
    expect(await Promise.all(work)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("fails as the work fails, and goes on with the next", async () => {
    const { turns } = stores();
    const broken = new Error("broken");
    const failing = turns.take(ACME, "one", async (lost) => {
      await lost();
      throw broken;
    });
    const next = turns.take(ACME, "two", async () => "done");
    await expect(failing).rejects.toBe(broken);
    expect(await next).toBe("done");
  });

  it("lets whoever lost go before those that come then", async () => {
    const { turns } = stores();
    const order: string[] = [];
    const [lost, go] = [gate(), gate()];
    const loser = turns.take(ACME, "loser", async (told) => {
      await told();
      lost.resolve();
      await go.promise;
      order.push("loser");
    });
    await lost.promise;
    const next = turns.take(ACME, "next", async () => order.push("next"));
    go.resolve();
    await Promise.all([loser, next]);
    expect(order).toEqual(["loser", "next"]);
  });

  it("keeps the schedule waiting no longer than the turn that is under way", async () => {
    const { turns } = stores();
    const order: string[] = [];
    const [lost, go] = [gate(), gate()];
    const first = turns.take(ACME, "first", async (told) => {
      await told();
      lost.resolve();
      await go.promise;
    });
    await lost.promise;
    const others = ["a", "b", "c"].map((name) =>
      turns.take(ACME, name, async () => order.push(name)),
    );
    const schedule = turns.take(ACME, "schedule", async (told) => {
      await told();
      order.push("schedule");
    });
    go.resolve();
    await Promise.all([first, schedule, ...others]);
    expect(order[0]).toBe("schedule");
  });

  it("waits only briefly for a holder that never comes to an end", async () => {
    const { turns } = stores();
    const lost = gate();
    void turns.take(ACME, "stuck", async (told) => {
      await told();
      lost.resolve();
      await gate().promise;
    });
    await lost.promise;
    expect(await turns.take(ACME, "next", async () => "done")).toBe("done");
  });

  it("makes nobody wait for another Factory", async () => {
    const { turns } = stores();
    const [lost, go] = [gate(), gate()];
    const slow = turns.take(ACME, "slow", async (told) => {
      await told();
      lost.resolve();
      await go.promise;
    });
    await lost.promise;
    expect(await turns.take(factoryName("other"), "slow", async () => "done")).toBe("done");
    go.resolve();
    await slow;
  });
});
