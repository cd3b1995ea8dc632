/** Who has a key made when: one at a time, Factories by turns, and none that waits for ever. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KeyLane, type LaneLimits } from "../../lib/signing/key-lane.ts";

const LIMITS: LaneLimits = { atOnce: 1, perFactory: 3, waiting: 5, waitAtMost: 60_000 };
const BUSY = { code: "busy", details: { facts: { retryAfter: expect.any(Number) } } };

/** Keys that a test finishes one by one. */
class Works {
  readonly begun: string[] = [];
  readonly #held: { resolve: () => void; reject: (error: Error) => void }[] = [];

  make(name: string): () => Promise<string> {
    return async () => {
      this.begun.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      this.#held.push({ resolve, reject });
      await promise;
      return name;
    };
  }

  async finish(error?: Error): Promise<void> {
    const one = this.#held.shift();
    if (one === undefined) throw new Error("nothing is being made");
    if (error === undefined) one.resolve();
    else one.reject(error);
    await vi.advanceTimersByTimeAsync(0);
  }
}

let lane: KeyLane;
let works: Works;
const ask = (factory: string, name: string): Promise<string> => lane.run(factory, works.make(name));

beforeEach(() => {
  vi.useFakeTimers();
  lane = new KeyLane(LIMITS);
  works = new Works();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the lane", () => {
  it("makes one key at a time, and Factories take turns", async () => {
    const asked = [ask("a", "a1"), ask("a", "a2"), ask("a", "a3"), ask("b", "b1"), ask("c", "c1")];
    expect(works.begun).toEqual(["a1"]);
    for (let done = 1; done <= 5; done += 1) {
      await works.finish();
      expect(works.begun).toHaveLength(Math.min(done + 1, 5));
    }
    expect(works.begun).toEqual(["a1", "a2", "b1", "c1", "a3"]);
    expect(await Promise.all(asked)).toEqual(["a1", "a2", "a3", "b1", "c1"]);
  });

  it("refuses a Factory's next key at once, and no other Factory's", async () => {
    const asked = [ask("a", "a1"), ask("a", "a2"), ask("a", "a3")];
    await expect(ask("a", "a4")).rejects.toMatchObject(BUSY);
    asked.push(ask("b", "b1"));
    for (let done = 0; done < 4; done += 1) await works.finish();
    expect(works.begun).toEqual(["a1", "a2", "b1", "a3"]);
    await Promise.all(asked);
    const again = ask("a", "a5");
    await works.finish();
    expect(await again).toBe("a5");
  });

  it("refuses everybody once too many wait", async () => {
    const asked = ["a", "b", "c", "d", "e", "f"].map((name) => ask(name, name));
    await expect(ask("g", "g")).rejects.toMatchObject(BUSY);
    for (let done = 0; done < 6; done += 1) await works.finish();
    expect(await Promise.all(asked)).toHaveLength(6);
  });

  it("begins nothing that waited too long, and the Factory may ask again", async () => {
    const first = ask("a", "a1");
    const late = [ask("a", "a2"), ask("b", "b1")].map((one) =>
      expect(one).rejects.toMatchObject(BUSY),
    );
    vi.advanceTimersByTime(LIMITS.waitAtMost);
    await Promise.all(late);
    const again = ask("b", "b2");
    await works.finish();
    expect(works.begun).toEqual(["a1", "b2"]);
    await works.finish();
    expect(await Promise.all([first, again])).toEqual(["a1", "b2"]);
  });

  it("goes on after a key that could not be made", async () => {
    const failing = Promise.allSettled([ask("a", "a1")]);
    const next = ask("a", "a2");
    await works.finish(new Error("no randomness"));
    expect(await failing).toMatchObject([{ reason: { message: "no randomness" } }]);
    await works.finish();
    expect(await next).toBe("a2");
  });
});
