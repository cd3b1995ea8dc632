/** What a function is composed of: ports that it has, the operator's tokens, effects that are others'. */
import { describe, expect, test } from "vitest";
import { appOf } from "../../lib/http/base.ts";
import { deviceRoutes } from "../../lib/http/devices.ts";
import { withOperatorTokens } from "../../lib/lambda/operator-tokens.ts";
import { serviceOf } from "../../lib/lambda/service.ts";
import type { FactoryName, InstanceId } from "../../lib/state/names.ts";
import type { TokenRecord, Tokens } from "../../lib/service/ports.ts";
import { runPending } from "../../lib/service/change.ts";
import { answer } from "../../lib/signing/operations.ts";
import { sha256Text, toBase64 } from "../../lib/tuf/bytes.ts";
import { confirmAs, FACTORY, newFactory, ALICE, takeArchive } from "../support/memory-owner.ts";
import { TestWorld } from "../support/memory-service.ts";

// `npm run check:types` is what fails where one of these compiles.
test("a function that lacks a port does not compile", () => {
  const service = serviceOf({ effects: [] });
  expect(service.now()).toBeGreaterThan(0);
  // @ts-expect-error it has no shares
  expect(service.shares).toBeUndefined();
  // @ts-expect-error what destroys shares needs them
  expect(serviceOf({ effects: ["destroy-share"] }).effects).toHaveLength(1);
  const { shares } = new TestWorld().start().service;
  // @ts-expect-error and it needs the ports of every kind
  expect(serviceOf({ shares, effects: ["destroy-share", "notify"] }).effects).toHaveLength(2);
  // @ts-expect-error devices read heads and documents
  expect(appOf(service, [deviceRoutes]).routes.length).toBeGreaterThan(1);
});

describe("the operator's tokens", () => {
  const adminToken = sha256Text("rw_operator");
  const provisionerToken = sha256Text("rw_pipeline");
  const none = { find: async () => null } as unknown as Tokens;
  const both = withOperatorTokens(none, { adminToken, provisionerToken });

  test.each([
    ["admin", adminToken, "admin"],
    ["provisioner", provisionerToken, "factory:create"],
  ])("%s has its scopes, and is in no table", async (user, hash, scope) => {
    const id = `${user}-${hash.slice(0, 8)}`;
    const expected = { hash, id, user, scopes: [scope], bound: null, expiresAt: null };
    expect(await both.find(hash)).toEqual(expected);
  });

  test("are nobody's where none is configured, and no other's", async () => {
    const neither = withOperatorTokens(none, { adminToken: "", provisionerToken: "" });
    expect(await neither.find(adminToken)).toBeNull();
    expect(await both.find(sha256Text("rw_another"))).toBeNull();
  });

  const hash = sha256Text("rw_stored");
  const bound = { factory: "acme" as FactoryName, instance: "0".repeat(32) as InstanceId };
  const owners: TokenRecord = {
    hash,
    id: "x",
    user: "x",
    bound,
    expiresAt: null,
    scopes: ["root:read", "root:update", "targets:update"],
  };
  const withStored = (stored: object) =>
    withOperatorTokens(
      { ...none, find: async () => ({ ...owners, ...stored }) },
      {
        adminToken,
        provisionerToken,
      },
    );

  test.each([
    ["an owner's", {}],
    ["a publisher's", { scopes: ["targets:update"] }],
    ["the id of a link", { scopes: ["delivery"] }],
  ])("what a table holds is found: %s", async (_, stored) => {
    expect(await withStored(stored).find(hash)).toEqual({ ...owners, ...stored });
  });

  test.each([
    ["of all Factories", { bound: null }],
    ["of no certain Factory", { bound: {} }],
    ["that says nothing of Factories", { bound: undefined }],
    ["the operator's", { bound: null, scopes: ["admin"] }],
    ["the operator's, of one Factory", { scopes: ["admin"] }],
    ["a provisioner's", { bound: null, scopes: ["factory:create"] }],
    ["a provisioner's, of one Factory", { scopes: ["root:read", "factory:create"] }],
    ["with scopes that are no list", { scopes: "root:read admin" }],
  ])("what somebody else wrote there is no token: %s", async (_, stored) => {
    expect(await withStored(stored).find(hash)).toBeNull();
  });
});

test("effects of others wait for whoever may carry them out", async () => {
  const world = new TestWorld();
  const link = await newFactory(world, "tuf");
  const { service } = world.start();
  const archive = await takeArchive({ service }, link, ALICE);
  await confirmAs({ ...service, effects: ["notify"] }, link, ALICE, archive);
  const left = world.head(FACTORY)?.pending.map(({ kind }) => kind);
  const others = ["destroy-share", "destroy-archive", "withdraw-link", "end-token", "announce"];
  expect(new Set(left)).toEqual(new Set(others));
  expect(world.state.shares.size).toBe(1);
  await runPending(service, FACTORY);
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
