/** Bootstrapping again beside everything else that can happen to a Factory. */
import { describe, expect, it, test } from "vitest";
import { failing } from "../../lib/adapters/memory/faults.ts";
import type { InstanceId } from "../../lib/state/names.ts";
import { authorizeFactory } from "../../lib/service/authorize.ts";
import { publishTargets } from "../../lib/service/publish-targets.ts";
import { findForDevice } from "../../lib/service/read.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { startUpdate } from "../../lib/service/root-update/start.ts";
import { runPending } from "../../lib/service/change.ts";
import { runScheduleFor, runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken } from "../../lib/service/tokens.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import type { Dialect } from "../../lib/tuf/dialect.ts";
import {
  ALICE,
  bootstrapOf,
  claimAs,
  confirmAs,
  FACTORY,
  liveFactory,
  MALLORY,
  newFactory,
  nextRoots,
  rebootstrapOf,
  refusal,
  submitAs,
  takeArchive,
} from "../support/memory-owner.ts";
import { apiFactory } from "../support/memory-root-update.ts";
import { entriesOf, publish } from "../support/memory-targets.ts";
import { DAY, TestWorld, type TestProcess } from "../support/memory-service.ts";

/** A live Factory whose owner has the archive and the token of the confirmation. */
async function confirmedFactory(world: TestWorld) {
  const { service } = world.start();
  const { delivery } = await bootstrapOf(service, "tuf");
  const archive = await takeArchive(world.start(), delivery.url ?? "", ALICE);
  const { ownerToken = "" } = await confirmAs(service, delivery.url ?? "", ALICE, archive);
  return { ownerToken, archive };
}

describe("what may be bootstrapped again", () => {
  const refusals: readonly (readonly [string, (world: TestWorld) => Promise<unknown>, string])[] = [
    ["a Factory without a link", (world) => apiFactory(world, "tuf"), "not-replaceable"],
    [
      "a root that was rotated",
      async (world) => {
        const roots = await nextRoots(world.start(), await liveFactory(world, "tuf"));
        await submit(world, roots.roots);
      },
      "not-replaceable",
    ],
    [
      "a root that its owner rotated before confirming",
      async (world) => {
        const link = await newFactory(world, "tuf");
        const archive = await takeArchive(world.start(), link, ALICE);
        await submit(world, (await nextRoots(world.start(), archive)).roots);
      },
      "not-replaceable",
    ],
    [
      "ats, with ci a version ahead",
      async (world) => {
        const roots = await nextRoots(world.start(), await liveFactory(world, "ats"));
        await submit(world, roots.roots.slice(0, 1));
      },
      "not-replaceable",
    ],
    ["what its owner confirmed, without the owner", confirmedFactory, "forbidden"],
  ];

  it.each(refusals)("not %s", async (_what, prepare, code) => {
    const world = new TestWorld();
    await prepare(world);
    const before = world.state.copy();
    expect(
      await refusal(rebootstrapOf(world.start().service, { replaces: firstHash(world) })),
    ).toBe(code);
    expect(world.state.heads).toEqual(before.heads);
    expect(world.state.signer.keys.size).toBe(before.signer.keys.size);
  });

  test("not while a root update is staged", async () => {
    const world = new TestWorld();
    const { ownerToken } = await confirmedFactory(world);
    const { service } = world.start();
    const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
    const start = { factory: FACTORY, principal, message: "", firstTime: false };
    await startUpdate(service, start);
    const agreed = { ownerToken, noDeviceExists: true };
    expect(await refusal(rebootstrapOf(service, agreed))).toBe("update-in-progress");
  });

  test("not another version 1 than the one that is named", async () => {
    const world = new TestWorld();
    await newFactory(world, "tuf");
    const { service } = world.start();
    const replaces = firstHash(world);
    await rebootstrapOf(service, { replaces });
    await expect(rebootstrapOf(service, { replaces })).rejects.toMatchObject({
      code: "version-conflict",
      details: { facts: { main: firstHash(world) } },
    });
  });

  test("with the owner's token only together with the word that no device exists", async () => {
    const world = new TestWorld();
    const { ownerToken } = await confirmedFactory(world);
    const { service } = world.start();
    const ask = (options: Parameters<typeof rebootstrapOf>[1]) =>
      refusal(rebootstrapOf(service, options));
    expect(await ask({ ownerToken })).toBe("forbidden");
    expect(await ask({ noDeviceExists: true })).toBe("forbidden");
    expect(await ask({ ownerToken: "rw_wrong", noDeviceExists: true })).toBe("forbidden");
    const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
    const reader = { user: "reader", scopes: ["root:read"], expiresAt: null } as const;
    const { token } = await createToken(service, FACTORY, principal, reader);
    expect(await ask({ ownerToken: token, noDeviceExists: true })).toBe("forbidden");
    expect(await ask({ ownerToken, noDeviceExists: true })).toBe("done");
    expect(await ask({ ownerToken, noDeviceExists: true })).toBe("done");
  });
});

