/** How many tokens a confirmation yields, which token may revoke which, and what the owner is told. */
import { describe, expect, it, test } from "vitest";
import { encodeHead } from "../../lib/state/head.ts";
import { authorizeFactory, type Principal } from "../../lib/service/authorize.ts";
import { readHead } from "../../lib/service/store.ts";
import { ADMIN_SCOPES, OWNER_SCOPES, type Scope } from "../../lib/state/scopes.ts";
import type { Service } from "../../lib/service/service.ts";
import { runPending } from "../../lib/service/change.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken, listTokens, revokeToken } from "../../lib/service/tokens.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import {
  ALICE,
  bootstrapOf,
  confirmAs,
  FACTORY,
  known,
  rebootstrapOf,
  refusal,
  takeArchive,
} from "../support/memory-owner.ts";
import { DAY, HOUR, TestWorld } from "../support/memory-service.ts";

/** A delivery that its claimant may confirm as often as they like. */
async function delivery() {
  const world = new TestWorld();
  const { service } = world.start();
  const { delivery: made, ownerToken: first = "" } = await bootstrapOf(service, "tuf");
  const link = made.url ?? "";
  const archive = await takeArchive(world.start(), link, ALICE);
  const confirmWith = async (by: Service) => (await confirmAs(by, link, ALICE, archive)).ownerToken;
  const confirm = async () => confirmWith(world.start().service);
  const authorize = (token: string) => authorizeFactory(service, token, "root:update", FACTORY);
  const isGood = async (token = "") => (await refusal(authorize(token))) === "done";
  const mails = (type: string) =>
    [...world.state.outbox.keys()].filter((id) => id.endsWith(`-${type}`)).length;
  return { world, service, first, confirm, confirmWith, authorize, isGood, mails };
}

async function mint(
  service: Parameters<typeof createToken>[0],
  by: Principal,
  scopes: readonly Scope[] = OWNER_SCOPES,
): Promise<Principal & { readonly id: string }> {
  const { token, id } = await createToken(service, FACTORY, by, {
    user: "x",
    scopes,
    expiresAt: null,
  });
  const record = await service.tokens.find(sha256Text(token));
  if (record === null) throw new Error("no token was stored");
  return { token: record, actor: `token:${id}`, scope: "root:update", id };
}

async function admin(service: Service): Promise<Principal> {
  const hash = sha256Text("admin");
  const token = { hash, id: "admin-12345678", user: "admin", scopes: ADMIN_SCOPES } as const;
  const principal: Principal = {
    token: { ...token, bound: null, expiresAt: null },
    actor: "token:admin-12345678",
    scope: "root:update",
  };
  await known(service, principal);
  return principal;
}

describe("a confirmation that is repeated", () => {
  it("yields five tokens within the hour, of which the last one alone is good", async () => {
    const { world, service, confirm, isGood, mails } = await delivery();
    const tokens = [];
    for (let i = 0; i < 200; i += 1) tokens.push(await confirm());
    const told = tokens.filter((token) => token !== undefined);
    expect(told).toHaveLength(5);
    expect(new Set(told).size).toBe(5);
    const good = [];
    for (const token of told) if (await isGood(token)) good.push(token);
    expect(good).toEqual([told.at(-1)]);
    // The first with the message of the confirmation, each other one with its own.
    expect([mails("delivery-confirmed"), mails("owner-token-issued")]).toEqual([1, 4]);
    const stored = [...world.state.tokens.values()].filter(
      ({ issued }) => issued === "confirmation",
    );
    expect(stored).toHaveLength(1);
    const head = await readHead(service, FACTORY);
    expect((await listTokens(service, head)).map(({ id }) => id)).toContain(stored[0]?.id);
  });

  it("at once yields one good token", async () => {
    const { confirm, isGood } = await delivery();
    const tokens = await Promise.all([confirm(), confirm(), confirm()]);
    const good = [];
    for (const token of tokens) if (await isGood(token)) good.push(token);
    expect(good).toHaveLength(1);
  });

  it("keeps the token of its answer, whenever ended tokens are removed meanwhile", async () => {
    for (const kind of ["read", "write"] as const) {
      for (let n = 1; ; n += 1) {
        const { world, confirm, confirmWith, isGood } = await delivery();
        await confirm();
        // As a run of the schedule finds it that comes then.
        const removeEnded = (): Promise<void> => {
          const head = world.head(FACTORY);
          if (head === null) throw new Error("there is no Factory");
          const pending = [{ kind: "end-token", token: "ended" }] as const;
          world.state.heads.set(FACTORY, encodeHead({ ...head, pending }));
          return runPending(world.start().service, FACTORY);
        };
        const settled: Promise<void>[] = [];
        const token = await confirmWith(
          world.start((call) => {
            if (settled.length === 0 && call.kind === kind && call.nth === n) {
              settled.push(removeEnded());
            }
            return null;
          }).service,
        );
        if (settled.length === 0) break;
        await Promise.all(settled);
        expect([n, await isGood(token)]).toEqual([n, true]);
      }
    }
  });

  it("yields none after an hour", async () => {
    const { world, confirm, isGood } = await delivery();
    const token = await confirm();
    world.advance(HOUR);
    expect(await confirm()).toBeUndefined();
    expect(await isGood(token)).toBe(true);
  });

  it.each(["that token", "another token", "all tokens"])(
    "yields none once %s was revoked",
    async (which) => {
      const { service, confirm, authorize, isGood } = await delivery();
      const token = (await confirm()) ?? "";
      const owner = await authorize(token);
      const worker = await mint(service, owner);
      if (which !== "that token") await revokeToken(service, FACTORY, owner, worker.id);
      if (which !== "another token") await revokeToken(service, FACTORY, owner, owner.token.id);
      expect(await confirm()).toBeUndefined();
      expect(await isGood(token)).toBe(which === "another token");
    },
  );
});

