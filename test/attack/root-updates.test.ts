/**
 * A staged root update in hostile hands: somebody without the txid, a client that changes what only
 * the service writes, a token that is not the owner's, and a compromised service at the boundary.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { makeSigningKey, type SigningKey } from "../../lib/crypto/signing-key.ts";
import { isRootwardError } from "../../lib/error.ts";
import type { Principal } from "../../lib/service/authorize.ts";
import { readHead } from "../../lib/service/store.ts";
import { claim } from "../../lib/service/delivery/deliver.ts";
import { takeInitialKey } from "../../lib/service/delivery/initial-key.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { reviewUpdate } from "../../lib/service/root-update/review.ts";
import { stageUpdate } from "../../lib/service/root-update/stage.ts";
import { startUpdate } from "../../lib/service/root-update/start.ts";
import type { Service } from "../../lib/service/service.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { createToken, listTokens } from "../../lib/service/tokens.ts";
import type { Channel } from "../../lib/tuf/dialect.ts";
import {
  isJsonArray,
  isJsonObject,
  jsonObject,
  type JsonObject,
  type JsonValue,
} from "../../lib/tuf/json.ts";
import { rootKey } from "../../lib/tuf/keys.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import { FACTORY, liveFactory, newFactory, nextRoots, submitAs } from "../support/memory-owner.ts";
import {
  apiFactory,
  envelopesOf,
  keyOf,
  ownerOf,
  signStaged,
  stage,
  stageRotation,
  stagedSigned,
  start,
} from "../support/memory-root-update.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";

let world: TestWorld;
let service: Service;
let first: SigningKey;
beforeEach(async () => {
  world = new TestWorld();
  first = keyOf(await apiFactory(world, "ats"));
  ({ service } = world.start());
});

/** @returns the code of the refusal, with the codes of its findings */
async function refusal(attempt: Promise<unknown>): Promise<readonly string[]> {
  try {
    await attempt;
    return [];
  } catch (error) {
    if (!isRootwardError(error)) throw error;
    return [error.code, ...(error.details.issues ?? []).map(({ code }) => code)];
  }
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : jsonObject({});
}