test("a token is the owner's word for its own bootstrap only, and while it lasts", async () => {
  const world = new TestWorld();
  const old = await confirmedFactory(world);
  const { service } = world.start();
  const { delivery } = await rebootstrapOf(service, { ...old, noDeviceExists: true });
  const link = delivery.url ?? "";
  const archive = await takeArchive(world.start(), link, ALICE);
  const { ownerToken = "" } = await confirmAs(service, link, ALICE, archive);
  const ask = (token: string) =>
    refusal(rebootstrapOf(service, { ownerToken: token, noDeviceExists: true }));
  expect(await ask(old.ownerToken)).toBe("forbidden");
  const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
  const expiresAt = world.now + DAY;
  const spec = { user: "for-a-day", scopes: ["root:update"], expiresAt } as const;
  const { token } = await createToken(service, FACTORY, principal, spec);
  world.advance(DAY);
  expect(await ask(token)).toBe("forbidden");
  expect(await ask(ownerToken)).toBe("done");
  const events = [...world.state.documents.values()].map((bytes) =>
    new TextDecoder().decode(bytes),
  );
  const told = events.filter((text) => text.includes(`"agreedBy":"${principal.token.id}"`));
  expect(told).toHaveLength(1);
});

test("an encrypted archive is not followed by one that is not, unless that is said", async () => {
  const world = new TestWorld();
  const { service } = world.start();
  const recipient = {
    fingerprint: sha256(new Uint8Array(1)),
    seal: (archive: Uint8Array) => archive,
  };
  await bootstrapOf(service, "tuf");
  await rebootstrapOf(service, { recipient });
  expect(world.head(FACTORY)?.delivery.recipient).toBe(recipient.fingerprint);
  expect(await refusal(rebootstrapOf(service))).toBe("malformed");
  expect(await refusal(rebootstrapOf(service, { recipient: null }))).toBe("done");
  expect(world.head(FACTORY)?.delivery.recipient).toBe(null);
});

test("not more often than a head of bounded size can remember", async () => {
  const world = new TestWorld();
  await newFactory(world, "tuf");
  const { service } = world.start();
  for (let time = 0; time < 100; time += 1) await rebootstrapOf(service);
  expect(await refusal(rebootstrapOf(service))).toBe("not-replaceable");
  world.advance(36 * DAY);
  await runSchedule(service);
  expect(await refusal(rebootstrapOf(service))).toBe("done");
});

function firstHash(world: TestWorld): string {
  const roles = world.head(FACTORY)?.roles ?? {};
  return (roles.main ?? roles.prod)?.root.sha256 ?? "";
}

async function submit(
  world: TestWorld,
  roots: Awaited<ReturnType<typeof nextRoots>>["roots"],
): Promise<void> {
  for (const [channel, bytes] of roots) await submitAs(world.start().service, channel, bytes);
}

