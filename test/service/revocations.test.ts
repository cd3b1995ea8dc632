/**
 * A revocation waits neither for a signer that hangs nor for publications by the token that it ends,
 * and revocations in a loop stop no publisher.
 */
import { expect, test } from "vitest";
import { decodeEvent } from "../../lib/state/event.ts";
import { encodeHead } from "../../lib/state/head.ts";
import type { Principal } from "../../lib/service/authority.ts";
import { readHead } from "../../lib/service/store.ts";
import { LOST_ROUNDS } from "../../lib/service/ports.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { readLog } from "../../lib/service/read.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import type { Service } from "../../lib/service/service.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken, revokeToken } from "../../lib/service/tokens.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import { withBoundary } from "../support/boundary-calls.ts";
import { FACTORY, refusal } from "../support/memory-owner.ts";
import { apiFactory, ownerOf, start } from "../support/memory-root-update.ts";
import { TestWorld } from "../support/memory-service.ts";
import { entriesOf, publish } from "../support/memory-targets.ts";

/** More turns of the event loop than anything here takes that does not hang. */
const MANY = 5000;

/** A Factory, its owner, and a token that was stolen; the signer hangs until it is let go. */
async function theft() {
  const world = new TestWorld();
  await apiFactory(world, "tuf");
  const { service } = world.start();
  const boss = await ownerOf(service, "boss");
  const stolen = await mint(service, boss);
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const hanging = withBoundary(service, {
    sign: async (request) => {
      asked.resolve();
      await go.promise;
      return service.boundary.sign(request);
    },
    trustedRoot: async (ref) => {
      asked.resolve();
      await go.promise;
      return service.boundary.trustedRoot(ref);
    },
  });
  return { world, service, hanging, boss, stolen, asked: asked.promise, go: go.resolve };
}

async function mint(service: Service, by: Principal): Promise<Principal> {
  const spec = { user: "worker", scopes: by.token.scopes, expiresAt: by.token.expiresAt };
  const { token, id } = await createToken(service, FACTORY, by, spec);
  const record = await service.tokens.find(sha256Text(token));
  if (record === null) throw new Error("no token was made");
  return { token: record, actor: `token:${id}`, scope: "root:update" };
}

function publishAs(service: Service, principal: Principal, name = "evil"): Promise<unknown> {
  const entries = entriesOf({ [name]: name });
  return publishTargets(service, { factory: FACTORY, principal, entries, remove: [] });
}

const revoke = (service: Service, by: Principal, { token }: Principal): Promise<void> =>
  revokeToken(service, FACTORY, by, token.id);

/** Waits until `work` is over, for many turns of the event loop at most. */
async function unlessItHangs(work: Promise<unknown>): Promise<void> {
  const over = work.then(
    () => true,
    () => true,
  );
  for (let turn = 0; turn < MANY; turn += 1) {
    const next = new Promise<boolean>((resolve) => {
      setImmediate(() => resolve(false));
    });
    if (await Promise.race([over, next])) return;
  }
}

async function loggedAfter(service: Service, seq: number): Promise<readonly string[]> {
  const { events } = await readLog(service, await readHead(service, FACTORY), seq + 1);
  return events.map((text) => decodeEvent(new TextEncoder().encode(text)).type);
}

test.each([1, 60])(
  "a token is revoked while %s publications by it wait for a signer that hangs",
  async (publications) => {
    const { service, hanging, boss, stolen, asked, go } = await theft();
    const { seq } = (await readHead(service, FACTORY)).log;
    const order: string[] = [];
    const published = Array.from({ length: publications }, async (_, at) => {
      order.push(await refusal(publishAs(hanging, stolen, `evil-${at}`)));
    });
    await asked;
    const revoked = revoke(hanging, boss, stolen).then(() => order.push("revoked"));
    await unlessItHangs(revoked);
    go();
    await Promise.all([revoked, ...published]);
    expect(order).toEqual(["revoked", ...published.map(() => "unauthenticated")]);
    expect(await loggedAfter(service, seq)).toEqual(["token-revoked"]);
  },
);

