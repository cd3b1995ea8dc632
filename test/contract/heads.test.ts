import { expect, it } from "vitest";
import { contract } from "./suite.ts";
import {
  createHead,
  creation,
  factoryName,
  NOW,
  storeDocuments,
  successor,
} from "./sample-head.ts";

contract("heads", (stores) => {
  it("answers null for a Factory that is not there", async () => {
    expect(await stores().heads.read(factoryName("acme"))).toBeNull();
  });

  it("gives back the head that was created, exactly", async () => {
    const transition = creation("acme");
    expect(await createHead(stores(), transition)).toBe(true);
    expect(await stores().heads.read(factoryName("acme"))).toEqual(transition.head);
  });

  it("creates once: the second creation answers false and changes nothing", async () => {
    const first = creation("acme");
    await createHead(stores(), first);
    expect(await createHead(stores(), creation("acme"))).toBe(false);
    expect(await createHead(stores(), first)).toBe(false);
    expect(await stores().heads.read(factoryName("acme"))).toEqual(first.head);
  });

  it("lets exactly one of many concurrent creations win", async () => {
    const attempts = Array.from({ length: 20 }, () => creation("acme"));
    const won = await Promise.all(attempts.map((attempt) => createHead(stores(), attempt)));
    expect(won.filter(Boolean)).toHaveLength(1);
    const winner = attempts[won.indexOf(true)];
    expect(await stores().heads.read(factoryName("acme"))).toEqual(winner?.head);
  });

  it("swaps only while the revision is the expected one", async () => {
    const { heads } = stores();
    const first = creation("acme");
    await createHead(stores(), first);
    const [mine, theirs] = [successor(first.head), successor(first.head)];
    await storeDocuments(stores(), mine);
    await storeDocuments(stores(), theirs);
    expect(await heads.swap(first.head.revision, mine.head)).toBe(true);
    expect(await heads.swap(first.head.revision, theirs.head)).toBe(false);
    expect(await heads.swap(first.head.revision, mine.head)).toBe(false);
    expect(await heads.read(factoryName("acme"))).toEqual(mine.head);
  });

  it("lets exactly one of many concurrent swaps of a revision win", async () => {
    const first = creation("acme");
    await createHead(stores(), first);
    const attempts = Array.from({ length: 20 }, () => successor(first.head));
    for (const attempt of attempts) await storeDocuments(stores(), attempt);
    const won = await Promise.all(attempts.map(({ head }) => stores().heads.swap(1, head)));
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  it("does not create by swapping", async () => {
    const { head } = successor(creation("acme").head);
    expect(await stores().heads.swap(1, head)).toBe(false);
    expect(await stores().heads.read(factoryName("acme"))).toBeNull();
  });

  it("swaps one Factory and leaves the others", async () => {
    const [acme, other] = [creation("acme"), creation("other")];
    await createHead(stores(), acme);
    await createHead(stores(), other);
    const next = successor(acme.head);
    await storeDocuments(stores(), next);
    await stores().heads.swap(1, next.head);
    expect(await stores().heads.read(factoryName("other"))).toEqual(other.head);
  });

  it("lists what is due, the longest due first, up to the limit", async () => {
    const { heads } = stores();
    await createHead(stores(), creation("third", NOW + 3));
    await createHead(stores(), creation("first", NOW + 1));
    await createHead(stores(), creation("fourth", NOW + 4));
    await createHead(stores(), creation("second", NOW + 2));
    expect(await heads.due(NOW, 10)).toEqual([]);
    expect(await heads.due(NOW + 3, 10)).toEqual(["first", "second", "third"]);
    expect(await heads.due(NOW + 4, 2)).toEqual(["first", "second"]);
  });

  it("lists a Factory by its newest dueAt", async () => {
    const first = creation("acme", NOW);
    await createHead(stores(), first);
    const events = { first: 1, last: 1, count: 1, shared: false };
    const notice = { kind: "notify", reader: "owner", events } as const;
    const next = successor(first.head, { effects: [notice] });
    const after = successor(next.head, { done: [notice] });
    for (const { head, documents, superseded, ...rest } of [next, after]) {
      await storeDocuments(stores(), { head, documents, superseded, ...rest });
      await stores().heads.swap(head.revision - 1, head);
      expect(await stores().heads.due(0, 10)).toEqual(head.dueAt === 0 ? ["acme"] : []);
    }
  });
});