test.each<Dialect>(["tuf", "ats"])(
  "a root key keeps its kind, and everything is new: %s",
  async (dialect) => {
    const world = new TestWorld();
    await newFactory(world, dialect);
    const before = world.head(FACTORY);
    const { service } = world.start();
    const asked: string[] = [];
    const makeRootKey: typeof service.makeRootKey = async (type, factory) => {
      asked.push(type);
      return service.makeRootKey(type, factory);
    };
    const made = await rebootstrapOf({ ...service, makeRootKey });
    expect(asked).toEqual(["ed25519"]);
    const after = world.head(FACTORY);
    const hashes = Object.values(made.root.sha256);
    expect(hashes).toHaveLength(dialect === "tuf" ? 1 : 2);
    for (const { root } of Object.values(before?.roles ?? {})) {
      expect(hashes).not.toContain(root.sha256);
    }
    expect(after?.log.seq).toBeGreaterThan(before?.log.seq ?? 0);
    expect(after?.onlineKeys).not.toEqual(before?.onlineKeys);
    expect(after).toMatchObject({ owner: before?.owner, createdWith: before?.createdWith });
  },
);

test("the owner of the root after is told of its own expiry, whatever was told of the one before", async () => {
  const world = new TestWorld();
  const { ownerToken } = await confirmedFactory(world);
  world.advance(300 * DAY);
  const { service } = world.start();
  await runSchedule(service);
  expect(world.head(FACTORY)?.expiryTold).not.toBeNull();
  await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
  expect(world.head(FACTORY)?.expiryTold).toBeNull();
});

test("what a live Factory served is served no more, until the new archive is confirmed", async () => {
  const world = new TestWorld();
  const { ownerToken, archive } = await confirmedFactory(world);
  const { service } = world.start();
  const root = () => findForDevice(service, FACTORY, "main", "root", 1);
  const old = (await root()).address;
  const { delivery } = await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
  expect(await refusal(root())).toBe("not-found");
  const link = delivery.url ?? "";
  const fresh = await takeArchive(world.start(), link, ALICE);
  await confirmAs(service, link, ALICE, fresh);
  expect((await root()).address.sha256).not.toBe(old.sha256);
  // Nor does the key from before sign anything that is taken.
  const forged = await nextRoots(world.start(), archive);
  const [[channel, bytes] = ["main", new Uint8Array()] as const] = forged.roots;
  expect(await refusal(submitAs(service, channel, bytes))).toBe("root-refused");
});

test("a version that two bootstraps gave their targets is kept by no cache", async () => {
  const world = new TestWorld();
  const { ownerToken } = await confirmedFactory(world);
  const { service } = world.start();
  for (const name of ["one", "two", "three"]) await publish(service, { [name]: name });
  const { version = 0 } = world.head(FACTORY)?.roles.main?.targets ?? {};
  const targets = () => findForDevice(service, FACTORY, "main", "targets", version);
  const before = await targets();
  // As many seconds later as the versions ran ahead.
  world.advance(3000);
  const { delivery } = await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
  const link = delivery.url ?? "";
  await confirmAs(service, link, ALICE, await takeArchive(world.start(), link, ALICE));
  expect((await targets()).address.sha256).not.toBe(before.address.sha256);
  expect(before.final).toBe(false);
});

