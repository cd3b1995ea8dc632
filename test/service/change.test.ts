/** The one way to alter a Factory: whose word counts, when, and in which order changes come. */
import { describe, expect, it, test } from "vitest";
import type { Plan } from "../../lib/adapters/memory/faults.ts";
import { RootwardError } from "../../lib/error.ts";
import { decodeEvent, type LoggedEvent } from "../../lib/state/event.ts";
import { advance } from "../../lib/state/transition.ts";
import { change } from "../../lib/service/change.ts";
import { readHead } from "../../lib/service/store.ts";
import { takeInitialKey } from "../../lib/service/delivery/initial-key.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { readLog } from "../../lib/service/read.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { startUpdate } from "../../lib/service/root-update/start.ts";
import { eventContext, type Service } from "../../lib/service/service.ts";
import { createToken, revokeToken } from "../../lib/service/tokens.ts";
import type { Principal } from "../../lib/service/authorize.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import { FACTORY, refusal } from "../support/memory-owner.ts";
import { apiFactory, ownerOf } from "../support/memory-root-update.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";
import { entriesOf, publish } from "../support/memory-targets.ts";

async function logged(world: TestWorld): Promise<readonly LoggedEvent[]> {
  const { service } = world.start();
  const { events } = await readLog(service, await readHead(service, FACTORY), 1);
  return events.map((text) => decodeEvent(new TextEncoder().encode(text)));
}

/** A Factory with a token of `boss` and one that it made. */
async function withWorker() {
  const world = new TestWorld();
  await apiFactory(world, "tuf");
  const { service } = world.start();
  const boss = await ownerOf(service, "boss");
  const { scopes } = boss.token;
  const { id } = await createToken(service, FACTORY, boss, {
    user: "worker",
    scopes,
    expiresAt: world.now + DAY,
  });
  const token = [...world.state.tokens.values()].find((one) => one.id === id);
  if (token === undefined) throw new Error("no token was made");
  const worker: Principal = { token, actor: `token:${id}`, scope: "root:update" };
  return { world, boss, worker };
}

type Deed = (service: Service, worker: Principal) => Promise<unknown>;
const entries = entriesOf({ "a.bin": "a" });
const publishing: Deed = (service, principal) =>
  publishTargets(service, { factory: FACTORY, principal, entries, remove: [] });
const minting: Deed = (service, worker) =>
  createToken(service, FACTORY, worker, {
    user: "eve",
    scopes: ["root:read"],
    expiresAt: worker.token.expiresAt,
  });
const DEEDS: readonly (readonly [string, Deed])[] = [
  ["publishes", publishing],
  ["makes a token", minting],
  ["revokes itself", (service, worker) => revokeToken(service, FACTORY, worker, worker.token.id)],
  ["reads the first root key", (service, worker) => takeInitialKey(service, FACTORY, worker)],
  [
    "starts a root update",
    (service, principal) =>
      startUpdate(service, { factory: FACTORY, principal, message: "", firstTime: true }),
  ],
  [
    "makes online keys",
    (service, principal) =>
      makeOnlineKeys(service, {
        factory: FACTORY,
        principal,
        txid: "",
        roles: ["targets"],
        keyType: "ed25519",
      }),
  ],
  ["applies a root update", (service, worker) => applyUpdate(service, FACTORY, "", worker)],
  ["cancels a root update", (service, worker) => cancelUpdate(service, FACTORY, worker)],
];

describe.each(DEEDS)("a token that %s", (_name, deed) => {
  const endings: readonly (readonly [string, Parameters<typeof ended>[0]])[] = [
    ["was revoked", async ({ world, boss, worker }) => revokeIn(world, boss, worker)],
    ["has expired", async ({ world }) => world.advance(DAY)],
    [
      "lost its scope",
      async ({ world, worker: { token } }) => {
        world.state.tokens.set(token.hash, { ...token, scopes: ["targets:update"] });
      },
    ],
    [
      "is of another Factory",
      async ({ world, worker: { token } }) => {
        const bound = { factory: "other" as typeof FACTORY, instance: token.bound?.instance };
        world.state.tokens.set(token.hash, { ...token, bound: bound as typeof token.bound });
      },
    ],
  ];
  const ended = async (end: (made: Awaited<ReturnType<typeof withWorker>>) => Promise<void>) => {
    const made = await withWorker();
    await end(made);
    const before = made.world.head(FACTORY)?.revision;
    const { size } = made.world.state.tokens;
    const keys = made.world.state.signer.keys.size;
    const code = await refusal(deed(made.world.start().service, made.worker));
    expect(made.world.head(FACTORY)?.revision).toBe(before);
    expect([made.world.state.tokens.size, made.world.state.signer.keys.size]).toEqual([size, keys]);
    return code;
  };
  it.each(endings)("since it was let in, and then %s, changes nothing", async (_, end) => {
    expect(["unauthenticated", "forbidden"]).toContain(await ended(end));
  });
});

async function revokeIn(world: TestWorld, boss: Principal, { token }: Principal): Promise<void> {
  await revokeToken(world.start().service, FACTORY, boss, token.id);
}

test("a token that expires while the boundary signs publishes nothing", async () => {
  const { world, worker } = await withWorker();
  const { service } = world.start();
  const slow = withBoundary(service, {
    sign: async (request) => {
      const bytes = await service.boundary.sign(request);
      if (request.content.role === "timestamp") world.advance(DAY);
      return bytes;
    },
  });
  expect(await refusal(publishing(slow, worker))).toBe("unauthenticated");
  expect((await logged(world)).map(({ type }) => type)).not.toContain("targets-published");
});

