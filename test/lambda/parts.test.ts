/** What a function is composed of: ports that it lacks, the operator's token, effects that are others'. */
import { describe, expect, test } from "@jest/globals";
import { withAdminToken } from "../../lib/lambda/admin-token.ts";
import { serviceOf } from "../../lib/lambda/service.ts";
import type { Tokens } from "../../lib/service/ports.ts";
import { settle } from "../../lib/service/settle.ts";
import { answer } from "../../lib/signing/operations.ts";
import { sha256Text, toBase64 } from "../../lib/tuf/bytes.ts";
import { confirmAs, FACTORY, newFactory, ALICE, takeArchive } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

test("a port that a function lacks is an error that names it", () => {
  const service = serviceOf({ effects: [] });
  expect(() => service.shares).toThrow("this function has no shares");
  expect(service.now()).toBeGreaterThan(0);
});

describe("the operator's token", () => {
  const hash = sha256Text("rw_operator");
  const none = { find: async () => null } as unknown as Tokens;

  test("has all scopes, and is in no table", async () => {
    const found = await withAdminToken(none, hash).find(hash);
    expect(found).toMatchObject({ user: "admin", bound: null, expiresAt: null });
    expect(found?.scopes).toEqual(["admin"]);
  });

  test("is nobody's where none is configured, and no other's", async () => {
    expect(await withAdminToken(none, "").find(hash)).toBeNull();
    expect(await withAdminToken(none, hash).find(sha256Text("rw_another"))).toBeNull();
  });
});

test("effects of others wait for whoever may carry them out", async () => {
  const world = new TestWorld();
  const link = await newFactory(world, "tuf");
  const { service } = world.start();
  const archive = await takeArchive({ service }, link, ALICE);
  await confirmAs({ ...service, effects: ["notify"] }, link, ALICE, archive);
  const left = world.head(FACTORY)?.pending.map(({ kind }) => kind);
  const others = ["destroy-share", "destroy-archive", "withdraw-link", "announce"];
  expect(new Set(left)).toEqual(new Set(others));
  expect(world.state.shares.size).toBe(1);
  await settle(service, FACTORY);
  expect([world.head(FACTORY)?.pending, world.state.shares.size]).toEqual([[], 0]);
});

test("a signer without a wrapper wraps no shares", async () => {
  const { service } = new TestWorld().start();
  const plain = toBase64(new Uint8Array(32));
  const context = { purpose: "server share", delivery: sha256Text("id") } as const;
  const request = { operation: "wrap", plain, context };
  const reply = await answer({ id: "x", boundary: service.boundary }, request, () => undefined);
  expect(reply).toMatchObject({ error: { code: "signing-refused" } });
});