test("the owner's message about a revocation waits for no signer either, and the schedule sends it", async () => {
  const { world, service, hanging, boss, stolen, asked, go } = await theft();
  const publishing = publishAs(hanging, boss, "good");
  await asked;
  // A key that the signer is to destroy waits in the head, as after a rotation.
  const head = await readHead(service, FACTORY);
  const pending = [
    { kind: "destroy-key", role: "targets", keyid: "0".repeat(64) as KeyId },
  ] as const;
  world.state.heads.set(FACTORY, encodeHead({ ...head, pending }));
  const order: string[] = [];
  const revoked = revoke(hanging, boss, stolen).then(() => order.push("revoked"));
  await unlessItHangs(revoked);
  order.push("the signer answers");
  go();
  await Promise.all([revoked, publishing]);
  expect(order).toEqual(["revoked", "the signer answers"]);
  expect(await service.tokens.find(stolen.token.hash)).toBeNull();
  await runSchedule(service);
  expect(world.head(FACTORY)?.pending).toEqual([]);
  const mails = [...world.state.outbox.keys()].filter((id) => id.endsWith("-token-revoked"));
  expect(mails).toHaveLength(1);
});

test("many revocations leave the effect of one in the head", async () => {
  const { world, service, boss } = await theft();
  for (let at = 0; at < 20; at += 1) await revoke(service, boss, await mint(service, boss));
  const many = await Promise.all(Array.from({ length: 50 }, () => mint(service, boss)));
  await Promise.all(many.map((one) => revoke(service, boss, one)));
  const ends = world.head(FACTORY)?.pending.filter(({ kind }) => kind === "end-token");
  expect(ends).toHaveLength(1);
  expect([...world.state.tokens.values()].filter(({ user }) => user === "worker")).toHaveLength(1);
});

test("a removal that fails keeps no token from being revoked, and stays to be done", async () => {
  const { world, boss, stolen } = await theft();
  const other = await mint(world.start().service, boss);
  const { service, reports } = world.start(({ name }) =>
    name === "tokens.delete" ? "not applied" : null,
  );
  await revoke(service, boss, stolen);
  await revoke(service, boss, other);
  const ends = world.head(FACTORY)?.pending.filter(({ kind }) => kind === "end-token");
  expect(ends).toHaveLength(2);
  expect(reports).not.toEqual([]);
  await runSchedule(world.start().service);
  expect(world.head(FACTORY)?.pending).toEqual([]);
  expect(world.state.tokens.has(stolen.token.hash)).toBe(false);
});

test("a publication gets through while tokens are made and revoked in a loop", async () => {
  const { service, boss } = await theft();
  const { seq } = (await readHead(service, FACTORY)).log;
  let signed = 0;
  const counting = withBoundary(service, {
    sign: (request) => {
      signed += 1;
      return service.boundary.sign(request);
    },
  });
  const loops = Array.from({ length: 10 }, async () => {
    for (let at = 0; at < 5; at += 1) await revoke(service, boss, await mint(service, boss));
  });
  await publish(counting, { "a.bin": "a" });
  const events = await loggedAfter(service, seq);
  await Promise.all(loops);
  // Tokens are made in turns with publications, and each is revoked once.
  expect(events.filter((type) => type === "token-minted").length).toBeLessThan(15);
  expect(signed).toBeLessThanOrEqual(15);
});

test("a publication loses a few rounds to the revocations of tokens that were put by", async () => {
  const { service, boss } = await theft();
  const many: Principal[] = [];
  for (let at = 0; at < 20; at += 1) many.push(await mint(service, boss));
  const revoked: Promise<void>[] = [];
  let rounds = 0;
  // In each round of the publication a token revokes itself.
  const losing = withBoundary(service, {
    sign: async (request) => {
      const bytes = await service.boundary.sign(request);
      const one = request.content.role === "timestamp" ? many.pop() : undefined;
      if (one !== undefined) {
        rounds += 1;
        revoked.push(revoke(service, one, one));
        await unlessItHangs(Promise.all(revoked));
      }
      return bytes;
    },
  });
  await publish(losing, { "a.bin": "a" });
  expect(rounds).toBe(LOST_ROUNDS + 1);
  // The last one waited until the turn was over.
  await Promise.all(revoked);
});

test("no online key is made for a token that is revoked while the signer is asked for its trust", async () => {
  const { world, service, stolen } = await theft();
  const txid = await start(service);
  let revoked = false;
  const slow = withBoundary(service, {
    trustedRoot: async (ref) => {
      if (!revoked) await revoke(service, stolen, stolen);
      revoked = true;
      return service.boundary.trustedRoot(ref);
    },
  });
  const keys = world.state.signer.keys.size;
  const request = { factory: FACTORY, principal: stolen, txid, roles: ONLINE_ROLES } as const;
  const made = makeOnlineKeys(slow, { ...request, keyType: "ed25519" });
  expect(await refusal(made)).toBe("unauthenticated");
  expect([revoked, world.state.signer.keys.size]).toEqual([true, keys]);
});