describe("what was stored for a change", () => {
  const swaps =
    (fault: ReturnType<Plan>): Plan =>
    ({ name }) =>
      name === "heads.swap" ? fault : null;
  const attempt = async (
    plan: Plan,
    by: (boss: Principal) => Principal,
    swap?: () => Promise<boolean>,
  ): Promise<number> => {
    const { world, boss } = await withWorker();
    const { service: plain } = world.start(plan);
    const { heads } = plain;
    const own = { read: heads.read.bind(heads), create: heads.create.bind(heads) };
    const due = heads.due.bind(heads);
    const service = swap === undefined ? plain : { ...plain, heads: { ...own, due, swap } };
    let abandoned = 0;
    const changing = change(
      service,
      {
        factory: FACTORY,
        by: by(boss),
        effects: "afterwards",
        abandon: async () => {
          abandoned += 1;
        },
      },
      (head) => ({
        transition: advance(
          head,
          { head: {}, type: "effects-done", details: jsonObject({}) },
          eventContext(service, "schedule"),
        ),
      }),
    );
    await Promise.allSettled([changing]);
    return abandoned;
  };

  it("is removed when the change was refused", async () => {
    const narrow = (boss: Principal): Principal => ({ ...boss, scope: "admin" });
    expect(await attempt(() => null, narrow)).toBe(1);
  });

  it("is kept when the change was made", async () => {
    expect(
      await attempt(
        () => null,
        (boss) => boss,
      ),
    ).toBe(0);
  });

  it("is kept when nobody knows whether the swap was applied", async () => {
    expect(await attempt(swaps("not applied"), (boss) => boss)).toBe(0);
  });

  const refused = new RootwardError("storage-unavailable", "the disk is full");
  const unsure = new RootwardError("storage-unavailable", "an error", { inDoubt: true });
  it.each([
    ["is removed when the store said that it applied nothing", [refused], 1],
    ["is kept when it is not known, although the store had a reason", [unsure], 0],
    ["is kept when a later try was refused", [unsure, refused], 0],
  ])("%s", async (_, errors, expected) => {
    let tries = 0;
    const swap = async (): Promise<boolean> => {
      tries += 1;
      throw errors[Math.min(tries, errors.length) - 1] ?? new Error("no error");
    };
    expect(
      await attempt(
        () => null,
        (boss) => boss,
        swap,
      ),
    ).toBe(expected);
    // What was refused is not tried again.
    if (errors.includes(refused)) expect(tries).toBe(errors.length);
  });
});

describe("turns", () => {
  it("let 60 publishers lose no round, and each publication asks the boundary once for each role", async () => {
    const world = new TestWorld();
    await apiFactory(world, "tuf");
    await ownerOf(world.start().service);
    const calls: string[] = [];
    const { service } = world.start(({ name }) => {
      calls.push(name);
      return null;
    });
    let signed = 0;
    const counting = withBoundary(service, {
      sign: (request) => {
        signed += 1;
        return service.boundary.sign(request);
      },
    });
    const { revision = 0 } = world.head(FACTORY) ?? {};
    const names = Array.from({ length: 60 }, (_, at) => `file-${at}`);
    await Promise.all(names.map((name) => publish(counting, { [name]: name })));
    expect(calls.filter((name) => name === "heads.swap")).toHaveLength(60);
    expect(world.head(FACTORY)?.revision).toBe(revision + 60);
    expect(signed).toBe(180);
  });

  it("let a publication in among tokens that are made in a loop, after one of them", async () => {
    const world = new TestWorld();
    await apiFactory(world, "tuf");
    const { service } = world.start();
    const boss = await ownerOf(service, "boss");
    const spec = { user: "loop", scopes: ["root:read"], expiresAt: null } as const;
    const { seq = 0 } = world.head(FACTORY)?.log ?? {};
    const minted = Array.from({ length: 50 }, () => createToken(service, FACTORY, boss, spec));
    const published = publish(service, { "a.bin": "a" });
    await Promise.all([...minted, published]);
    const events = (await logged(world)).slice(seq).map(({ type }) => type);
    const own = events.filter((type) => type !== "effects-done");
    expect(own.indexOf("targets-published")).toBeLessThanOrEqual(2);
  });

  it("are refused with a time to come back beyond what may wait", async () => {
    const world = new TestWorld();
    await apiFactory(world, "tuf");
    const { service } = world.start();
    const boss = await ownerOf(service, "boss");
    const spec = { user: "loop", scopes: ["root:read"], expiresAt: null } as const;
    const results = await Promise.allSettled(
      Array.from({ length: 150 }, () => createToken(service, FACTORY, boss, spec)),
    );
    const refused = results.flatMap((one) =>
      one.status === "rejected" ? [one.reason as unknown] : [],
    );
    expect(refused).toHaveLength(49);
    expect(refused[0]).toMatchObject({ code: "busy", details: { facts: { retryAfter: 5 } } });
    // Nothing of them is left.
    const stored = [...world.state.tokens.values()].filter(({ user }) => user === "loop");
    expect(stored).toHaveLength(101);
    // And the others were not in their way.
    await publish(service, { "a.bin": "a" });
  });
});