describe("the token of the bootstrap's answer", () => {
  it("authorises nothing after the confirmation, and agrees to another bootstrap", async () => {
    const { service, first, confirm, isGood } = await delivery();
    expect(await isGood(first)).toBe(true);
    await confirm();
    expect(await isGood(first)).toBe(false);
    const word = { ownerToken: first, noDeviceExists: true };
    expect(await refusal(rebootstrapOf(service, word))).toBe("done");
  });

  it("agrees to nothing once the owner revoked it", async () => {
    const { service, first, confirm, authorize } = await delivery();
    const owner = await authorize((await confirm()) ?? "");
    const id = (await service.tokens.find(sha256Text(first)))?.id ?? "";
    await revokeToken(service, FACTORY, owner, id);
    const word = { ownerToken: first, noDeviceExists: true };
    expect(await refusal(rebootstrapOf(service, word))).toBe("forbidden");
  });

  it("lives on without a link", async () => {
    const world = new TestWorld();
    const { service } = world.start();
    const { ownerToken = "" } = await bootstrapOf(service, "tuf", { delivery: "api" });
    expect(await refusal(authorizeFactory(service, ownerToken, "root:update", FACTORY))).toBe(
      "done",
    );
  });
});

describe("a token", () => {
  it("revokes itself and what it made, directly or not, and nothing else", async () => {
    const { service, confirm, authorize } = await delivery();
    const owner = await authorize((await confirm()) ?? "");
    const parent = await mint(service, owner);
    const child = await mint(service, parent);
    const grandchild = await mint(service, child);
    const sibling = await mint(service, owner);
    const tries = [owner.token.id, parent.id, sibling.id];
    for (const id of tries) {
      expect(await refusal(revokeToken(service, FACTORY, child, id))).toBe("forbidden");
    }
    expect(await refusal(revokeToken(service, FACTORY, parent, child.id))).toBe("done");
    // Also where the one between is gone.
    expect(await refusal(revokeToken(service, FACTORY, parent, grandchild.id))).toBe("done");
    expect(await refusal(revokeToken(service, FACTORY, parent, parent.id))).toBe("done");
    expect(await refusal(revokeToken(service, FACTORY, parent, sibling.id))).toBe(
      "unauthenticated",
    );
  });

  it("of the confirmation revokes every one that no operator's token made", async () => {
    const { service, first, confirm, authorize } = await delivery();
    const early = await mint(service, await authorize(first));
    const operators = await mint(service, await admin(service));
    const below = await mint(service, operators);
    const owner = await authorize((await confirm()) ?? "");
    expect(await refusal(revokeToken(service, FACTORY, owner, early.id))).toBe("done");
    for (const id of [operators.id, below.id]) {
      expect(await refusal(revokeToken(service, FACTORY, owner, id))).toBe("forbidden");
    }
  });

  it("of an operator revokes every token", async () => {
    const { service, confirm, authorize, isGood } = await delivery();
    const token = (await confirm()) ?? "";
    const owner = await authorize(token);
    const operator = await admin(service);
    expect(await refusal(revokeToken(service, FACTORY, operator, owner.token.id))).toBe("done");
    expect(await isGood(token)).toBe(false);
  });

  it("makes tokens for eight generations", async () => {
    const { service, confirm, authorize } = await delivery();
    let maker: Principal = await authorize((await confirm()) ?? "");
    for (let i = 0; i < 8; i += 1) maker = await mint(service, maker);
    expect(await refusal(mint(service, maker))).toBe("forbidden");
  });

  it("that could change roots is revoked with a message to the owner, a CI's without", async () => {
    const { service, confirm, authorize, mails } = await delivery();
    const owner = await authorize((await confirm()) ?? "");
    const ci = await mint(service, owner, ["targets:update"]);
    await revokeToken(service, FACTORY, owner, ci.id);
    await runSchedule(service);
    expect(mails("token-revoked")).toBe(0);
    const worker = await mint(service, owner);
    await revokeToken(service, FACTORY, owner, worker.id);
    await runSchedule(service);
    expect(mails("token-revoked")).toBe(1);
  });
});

test("an expired token is removed by the schedule, 35 days after its end", async () => {
  const { world, service, confirm, authorize } = await delivery();
  const owner = await authorize((await confirm()) ?? "");
  const spec = { user: "ci", scopes: ["targets:update"], expiresAt: world.now + DAY } as const;
  const { token } = await createToken(service, FACTORY, owner, spec);
  const { size } = world.state.tokens;
  world.advance(36 * DAY - 1);
  await runSchedule(service);
  expect(await service.tokens.find(sha256Text(token))).not.toBeNull();
  world.advance(2);
  await runSchedule(service);
  expect(await service.tokens.find(sha256Text(token))).toBeNull();
  expect(world.state.tokens.size).toBe(size - 1);
});
