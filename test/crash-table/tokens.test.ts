/**
 * The end of a token, on every form, failed at each write: it is as good as before, or it is good for
 * nothing and its record goes. Nothing by that token is decided after its revocation was answered,
 * however long before the request began.
 */
import { afterAll, describe, expect, test } from "vitest";
import type { Call } from "../../lib/adapters/memory/faults.ts";
import { decodeEvent, type LoggedEvent } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import { isGone } from "../../lib/state/tokens.ts";
import { authorizeFactory, type Principal } from "../../lib/service/authorize.ts";
import { readHead } from "../../lib/service/store.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { readLog } from "../../lib/service/read.ts";
import type { Service } from "../../lib/service/service.ts";
import { createToken, listTokens, revokeToken } from "../../lib/service/tokens.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { LOCAL_ADAPTERS } from "../contract/adapters.ts";
import { aws } from "../contract/aws-adapter.ts";
import { FACTORY, refusal } from "../support/memory-owner.ts";
import { apiFactory, ownerOf } from "../support/memory-root-update.ts";
import { entriesOf } from "../support/memory-targets.ts";
import { formOf, MEMORY, type Form, type World } from "../support/worlds.ts";
import { crashTables, tableOn, type Command } from "./table.ts";

const OTHERS = [...LOCAL_ADAPTERS.filter(({ name }) => name !== MEMORY.name), aws].map(formOf);
const FORMS: readonly Form<World>[] = [MEMORY, ...OTHERS];

const WORKER = { user: "bob", scopes: ["root:update", "targets:update"], expiresAt: null } as const;

/** A worker of an owner, and what it is revoked by. */
async function makeWorker(service: Service): Promise<{ readonly token: string }> {
  return createToken(service, FACTORY, await ownerOf(service), WORKER);
}

async function principalOf(service: Service, token: string): Promise<Principal> {
  return authorizeFactory(service, token, "root:update", FACTORY);
}

const minting: Command<null, { readonly token: string }, World> = {
  name: "mint a token",
  prepare: async (world) => {
    await apiFactory(world, "ats");
    return null;
  },
  run: ({ service }) => makeWorker(service),
  changed: ({ log }, { before }) => {
    expect(log.seq).toBeGreaterThan(before?.log.seq ?? 0);
  },
  answered: async ({ token }, { world }) => {
    expect(token).toMatch(/^rw_/);
    const { service } = await world.start();
    expect((await service.tokens.find(sha256Text(token)))?.user).toBe("bob");
  },
  finished: async (types) => {
    expect(types).toContain("token-minted");
  },
};

/** What a request that was let in before the revocation comes to now. */
async function tryLate(world: World, late: Principal): Promise<string> {
  const { service } = await world.start();
  const spec = { user: "eve", scopes: ["root:update"], expiresAt: null } as const;
  return refusal(createToken(service, FACTORY, late, spec));
}

const revoking: Command<Principal, void, World> = {
  name: "revoke a token",
  prepare: async (world) => {
    await apiFactory(world, "ats");
    const { service } = await world.start();
    return principalOf(service, (await makeWorker(service)).token);
  },
  run: async ({ service }, { fixture: { token } }) => {
    const done = await refusal(revokeToken(service, FACTORY, await ownerOf(service), token.id));
    // Whoever repeats it takes "there is no such token" for the answer.
    expect(["done", "not-found"]).toContain(done);
  },
  unchanged: async ({ world, fixture }) => {
    const { service } = await world.start();
    const head = await readHead(service, FACTORY);
    expect((await listTokens(service, head)).map(({ id }) => id)).toContain(fixture.token.id);
    expect(await service.tokens.find(fixture.token.hash)).toEqual(fixture.token);
  },
  changed: async (head, { world, fixture }) => {
    const { service } = await world.start();
    const record = await service.tokens.find(fixture.token.hash);
    expect(record === null || isGone(head, record)).toBe(true);
    expect(await tryLate(world, fixture)).toBe("unauthenticated");
    expect(await world.head(FACTORY)).toEqual(head);
  },
  answered: async (_, { world, fixture }, process) => {
    const head: Head = await readHead(process.service, FACTORY);
    expect((await listTokens(process.service, head)).map(({ id }) => id)).not.toContain(
      fixture.token.id,
    );
    expect(await tryLate(world, fixture)).toBe("unauthenticated");
  },
  finished: async (types, { world, fixture }) => {
    expect(types.filter((type) => type === "token-revoked")).toHaveLength(1);
    const { service } = await world.start();
    expect(await service.tokens.find(fixture.token.hash)).toBeNull();
    // The one that the late request stored was never logged, and is gone as well.
    const users = (await service.tokens.list(FACTORY)).map(({ user }) => user);
    expect(users).not.toContain("eve");
  },
};

