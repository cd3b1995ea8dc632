/** A port whose adapter is made when it is first asked: once, and then it answers as itself. */
import { expect, test } from "vitest";
import { later } from "../../lib/lambda/later.ts";

class Counter {
  #sum = 0;

  async add(one: number, two: number): Promise<number> {
    this.#sum += one + two;
    return this.#sum;
  }

  async fail(): Promise<never> {
    throw new Error("no more");
  }
}

function counted() {
  const made: Counter[] = [];
  const port = later(async () => {
    made.push(new Counter());
    return made[0] ?? new Counter();
  });
  return { made, port };
}

test("nothing is made before somebody asks, and one for all who ask at once", async () => {
  const { made, port } = counted();
  expect(made).toHaveLength(0);
  expect(await Promise.all([port.add(1, 2), port.add(3, 4)])).toEqual([3, 10]);
  expect(made).toHaveLength(1);
});

test("what it throws is thrown", async () => {
  const { port } = counted();
  await expect(port.fail()).rejects.toThrow("no more");
});

test("a promise of it asks nothing", async () => {
  const { made, port } = counted();
  const promised = await Promise.resolve(port);
  expect(made).toHaveLength(0);
  expect(await promised.add(1, 1)).toBe(2);
});

test("one that could not be made is made again by whoever asks next, and then kept", async () => {
  let tries = 0;
  const port = later(async () => {
    tries += 1;
    if (tries <= 2) throw new Error(`try ${tries}`);
    return new Counter();
  });
  // Who asks at once shares what becomes of it.
  const both = await Promise.allSettled([port.add(1, 1), port.add(1, 1)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(tries).toBe(1);
  await expect(port.add(1, 1)).rejects.toThrow("try 2");
  expect([await port.add(1, 1), await port.add(1, 1), tries]).toEqual([2, 4, 3]);
});

test("an answer that failed is no reason to make it anew", async () => {
  const { made, port } = counted();
  await expect(port.fail()).rejects.toThrow("no more");
  await port.add(1, 1);
  expect(made).toHaveLength(1);
});
