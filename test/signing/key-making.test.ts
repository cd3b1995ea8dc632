/**
 * A tenant who has RSA keys made blocks nobody: makings are held under way in a slow key store, and what
 * others ask of the signer over the same channel is answered.
 */
import { duplexPair } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import { answerOn, callOver } from "../../lib/adapters/embedded/signer-channel.ts";
import { Faults } from "../../lib/adapters/memory/faults.ts";
import { MemorySignerRecords } from "../../lib/adapters/memory/signer-records.ts";
import { MemoryState } from "../../lib/adapters/memory/state.ts";
import { makeSigningKey } from "../../lib/crypto/signing-key.ts";
import type { FactoryName, InstanceId } from "../../lib/state/names.ts";
import { DEFAULT_REFRESH, onlineVersion } from "../../lib/state/schedule.ts";
import type { ChannelRef, SigningBoundary } from "../../lib/service/ports.ts";
import { Boundary, KEYS_IN_A_DAY } from "../../lib/signing/boundary.ts";
import type { KeyStore } from "../../lib/signing/key-store.ts";
import { answer } from "../../lib/signing/operations.ts";
import { remoteSigner } from "../../lib/signing/remote.ts";
import { SealedKeys } from "../../lib/signing/sealed-keys.ts";
import { ONLINE_ROLES, type OnlineRole } from "../../lib/tuf/dialect.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import { rootKey, type RootKey } from "../../lib/tuf/keys.ts";
import { firstRoot } from "../../lib/tuf/roles.ts";
import { DAY } from "../support/memory-service.ts";
import { signRoot } from "../support/owner.ts";

const BUSY = { code: "busy" };
const CLOCK = { now: Date.UTC(2026, 0, 15) };

function refOf(factory: string): ChannelRef {
  const instance = "a".repeat(32) as InstanceId;
  return { factory: factory as FactoryName, instance, dialect: "tuf", channel: "main" };
}

/** RSA keys that a test lets through; they are Ed25519 ones, which take no time. */
class SlowKeys implements KeyStore {
  readonly begun: string[] = [];
  readonly #keys: KeyStore;
  #release: (() => void)[] = [];
  #open = false;

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  async make(...[ref, role, type]: Parameters<KeyStore["make"]>) {
    if (type === "rsa") {
      this.begun.push(ref.factory);
      if (!this.#open) await new Promise<void>((resolve) => this.#release.push(resolve));
    }
    return this.#keys.make(ref, role, "ed25519");
  }

  open(...args: Parameters<KeyStore["open"]>) {
    return this.#keys.open(...args);
  }

  destroy(handle: Uint8Array) {
    return this.#keys.destroy(handle);
  }

  letAllThrough(): void {
    this.#open = true;
    for (const release of this.#release) release();
    this.#release = [];
  }
}

let keys: SlowKeys;
let boundary: SigningBoundary;
let close: () => void;

beforeEach(async () => {
  CLOCK.now = Date.UTC(2026, 0, 15);
  const wrapper = new MasterKeyWrapper(new Uint8Array(32).fill(1));
  keys = new SlowKeys(new SealedKeys(wrapper));
  const direct = new Boundary({
    records: new MemorySignerRecords(new MemoryState(), new Faults()),
    stores: { sealed: keys },
    kindOf: () => "sealed",
    policy: DEFAULT_REFRESH,
    now: () => CLOCK.now,
  });
  const [here, there] = duplexPair();
  const signer = { id: "ab", boundary: direct, wrapper };
  answerOn(there, (request) => answer(signer, request, () => undefined));
  ({ boundary } = await remoteSigner(callOver(here)));
  close = () => here.destroy();
});
afterEach(() => close());

/** An instance that the boundary trusts. */
async function live(ref: ChannelRef): Promise<void> {
  const owner = await makeSigningKey("ed25519");
  const made: [OnlineRole, RootKey][] = [];
  for (const role of ONLINE_ROLES) {
    made.push([role, rootKey(await boundary.makeKey(ref, role, "ed25519"), "tuf")]);
  }
  const signed = firstRoot({
    dialect: "tuf",
    expires: CLOCK.now + 365 * DAY,
    rootKey: rootKey(owner.publicKey, "tuf"),
    onlineKeys: Object.fromEntries(made) as Record<OnlineRole, RootKey>,
    targetsThreshold: 1,
  });
  const bytes = signRoot(signed, [owner], "tuf");
  await boundary.trustFirstRoots(ref, [{ channel: "main", bytes }]);
}

function signTargets(ref: ChannelRef): Promise<Uint8Array> {
  const content = { role: "targets", targets: jsonObject({}) } as const;
  const version = onlineVersion(0, CLOCK.now);
  return boundary.sign({ ...ref, content, version, expires: CLOCK.now + DAY });
}

function makings(ref: ChannelRef, requests: number): Promise<unknown>[] {
  return Array.from({ length: requests }, () => ONLINE_ROLES)
    .flat()
    .map((role) => boundary.makeKey(ref, role, "rsa"));
}

test("another Factory's document is signed while one has keys made, however many it asks for", async () => {
  const other = refOf("other");
  await live(other);
  const asked = Promise.allSettled(makings(refOf("acme"), 24));
  expect((await signTargets(other)).length).toBeGreaterThan(0);
  expect(keys.begun).toEqual(["acme"]);
  keys.letAllThrough();
  const results = await asked;
  const refused = results.filter(({ status }) => status === "rejected");
  expect([results.length, refused.length]).toEqual([72, 66]);
  for (const one of refused) expect(one).toMatchObject({ reason: BUSY });
});

test("signatures get through while makings of very many Factories are under way", async () => {
  const other = refOf("other");
  await live(other);
  const asked = Promise.allSettled(
    Array.from({ length: 30 }, (_, i) => makings(refOf(`acme-${i}`), 1)).flat(),
  );
  expect((await signTargets(other)).length).toBeGreaterThan(0);
  // An Ed25519 key takes no time, and waits for none that does.
  expect(await boundary.makeKey(other, "targets", "ed25519")).toMatchObject({
    algorithm: "ed25519",
  });
  keys.letAllThrough();
  await asked;
});

test("a second Factory's key comes after one key of the first", async () => {
  const first = makings(refOf("acme"), 2);
  const second = boundary.makeKey(refOf("other"), "targets", "rsa");
  // Everything has arrived once a question that was asked later is answered.
  await boundary.sweepKeys(refOf("other"), new Set());
  keys.letAllThrough();
  await Promise.all([...first, second]);
  expect(keys.begun.slice(0, 3)).toEqual(["acme", "acme", "other"]);
});

test("an instance gets so many keys in a day, of any type, and again the day after", async () => {
  keys.letAllThrough();
  const ref = refOf("acme");
  for (let made = 0; made < KEYS_IN_A_DAY.rsa; made += 1) {
    await boundary.makeKey(ref, "targets", made % 2 === 0 ? "rsa" : "ed25519");
  }
  await expect(boundary.makeKey(ref, "targets", "rsa")).rejects.toMatchObject(BUSY);
  for (let made: number = KEYS_IN_A_DAY.rsa; made < KEYS_IN_A_DAY.ed25519; made += 1) {
    await boundary.makeKey(ref, "targets", "ed25519");
  }
  for (const type of ["rsa", "ed25519"] as const) {
    await expect(boundary.makeKey(ref, "targets", type)).rejects.toMatchObject(BUSY);
  }
  await boundary.makeKey(refOf("other"), "targets", "rsa");
  CLOCK.now += DAY + 1;
  await boundary.makeKey(ref, "targets", "rsa");
});
