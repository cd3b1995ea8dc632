/** Turns save work and promise nothing else: work runs, once, and nobody keeps others out for long. */
import { describe, expect, it } from "vitest";
import { LOST_ROUNDS } from "../../lib/service/ports.ts";
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

  describe("a revocation", () => {
    const by = { holder: "owner", first: false };

    /** Somebody has the turn and lost so many rounds. @returns how to end the turn */
    const turnUnderWay = async (lost: number) => {
      const [begun, go] = [gate(), gate()];
      const turn = stores().turns.take(ACME, "publisher", async (told) => {
        for (let round = 0; round < lost; round += 1) await told();
        begun.resolve();
        await go.promise;
      });
      await begun.promise;
      return async (): Promise<void> => {
        go.resolve();
        await turn;
      };
    };

    it.each([0, 1, LOST_ROUNDS - 1])(
      "passes a turn that is under way and lost %s rounds",
      async (lost) => {
        const end = await turnUnderWay(lost);
        expect(await stores().turns.pass(ACME, by, async () => "revoked")).toBe("revoked");
        await end();
      },
    );

    it("goes on after others came first, in the rounds that are left", async () => {
      const end = await turnUnderWay(1);
      const revoked = stores().turns.pass(ACME, by, async (lost) => {
        for (let round = 0; round < 3; round += 1) await lost();
        return "revoked";
      });
      expect(await revoked).toBe("revoked");
      await end();
    });

    it("waits for the end of a turn that lost too many rounds", async () => {
      const order: string[] = [];
      const end = await turnUnderWay(LOST_ROUNDS);
      const revoked = stores().turns.pass(ACME, by, async () => order.push("revoked"));
      const elsewhere = stores().turns.pass(factoryName("other"), by, async () => "revoked");
      expect(await elsewhere).toBe("revoked");
      order.push("ending");
      await end();
      await revoked;
      expect(order).toEqual(["ending", "revoked"]);
    });

    it("fails as its work fails, and keeps no other from going on", async () => {
      const { turns } = stores();
      const broken = new Error("broken");
      const failing = turns.pass(ACME, by, async () => Promise.reject(broken));
      const next = turns.pass(ACME, { holder: "operator", first: true }, async () => "revoked");
      await expect(failing).rejects.toBe(broken);
      expect(await next).toBe("revoked");
    });
  });
});