describe("races", () => {
  /** The head as `work` sees it first is the one before; then it is bootstrapped again. */
  async function overtaken<T>(
    world: TestWorld,
    work: (process: TestProcess) => Promise<T>,
    options = {},
  ) {
    const slow = world.start();
    const { heads } = slow.service;
    const read = heads.read.bind(heads);
    let first = true;
    heads.read = async (factory) => {
      const head = await read(factory);
      if (!first) return head;
      first = false;
      await rebootstrapOf(world.start().service, options);
      return head;
    };
    return work(slow);
  }

  test("a claim with the old link gets nothing of the new one, and does not use it up", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    expect(await refusal(overtaken(world, ({ service }) => claimAs(service, link, MALLORY)))).toBe(
      "delivery-replaced",
    );
    expect(world.head(FACTORY)?.delivery.state).toBe("ready");
  });

  test("a confirmation of the old archive makes nothing live", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, MALLORY);
    const late = overtaken(world, ({ service }) => confirmAs(service, link, MALLORY, archive));
    expect(await refusal(late)).toBe("delivery-replaced");
    expect(world.head(FACTORY)).toMatchObject({
      state: "provisioned",
      delivery: { state: "ready" },
    });
  });

  test("a token that was authorised before makes no token for the Factory after", async () => {
    const world = new TestWorld();
    const { ownerToken } = await confirmedFactory(world);
    const { service } = world.start();
    const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
    await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
    const spec = { user: "eve", scopes: ["root:read"], expiresAt: null } as const;
    const count = world.state.tokens.size;
    expect(await refusal(createToken(service, FACTORY, principal, spec))).toBe("unauthenticated");
    expect(world.state.tokens.size).toBe(count);
    const start = { factory: FACTORY, principal, message: "", firstTime: false };
    expect(await refusal(startUpdate(service, start))).toBe("unauthenticated");
  });

  test("an admin's publication for the Factory before does not land in the one after", async () => {
    const world = new TestWorld();
    const { ownerToken } = await confirmedFactory(world);
    const { service } = world.start();
    const before = world.head(FACTORY);
    const admin = { ...(await authorizeFactory(service, ownerToken, "targets:update", FACTORY)) };
    const principal = { ...admin, token: { ...admin.token, bound: null } };
    await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
    const entries = entriesOf({ "a.bin": "a" });
    const publication = { factory: FACTORY, principal, entries, remove: [] };
    expect(before?.instance).toBe(principal.instance);
    expect(await refusal(publishTargets(service, publication))).toBe("unauthenticated");
  });

  test("a root of the old key loses, and leaves no version 1 behind that readers would find", async () => {
    const world = new TestWorld();
    const { ownerToken, archive } = await confirmedFactory(world);
    const { roots } = await nextRoots(world.start(), archive);
    const [[channel, bytes] = ["main", new Uint8Array()] as const] = roots;
    const agreed = { ownerToken, noDeviceExists: true };
    const late = overtaken(world, ({ service }) => submitAs(service, channel, bytes), agreed);
    expect(await refusal(late)).toBe("root-refused");
    // It was about to supersede the old version 1, and said so in the published index.
    const { service } = world.start();
    const { delivery } = await rebootstrapOf(service);
    const link = delivery.url ?? "";
    const fresh = await takeArchive(world.start(), link, ALICE);
    await confirmAs(service, link, ALICE, fresh);
    const first = firstHash(world);
    await submit(world, (await nextRoots(world.start(), fresh)).roots);
    const { address } = await findForDevice(service, FACTORY, "main", "root", 1);
    expect(address.sha256).toBe(first);
  });

  test("of two at once one wins, and the other is told", async () => {
    const world = new TestWorld();
    await newFactory(world, "tuf");
    const replaces = firstHash(world);
    const both = [1, 2].map(() => refusal(rebootstrapOf(world.start().service, { replaces })));
    expect((await Promise.all(both)).toSorted()).toEqual(["done", "version-conflict"]);
    expect(world.state.shares.size).toBe(1);
    expect(world.state.archives.size).toBe(1);
  });

  test("the mail with a link that is dead by the time it is sent does not stay", async () => {
    const world = new TestWorld();
    const slow = world.start();
    const { notifier } = slow.service;
    const send = notifier.sendLink.bind(notifier);
    notifier.sendLink = async (mail) => {
      await rebootstrapOf(world.start().service);
      return send(mail);
    };
    await bootstrapOf(slow.service, "tuf");
    const link = `download-${world.head(FACTORY)?.delivery.idHash ?? ""}`;
    const links = [...world.state.outbox.keys()].filter((id) => id.startsWith("download-"));
    expect(links).toEqual([link]);
  });

  test("a confirmation that comes first keeps what its owner has", async () => {
    const world = new TestWorld();
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, ALICE);
    const slow = world.start();
    const make = slow.service.makeRootKey;
    const service = {
      ...slow.service,
      makeRootKey: async (...asked: Parameters<typeof make>) => {
        await confirmAs(world.start().service, link, ALICE, archive);
        return make(...asked);
      },
    };
    expect(await refusal(rebootstrapOf(service))).toBe("forbidden");
    expect(world.head(FACTORY)).toMatchObject({
      state: "live",
      delivery: { state: "confirmed", sha256: sha256(archive) },
    });
    expect(world.state.shares.size + world.state.archives.size).toBe(0);
  });
});