afterAll(async () => {
  for (const form of FORMS) await form.stop();
});

crashTables(
  await Promise.all(FORMS.flatMap((form) => [tableOn(form, minting), tableOn(form, revoking)])),
);

type Deed = (service: Service, worker: Principal) => Promise<unknown>;
const entries = entriesOf({ "a.bin": "a" });
const DEEDS: readonly (readonly [string, Deed])[] = [
  [
    "a publication",
    (service, principal) =>
      publishTargets(service, { factory: FACTORY, principal, entries, remove: [] }),
  ],
  [
    "the making of a token",
    (service, worker) => createToken(service, FACTORY, worker, { ...WORKER, user: "eve" }),
  ],
];

/** @param from the number of the first event that is of interest */
async function logged(service: Service, from: number): Promise<readonly LoggedEvent[]> {
  const { events, next } = await readLog(service, await readHead(service, FACTORY), from);
  expect(next).toBeNull();
  return events.map((text) => decodeEvent(new TextEncoder().encode(text)));
}

describe.each(FORMS)("a revocation, $name form", (form) => {
  const rows = DEEDS.flatMap(([name, deed]) =>
    (["is answered", "begins"] as const).map((how) => [how, name, deed] as const),
  );

  test.each(rows)(
    "that %s at any call of %s: nothing by that token follows it in the log",
    async (how, _, deed) => {
      const world = await form.open();
      await apiFactory(world, "tuf");
      const { service } = await world.start();
      const boss = await ownerOf(service, "boss");
      let refused = 0;
      for (const kind of ["read", "write"] as const) {
        for (let n = 1; ; n += 1) {
          const { log } = await readHead(service, FACTORY);
          const { token } = await createToken(service, FACTORY, boss, WORKER);
          const worker = await principalOf(service, token);
          const revoked: Promise<void>[] = [];
          const other = (await world.start()).service;
          const revoke = async (): Promise<null> => {
            const revocation = revokeToken(other, FACTORY, boss, worker.token.id);
            revoked.push(revocation);
            await revocation;
            return null;
          };
          const plan = (call: Call) => {
            if (revoked.length > 0 || call.kind !== kind || call.nth !== n) return null;
            const answered = revoke();
            return how === "is answered" ? answered : null;
          };
          const outcome = await refusal(deed((await world.start(plan)).service, worker));
          if (revoked.length === 0) break;
          await Promise.all(revoked);
          expect(["done", "unauthenticated"]).toContain(outcome);
          if (outcome !== "done") refused += 1;
          await expectNothingAfter(service, worker, log.seq);
        }
      }
      if (how === "is answered") expect(refused).toBeGreaterThan(0);
      world.assertInvariants();
    },
    120_000,
  );
});

async function expectNothingAfter(
  service: Service,
  worker: Principal,
  from: number,
): Promise<void> {
  const events = await logged(service, from);
  const at = events.findIndex(
    ({ type, details }) => type === "token-revoked" && details["id"] === worker.token.id,
  );
  expect(at).toBeGreaterThan(0);
  expect(events.slice(at).filter(({ actor }) => actor === worker.actor)).toEqual([]);
  // A token is stored only if the log has it.
  const minted = events.filter(({ type }) => type === "token-minted");
  const ids = minted.map(({ details }) => details["id"]);
  for (const { id, mintedBy } of await service.tokens.list(FACTORY)) {
    if (mintedBy === worker.token.id) expect(ids).toContain(id);
  }
}