async function makeKeys(): Promise<void> {
  const principal = await ownerOf(service);
  const roles = ["targets", "snapshot", "timestamp"] as const;
  await makeOnlineKeys(service, {
    factory: FACTORY,
    principal,
    txid: "",
    roles,
    keyType: "ed25519",
  });
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** A staged root with one more root key. */
function withRootKey(signed: JsonObject, key: SigningKey, threshold: number): JsonObject {
  const { keyid, object: listed } = rootKey(key.publicKey, "ats");
  return withRootKeyid(withKey(signed, keyid, listed), keyid, threshold);
}

/** The same with one more key, which no role has yet. */
function withKey(signed: JsonObject, keyid: string, listed: JsonValue): JsonObject {
  const keys = jsonObject({ ...object(signed["keys"]), [keyid]: listed });
  return jsonObject({ ...signed, keys });
}

function withRootKeyid(signed: JsonObject, keyid: string, threshold: number): JsonObject {
  const roles = object(signed["roles"]);
  const { keyids } = object(roles["root"]);
  const root = jsonObject({ keyids: [...(isJsonArray(keyids) ? keyids : []), keyid], threshold });
  return jsonObject({ ...signed, roles: jsonObject({ ...roles, root }) });
}

/** An online key for timestamps, the current one unless named, and how the staged root lists it. */
async function timestampKey(
  named?: string,
): Promise<{ readonly keyid: string; readonly listed: JsonValue }> {
  const keyid = named ?? (await readHead(service, FACTORY)).onlineKeys.timestamp;
  return { keyid, listed: object((await stagedSigned(service, "ci"))["keys"])[keyid] ?? null };
}

/** What is staged with a member changed, signed by the first key. */
async function stageChanged(change: (signed: JsonObject, channel: Channel) => JsonObject) {
  await stage(service, await envelopesOf(service, change, [first]));
}

describe("somebody with another token", () => {
  const bob = (): Promise<Principal> => ownerOf(service, "bob");
  const wrong = "0".repeat(32);

  test.each([
    ["no txid", ""],
    ["a wrong txid", wrong],
  ])("with %s changes and applies nothing", async (_name, txid) => {
    await start(service);
    await stageRotation(service, first);
    const before = world.head(FACTORY);
    const roots = await envelopesOf(service, (signed) => signed, []);
    const principal = await bob();
    const made = {
      factory: FACTORY,
      principal,
      txid,
      roles: ["targets"],
      keyType: "ed25519",
    } as const;
    expect(await refusal(stage(service, roots, txid, "bob"))).toEqual(["forbidden"]);
    expect(await refusal(makeOnlineKeys(service, made))).toEqual(["forbidden"]);
    expect(await refusal(applyUpdate(service, FACTORY, txid, principal))).toEqual(["forbidden"]);
    expect(world.head(FACTORY)).toEqual(before);
  });

  test("with the txid does all of it", async () => {
    const txid = await start(service);
    await stageRotation(service, first);
    const roots = await envelopesOf(service, (signed) => signed, [first]);
    expect(await refusal(stage(service, roots, txid, "bob"))).toEqual([]);
  });

  test("the initiator is refused with a wrong txid, too", async () => {
    await start(service);
    const roots = await envelopesOf(service, (signed) => signed, []);
    expect(await refusal(stage(service, roots, wrong))).toEqual(["forbidden"]);
  });

  test("reviews and cancels without it", async () => {
    await start(service);
    expect(await refusal(cancelUpdate(service, FACTORY, await bob()))).toEqual([]);
    expect(world.head(FACTORY)?.rootUpdate).toBeNull();
  });

  test("finds no txid in the review, the log or the stores", async () => {
    const txid = await start(service);
    const review = await reviewUpdate(service, await readHead(service, FACTORY));
    const { heads, documents } = world.state;
    const stored = [...heads.values(), ...[...documents.values()].map((b) => Buffer.from(b))];
    expect(txid).toMatch(/^[0-9a-f]{32}$/);
    expect([JSON.stringify(review), ...stored].join(" ")).not.toContain(txid);
  });
});

describe("what only the service writes", () => {
  test.each<readonly [name: string, change: (signed: JsonObject) => JsonObject, code: string]>([
    ["the version, up", (signed) => ({ ...signed, version: 3 }), "version-skipped"],
    ["the version, down", (signed) => ({ ...signed, version: 1 }), "version-skipped"],
    [
      "the changelog",
      (signed) => ({
        ...signed,
        "x-changelog": { ...object(signed["x-changelog"]), "polis-id": "mallory" },
      }),
      "changelog",
    ],
    ["the changelog, left out", ({ "x-changelog": _gone, ...signed }) => signed, "changelog"],
  ])("%s", async (_name, change, code) => {
    await start(service);
    expect(await refusal(stageChanged((signed) => jsonObject(change(signed))))).toEqual([
      "root-refused",
      code,
    ]);
  });

  test("an online key: a key of the client's own is refused", async () => {
    await start(service);
    const own = rootKey((await makeSigningKey("ed25519")).publicKey, "ats");
    const change = (signed: JsonObject): JsonObject => {
      const roles = object(signed["roles"]);
      const keyids = [own.keyid];
      return jsonObject({
        ...signed,
        keys: jsonObject({ ...object(signed["keys"]), [own.keyid]: own.object }),
        roles: jsonObject({ ...roles, snapshot: jsonObject({ keyids, threshold: 1 }) }),
      });
    };
    expect(await refusal(stageChanged(change))).toContain("online-keys");
  });

  test("the roots as they were before new online keys were made are refused", async () => {
    await start(service);
    const stale = await envelopesOf(service, (signed) => signed, [first]);
    const principal = await ownerOf(service);
    const request = { factory: FACTORY, principal, txid: "", roles: ["timestamp"] } as const;
    await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
    expect(await refusal(stage(service, stale))).toContain("online-keys");
    // What was signed before covers other roots.
    expect(await stagedSignatures("ci")).toEqual([]);
  });

  test.each(["current", "made"])("a %s online key never becomes a root key", async (which) => {
    await start(service);
    const principal = await ownerOf(service);
    const request = { factory: FACTORY, principal, txid: "", roles: ["timestamp"] } as const;
    const before = await timestampKey();
    await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
    const made = await timestampKey(world.head(FACTORY)?.rootUpdate?.onlineKeys.timestamp);
    const { keyid, listed } = which === "made" ? made : before;
    const change = (signed: JsonObject): JsonObject =>
      withRootKeyid(withKey(signed, keyid, listed), keyid, 1);
    expect(await refusal(stageChanged(change))).toContain("service-key-in-root");
  });

  test("prod differs from ci in the targets threshold only", async () => {
    await start(service);
    const change = (signed: JsonObject, channel: Channel): JsonObject =>
      channel === "prod" ? jsonObject({ ...signed, expires: "2027-01-01T00:00:00Z" }) : signed;
    expect(await refusal(stageChanged(change))).toContain("channels-differ");
  });

  async function stagedSignatures(channel: Channel): Promise<JsonValue> {
    const { updated } = await reviewUpdate(service, await readHead(service, FACTORY));
    const text = updated?.[channel === "prod" ? "prod-root" : "ci-root"] ?? "";
    return (JSON.parse(text) as { signatures: JsonValue }).signatures;
  }
});

describe("applying", () => {
  test("what nobody signed is refused with what is missing, and stays staged", async () => {
    await start(service);
    await stage(service, await envelopesOf(service, (signed) => signed, []));
    const principal = await ownerOf(service);
    expect(await refusal(applyUpdate(service, FACTORY, "", principal))).toEqual([
      "root-refused",
      "current-threshold",
      "new-threshold",
    ]);
    expect(world.head(FACTORY)?.rootUpdate).not.toBeNull();
    await signStaged(service, [first]);
    expect(await refusal(applyUpdate(service, FACTORY, "", principal))).toEqual([]);
  });

  test("a bad signature is refused when it is staged", async () => {
    await start(service);
    const signed = await envelopesOf(service, (root) => root, [first]);
    const other = await envelopesOf(
      service,
      (root) => jsonObject({ ...root, expires: "2026-09-09T00:00:00Z" }),
      [],
    );
    const mixed = new Map(
      [...other].map(([channel, body]) => {
        const { signatures = [] } = signed.get(channel) ?? {};
        return [channel, jsonObject({ ...body, signatures })];
      }),
    );
    expect(await refusal(stage(service, mixed))).toContain("signature-invalid");
  });

  test("a root that expired while it was staged is refused", async () => {
    await start(service);
    await stageRotation(service, first);
    world.advance(366 * DAY);
    const principal = await ownerOf(service);
    expect(await refusal(applyUpdate(service, FACTORY, "", principal))).toContain("expires-passed");
  });

  test("two at once: both are told that it is done, and it was done once", async () => {
    await start(service);
    await stageRotation(service, first);
    const principal = await ownerOf(service);
    const both = await Promise.all([
      refusal(applyUpdate(service, FACTORY, "", principal)),
      refusal(applyUpdate(service, FACTORY, "", principal)),
    ]);
    expect(both).toEqual([[], []]);
    expect(world.head(FACTORY)?.roles.ci?.root.version).toBe(2);
  });

  test("many at once, with new online keys, while the schedule signs again: done once", async () => {
    await start(service);
    await makeKeys();
    await stageRotation(service, first);
    // Everything is due.
    world.advance(200 * DAY);
    const principal = await ownerOf(service);
    const all = await Promise.all([
      ...Array.from({ length: 5 }, () => refusal(applyUpdate(service, FACTORY, "", principal))),
      runSchedule(service).then(() => []),
      runSchedule(world.start().service).then(() => []),
    ]);
    expect(all).toEqual(all.map(() => []));
    expect(world.head(FACTORY)?.roles.ci?.root.version).toBe(2);
    await runSchedule(service);
    await expectConsistent(world);
  });

  test("what was applied an hour ago says nothing of an update that was cancelled", async () => {
    const principal = await ownerOf(service);
    await start(service);
    const second = await stageRotation(service, first);
    await applyUpdate(service, FACTORY, "", principal);
    expect(await refusal(applyUpdate(service, FACTORY, "", principal))).toEqual([]);
    await start(service);
    await stageRotation(service, second);
    await cancelUpdate(service, FACTORY, await ownerOf(service, "bob"));
    expect(await refusal(applyUpdate(service, FACTORY, "", principal))).toEqual(["no-root-update"]);
  });

  test("signers who do not wait for each other lose no signature", async () => {
    const bob = await makeSigningKey("ed25519");
    await start(service);
    const joined = await envelopesOf(service, (signed) => withRootKey(signed, bob, 2), []);
    await stage(service, joined);
    const [byFirst, byBob] = await Promise.all(
      [first, bob].map((key) => envelopesOf(service, (signed) => signed, [key])),
    );
    if (byFirst) await stage(service, byFirst);
    if (byBob) await stage(service, byBob);
    expect(await refusal(applyUpdate(service, FACTORY, "", await ownerOf(service)))).toEqual([]);
  });

  test("two starts at once: one is told of the other", async () => {
    const both = await Promise.all([refusal(start(service)), refusal(start(service))]);
    expect(both.map((codes) => codes.join()).toSorted()).toEqual(["", "update-in-progress"]);
  });
});

describe("online keys that were made", () => {
  const sealed = (): number => world.state.signer.keys.size;

  test("outlive a lost answer: a co-signer may have put them in force", async () => {
    await start(service);
    const { heads } = service;
    const lost: Service["heads"] = {
      read: (factory) => heads.read(factory),
      create: (head) => heads.create(head),
      due: (now, limit) => heads.due(now, limit),
      swap: async (revision, next) => {
        await heads.swap(revision, next);
        throw new Error("no answer");
      },
    };
    const principal = await ownerOf(service);
    const request = { factory: FACTORY, principal, txid: "", roles: ["timestamp"] } as const;
    const made = makeOnlineKeys({ ...service, heads: lost }, { ...request, keyType: "ed25519" });
    const outcome = made.then(
      () => "answered",
      () => "failed",
    );
    for (let i = 0; i < 1000 && world.head(FACTORY)?.rootUpdate?.made.length !== 1; i += 1) {
      await tick();
    }
    await stageRotation(service, first);
    await applyUpdate(service, FACTORY, "", principal);
    expect(await outcome).toBe("failed");
    world.advance(200 * DAY);
    const process = world.start();
    await runSchedule(process.service);
    expect(process.reports).toEqual([]);
  });

  test("and that nobody named are gone after a week, and no other", async () => {
    const head = await readHead(service, FACTORY);
    await start(service);
    await makeKeys();
    await service.boundary.makeKey(head, "snapshot", "ed25519");
    expect(sealed()).toBe(7);
    world.advance(6 * DAY);
    await runSchedule(service);
    expect(sealed()).toBe(7);
    world.advance(2 * DAY);
    await runSchedule(service);
    expect(sealed()).toBe(6);
    await cancelUpdate(service, FACTORY, await ownerOf(service));
    expect(sealed()).toBe(3);
  });

  test("stay the service's until they are destroyed, and then are", async () => {
    await start(service);
    const { keyid, listed } = await timestampKey();
    await makeKeys();
    const second = await stageRotation(service, first);
    await applyUpdate(service, FACTORY, "", await ownerOf(service));
    // As a root key it is refused; left over, without a role, it is in nobody's way.
    await start(service);
    const asRoot = (signed: JsonObject): JsonObject =>
      withRootKeyid(withKey(signed, keyid, listed), keyid, 1);
    const hostile = await envelopesOf(service, asRoot, [second]);
    expect(await refusal(stage(service, hostile))).toContain("service-key-in-root");
    await cancelUpdate(service, FACTORY, await ownerOf(service));
    world.advance(34 * DAY);
    await runSchedule(service);
    expect(sealed()).toBe(6);
    world.advance(2 * DAY);
    await runSchedule(service);
    expect(sealed()).toBe(3);
    expect(world.head(FACTORY)).toMatchObject({ retiring: [], pending: [] });
  });

  test("are destroyed though a root lists one without a role", async () => {
    await start(service);
    const { keyid, listed } = await timestampKey();
    await makeKeys();
    const left = (signed: JsonObject): JsonObject => withKey(signed, keyid, listed);
    await stage(service, await envelopesOf(service, left, [first]));
    await applyUpdate(service, FACTORY, "", await ownerOf(service));
    world.advance(36 * DAY);
    const process = world.start();
    await runSchedule(process.service);
    expect([sealed(), process.reports]).toEqual([3, []]);
  });
});

describe("what people call themselves", () => {
  test("is their own name: nobody brings a key in another's", async () => {
    await start(service);
    const bob = await makeSigningKey("ed25519");
    const change = (owner: string) => (signed: JsonObject) => {
      const { keyid } = rootKey(bob.publicKey, "ats");
      const owners = jsonObject({ [keyid]: jsonObject({ "polis-id": owner }) });
      return jsonObject({ ...withRootKey(signed, bob, 1), "x-key-owners": owners });
    };
    const foreign = await envelopesOf(service, change("alice"), [first]);
    expect(await refusal(stage(service, foreign))).toEqual(["root-refused", "key-owners"]);
    const own = await envelopesOf(service, change("owner"), [first]);
    expect(await refusal(stage(service, own))).toEqual([]);
    // Somebody else's change leaves it as it is.
    const again = await envelopesOf(service, (signed) => signed, [bob]);
    expect(await refusal(stage(service, again))).toEqual([]);
  });

  test("is no pattern, and draws nothing into the review", async () => {
    const owner = await ownerOf(service);
    const name = "$`$&$'".repeat(30);
    const odd = { ...owner, token: { ...owner.token, user: name } };
    await start(service);
    const keys = await Promise.all([1, 2, 3].map(() => makeSigningKey("ed25519")));
    const roots = await envelopesOf(
      service,
      (signed) => {
        const entries = keys.map(({ publicKey }) => [
          rootKey(publicKey, "ats").keyid,
          jsonObject({ "polis-id": name }),
        ]);
        const joined = keys.reduce((root, key) => withRootKey(root, key, 4), signed);
        return jsonObject({ ...joined, "x-key-owners": Object.fromEntries(entries) as JsonObject });
      },
      [],
    );
    await stageUpdate(service, { factory: FACTORY, principal: odd, txid: "", roots });
    const review = await reviewUpdate(service, await readHead(service, FACTORY));
    expect(JSON.stringify(review.issues).length).toBeLessThan(5000);
  });
});

test("while a root update is staged, no root comes through the other door", async () => {
  const other = new TestWorld();
  const archive = await liveFactory(other, "ats");
  const process = other.start();
  const { roots } = await nextRoots(process, archive);
  await start(process.service);
  for (const [channel, body] of roots) {
    expect(await refusal(submitAs(process.service, channel, body))).toEqual(["busy"]);
  }
});

describe("the first root key", () => {
  test("is the owner's: no admin, no reader, no token of all Factories gets it", async () => {
    const owner = await ownerOf(service);
    const others: readonly Principal[] = [
      { ...owner, token: { ...owner.token, scopes: ["admin"], bound: null } },
      { ...owner, token: { ...owner.token, scopes: ["admin"] } },
      { ...owner, token: { ...owner.token, scopes: ["root:read"] } },
      { ...owner, token: { ...owner.token, bound: null } },
    ];
    for (const principal of others) {
      const request = { factory: FACTORY, principal, message: "", firstTime: true };
      expect(await refusal(takeInitialKey(service, FACTORY, principal))).toEqual(["forbidden"]);
      expect(await refusal(startUpdate(service, request))).toEqual(["forbidden"]);
    }
    expect(world.head(FACTORY)?.rootUpdate).toBeNull();
  });

  test("no id from the database claims it through the door for links", async () => {
    const { idHash } = world.head(FACTORY)?.delivery ?? {};
    for (const id of [idHash ?? "", "", "0".repeat(64)]) {
      expect(await refusal(claim(service, { id, claimant: "x".repeat(16) }))).toEqual([
        "not-found",
      ]);
    }
  });

  test("comes again and again, each time told, until no root lists it", async () => {
    const owner = await ownerOf(service);
    const told = (): number =>
      [...world.state.outbox.keys()].filter((id) => id.includes("initial-key-read")).length;
    const before = told();
    for (let i = 1; i <= 3; i += 1) {
      const { sec } = await takeInitialKey(service, FACTORY, owner);
      expect(object(sec["keyval"])["private"]).toBe(first.toArchiveText());
      expect(told()).toBe(before + i);
    }
    await start(service, true);
    await cancelUpdate(service, FACTORY, owner);
    await start(service, true);
    await stageRotation(service, first);
    await applyUpdate(service, FACTORY, "", owner);
    expect(world.state.shares.size + world.state.archives.size).toBe(0);
    expect(await refusal(takeInitialKey(service, FACTORY, owner))).toEqual(["initial-key-gone"]);
    expect(await refusal(start(service, true))).toEqual(["initial-key-gone"]);
    expect(world.head(FACTORY)?.rootUpdate).toBeNull();
  });

  test("is kept back while its owner cannot be told", async () => {
    const owner = await ownerOf(service);
    const silent: Service["notifier"] = Object.create(service.notifier, {
      notify: { value: async () => Promise.reject(new Error("no mail today")) },
    }) as Service["notifier"];
    const muted = { ...service, notifier: silent };
    for (let i = 0; i < 100; i += 1) await takeInitialKey(muted, FACTORY, owner);
    expect(await refusal(takeInitialKey(muted, FACTORY, owner))).toEqual(["busy"]);
    expect(await refusal(start(muted, true))).toEqual(["busy"]);
    // The longest time after which a message is tried again.
    world.advance(3_600_000);
    await runSchedule(service);
    await runSchedule(service);
    expect(world.head(FACTORY)?.pending).toEqual([]);
    expect(await refusal(takeInitialKey(service, FACTORY, owner))).toEqual([]);
  });

  test("is not on offer where a link delivers it", async () => {
    const other = new TestWorld();
    await newFactory(other, "ats");
    expect(await refusal(start(other.start().service, true))).toEqual(["initial-key-gone"]);
  });
});

describe("a compromised service at the boundary", () => {
  test("gets nothing signed under a root that the owner did not sign", async () => {
    const head = await readHead(service, FACTORY);
    await start(service);
    const thief = await makeSigningKey("ed25519");
    const [envelope] = (await envelopesOf(service, (signed) => signed, [thief])).values();
    const nextRoot = new TextEncoder().encode(JSON.stringify(envelope));
    const content = { role: "targets", targets: jsonObject({}) } as const;
    const version = (head.roles.ci?.targets?.version ?? 0) + 1;
    const expires = service.now() + DAY;
    const request = { ...head, channel: "ci", content, version, expires, nextRoot } as const;
    expect(await refusal(service.boundary.sign(request))).toContain("chain-broken");
  });

  test("cannot have a key destroyed that devices rely on", async () => {
    const head = await readHead(service, FACTORY);
    for (const role of ["targets", "snapshot", "timestamp"] as const) {
      const attempt = service.boundary.destroyKey(head, role, head.onlineKeys[role]);
      expect(await refusal(attempt)).toEqual(["signing-refused"]);
    }
  });
});

describe("tokens", () => {
  test("none mints more than it may itself", async () => {
    const owner = await ownerOf(service);
    const reader = { ...owner, token: { ...owner.token, scopes: ["root:read"] } } as Principal;
    const spec = { user: "mallory", scopes: ["root:update"], expiresAt: null } as const;
    expect(await refusal(createToken(service, FACTORY, reader, spec))).toEqual(["forbidden"]);
  });

  test("none mints one that lasts longer than itself", async () => {
    const owner = await ownerOf(service);
    const expiresAt = service.now() + DAY;
    const brief = { ...owner, token: { ...owner.token, expiresAt } };
    const spec = { user: "bob", scopes: ["root:read"] } as const;
    for (const later of [null, expiresAt + 1000]) {
      const attempt = createToken(service, FACTORY, brief, { ...spec, expiresAt: later });
      expect(await refusal(attempt)).toEqual(["forbidden"]);
    }
    expect(await refusal(createToken(service, FACTORY, brief, { ...spec, expiresAt }))).toEqual([]);
  });

  test("each new one is told of while the service keeps the first root key", async () => {
    const spec = { user: "bob", scopes: ["root:update"], expiresAt: null } as const;
    const { id } = await createToken(service, FACTORY, await ownerOf(service), spec);
    const mails = [...world.state.outbox.values()].map(({ body }) => body);
    expect(mails.some((body) => body.includes(id))).toBe(true);
    const listed = await listTokens(service, await readHead(service, FACTORY));
    expect(listed.find((token) => token.id === id)?.mintedBy).toBe("test");
  });
});