test("online keys and tokens of the bootstrap before are destroyed once no backup needs them", async () => {
  const world = new TestWorld();
  await newFactory(world, "ats");
  const before = world.head(FACTORY)?.instance ?? ("" as InstanceId);
  const mine = () => ({
    keys: [...world.state.signer.keys.keys()].filter((name) => name.includes(before)).length,
    tokens: [...world.state.tokens.values()].filter(({ bound }) => bound?.instance === before)
      .length,
  });
  await rebootstrapOf(world.start().service);
  expect(mine()).toEqual({ keys: 3, tokens: 2 });
  world.advance(35 * DAY);
  await runScheduleFor(world.start().service, FACTORY);
  expect(mine()).toEqual({ keys: 3, tokens: 2 });
  world.advance(DAY);
  const process = world.start();
  await runSchedule(process.service);
  expect(mine()).toEqual({ keys: 0, tokens: 0 });
  expect(world.head(FACTORY)).toMatchObject({ replaced: [], pending: [] });
  expect(process.reports).toEqual([]);
});

test("what was signed while the clock was a year ahead is not due every minute of that year", async () => {
  const world = new TestWorld();
  await newFactory(world, "tuf");
  world.advance(365 * DAY);
  await runSchedule(world.start().service);
  world.advance(-365 * DAY);
  await rebootstrapOf(world.start().service);
  for (const days of [36, 365]) {
    world.advance(days * DAY);
    const process = world.start();
    await runSchedule(process.service);
    expect(process.reports).toEqual([]);
    expect(world.head(FACTORY)?.pending).toEqual([]);
  }
  expect(world.head(FACTORY)?.replaced).toEqual([]);
});

test("an instance that is in use cannot be given up, whoever asks", async () => {
  const world = new TestWorld();
  await confirmedFactory(world);
  const { service } = world.start();
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no head");
  for (let day = 0; day < 90; day += 10) {
    world.advance(10 * DAY);
    await runSchedule(service);
    expect(await refusal(service.boundary.abandon(head))).toBe("signing-refused");
  }
  // Nothing signed for longer than any metadata lives: a fleet that is gone, or a service that was off.
  world.advance(36 * DAY);
  expect(await refusal(service.boundary.abandon(head))).toBe("done");
});

test("those who are told from now on, and those who are told no more", async () => {
  const world = new TestWorld();
  const { service } = world.start();
  await bootstrapOf(service, "tuf", { provisioner: { id: "pipeline", email: "ops@example.com" } });
  const told = async (options: Parameters<typeof rebootstrapOf>[1]) => {
    world.state.outbox.clear();
    await rebootstrapOf(service, options);
    const ids = [...world.state.outbox].map(
      ([id, { to }]) =>
        [id.replace(/^.*-again/, "again").replace(/[0-9a-f]{64}/, "ID"), to] as const,
    );
    return new Map(ids);
  };
  expect(await told({ owner: { id: "new", email: "new@example.com" } })).toEqual(
    new Map([
      ["again", "new@example.com"],
      ["again-former-owner", "owner@example.com"],
      ["again-provisioner", "ops@example.com"],
      ["download-ID", "new@example.com"],
    ]),
  );
  expect(await told({ provisionerEmail: "eve@example.com" })).toEqual(
    new Map([
      ["again", "new@example.com"],
      ["again-provisioner", "eve@example.com"],
      ["again-former-provisioner", "ops@example.com"],
      ["download-ID", "new@example.com"],
    ]),
  );
});

