import { expect, it } from "vitest";
import type { InstanceId } from "../../lib/state/names.ts";
import type { TokenRecord } from "../../lib/service/ports.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { factoryName, NOW } from "./sample-head.ts";
import { contract } from "./suite.ts";

const TOKEN: TokenRecord = {
  hash: sha256Text("rw_token"),
  id: "0123",
  user: "owner",
  scopes: ["root:read", "root:update"],
  bound: { factory: factoryName("acme"), instance: "0".repeat(32) as InstanceId },
  expiresAt: NOW,
};

contract("tokens", (stores) => {
  it("finds a token by its hash, with everything that was put", async () => {
    const { tokens } = stores();
    const unbound = { ...TOKEN, hash: sha256Text("rw_admin"), bound: null, expiresAt: null };
    await tokens.put(TOKEN);
    await tokens.put(unbound);
    expect(await tokens.find(TOKEN.hash)).toEqual(TOKEN);
    expect(await tokens.find(unbound.hash)).toEqual(unbound);
    expect(await tokens.find(sha256Text("rw_other"))).toBeNull();
  });

  it("keeps the first of two records: nobody widens a token by putting it again", async () => {
    const { tokens } = stores();
    await tokens.put(TOKEN);
    await tokens.put({ ...TOKEN, scopes: ["admin"], bound: null });
    expect(await tokens.find(TOKEN.hash)).toEqual(TOKEN);
  });

  it("lists those of one Factory, and none that is of all", async () => {
    const { tokens } = stores();
    const bound = { factory: factoryName("acme-2"), instance: "0".repeat(32) as InstanceId };
    const second = { ...TOKEN, hash: sha256Text("rw_second"), id: "4567", user: "bob" };
    await tokens.put(TOKEN);
    await tokens.put(second);
    await tokens.put({ ...TOKEN, hash: sha256Text("rw_other"), bound });
    await tokens.put({ ...TOKEN, hash: sha256Text("rw_admin"), bound: null });
    const listed = await tokens.list(factoryName("acme"));
    expect(listed.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual([TOKEN, second]);
    expect(await tokens.list(factoryName("nobody"))).toEqual([]);
  });

  it("deletes one token and no other, however often", async () => {
    const { tokens } = stores();
    const second = { ...TOKEN, hash: sha256Text("rw_second"), id: "4567" };
    await tokens.put(TOKEN);
    await tokens.put(second);
    await tokens.delete(TOKEN.hash);
    await tokens.delete(TOKEN.hash);
    expect(await tokens.find(TOKEN.hash)).toBeNull();
    expect(await tokens.list(factoryName("acme"))).toEqual([second]);
  });
});

contract("what has expired", (stores) => {
  it("goes, or stays until the store removes it by itself; nothing else ever goes", async () => {
    const { tokens, requests } = stores();
    const endless = { ...TOKEN, hash: sha256Text("rw_endless"), expiresAt: null };
    const later = { ...TOKEN, hash: sha256Text("rw_later"), expiresAt: NOW + 1 };
    for (const token of [TOKEN, endless, later]) await tokens.put(token);
    const [old, fresh] = [sha256Text("old"), sha256Text("fresh")];
    await requests.first(old, sha256Text("first"), NOW);
    await requests.first(fresh, sha256Text("first"), NOW + 1);
    await tokens.removeExpired(NOW + 1);
    await requests.removeOld(NOW + 1);
    const removes = (await tokens.find(TOKEN.hash)) === null;
    expect(await tokens.list(factoryName("acme"))).toHaveLength(removes ? 2 : 3);
    expect(await tokens.find(endless.hash)).toEqual(endless);
    expect(await tokens.find(later.hash)).toEqual(later);
    const other = sha256Text("other");
    const kept = await requests.first(old, other, NOW + 2);
    expect(kept).toBe(removes ? other : sha256Text("first"));
    expect(await requests.first(fresh, other, NOW + 2)).toBe(sha256Text("first"));
  });
});

contract("requests", (stores) => {
  it("answers what a key was first used for", async () => {
    const { requests } = stores();
    const [key, body, other] = [sha256Text("key"), sha256Text("body"), sha256Text("other")];
    expect(await requests.first(key, body, NOW)).toBe(body);
    expect(await requests.first(key, other, NOW)).toBe(body);
    expect(await requests.first(key, body, NOW)).toBe(body);
    expect(await requests.first(sha256Text("second key"), other, NOW)).toBe(other);
  });

  it("gives all of many concurrent first uses the same answer", async () => {
    const { requests } = stores();
    const key = sha256Text("key");
    const bodies = Array.from({ length: 20 }, (_, at) => sha256Text(`body ${at}`));
    const answers = await Promise.all(bodies.map((body) => requests.first(key, body, NOW)));
    expect(new Set(answers).size).toBe(1);
    expect(bodies).toContain(answers[0]);
  });
});