test("the owner is told of each token that could be taken for the owner's word", async () => {
  const world = new TestWorld();
  const { ownerToken, archive } = await confirmedFactory(world);
  const { service } = world.start();
  const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
  const spec = { user: "eve", scopes: ["root:update"], expiresAt: null } as const;
  const notices = () =>
    [...world.state.outbox.keys()].filter((id) => id.endsWith("token-minted")).length;
  await createToken(service, FACTORY, principal, spec);
  expect(notices()).toBe(1);
  await submit(world, (await nextRoots(world.start(), archive)).roots);
  await createToken(service, FACTORY, principal, spec);
  expect(notices()).toBe(1);
});

describe("what was pending for the bootstrap before", () => {
  const newOwner = { id: "new", email: "new@example.com" };

  /** Confirmed while no mail could be sent. */
  async function untold(world: TestWorld) {
    const link = await newFactory(world, "tuf");
    const archive = await takeArchive(world.start(), link, MALLORY);
    const { service } = world.start(failing("notifier.notify"));
    const { ownerToken = "" } = await confirmAs(service, link, MALLORY, archive);
    expect(world.head(FACTORY)?.pending.map(({ kind }) => kind)).toEqual(["notify"]);
    return { ownerToken, noDeviceExists: true, owner: newOwner };
  }
  const told = (world: TestWorld) =>
    [...world.state.outbox].flatMap(([id, { to }]) =>
      id.includes("delivery-confirmed") ? [to] : [],
    );

  test("is not told to the owner after as if it were theirs", async () => {
    const world = new TestWorld();
    await rebootstrapOf(world.start().service, await untold(world));
    await runScheduleFor(world.start().service, FACTORY);
    expect(told(world)).toEqual([]);
  });

  test("is told to those who are told no more, however often it is begun again", async () => {
    const world = new TestWorld();
    await newFactory(world, "tuf");
    const muted = world.start(failing("notifier.notify")).service;
    await rebootstrapOf(muted, { owner: newOwner });
    await rebootstrapOf(muted, { owner: { id: "third", email: "third@example.com" } });
    expect(world.state.outbox.size).toBeLessThanOrEqual(1);
    await runScheduleFor(world.start().service, FACTORY);
    const former = [...world.state.outbox].filter(([id]) => id.endsWith("former-owner"));
    expect(former.map(([, { to }]) => to).toSorted()).toEqual([
      "new@example.com",
      "owner@example.com",
    ]);
  });

  test("nor where it was just about to be told", async () => {
    const world = new TestWorld();
    const options = await untold(world);
    const slow = world.start();
    const { heads } = slow.service;
    const read = heads.read.bind(heads);
    heads.read = async (factory) => {
      const head = await read(factory);
      heads.read = read;
      await rebootstrapOf(world.start(failing("notifier.notify")).service, options);
      return head;
    };
    await runPending(slow.service, FACTORY);
    expect(told(world)).toEqual(["owner@example.com"]);
  });

  test("a key of a cancelled root update is not said to be destroyed while it is there", async () => {
    const world = new TestWorld();
    const { ownerToken } = await confirmedFactory(world);
    const { service } = world.start();
    const principal = await authorizeFactory(service, ownerToken, "root:update", FACTORY);
    const update = { factory: FACTORY, principal };
    await startUpdate(service, { ...update, message: "", firstTime: false });
    await makeOnlineKeys(service, { ...update, txid: "", keyType: "ed25519", roles: ["targets"] });
    const [made] = world.head(FACTORY)?.rootUpdate?.made ?? [];
    const away = world.start(failing("signer.removeKey"));
    await cancelUpdate(away.service, FACTORY, principal);
    expect(world.head(FACTORY)?.pending.map(({ kind }) => kind)).toEqual(["destroy-key"]);
    await rebootstrapOf(service, { ownerToken, noDeviceExists: true });
    await runScheduleFor(service, FACTORY);
    const there = [...world.state.signer.keys.keys()].some((name) =>
      name.includes(made?.keyid ?? "?"),
    );
    const events = [...world.state.documents.values()].map((bytes) =>
      new TextDecoder().decode(bytes),
    );
    const said = events.some((text) => text.includes(`"ref":"targets ${made?.keyid ?? ""}"`));
    expect({ there, said }).not.toEqual({ there: true, said: true });
  });
});
