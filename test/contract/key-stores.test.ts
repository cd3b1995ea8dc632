/** Both kinds of store for online keys, and the rules by which a key goes to one of them. */
import { KMSClient } from "@aws-sdk/client-kms";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KmsKeys } from "../../lib/adapters/aws/kms-keys.ts";
import { MasterKeyWrapper } from "../../lib/adapters/embedded/key-wrapper.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import type { FactoryName, InstanceId } from "../../lib/state/names.ts";
import type { FactoryRef } from "../../lib/service/ports.ts";
import { readKeyRules, type KeyOwner, type KeyStore } from "../../lib/signing/key-store.ts";
import { SealedKeys } from "../../lib/signing/sealed-keys.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { rootKey, type KeyType } from "../../lib/tuf/keys.ts";
import type { PublicKey } from "../../lib/tuf/spki.ts";
import { startKms, type FakeKms } from "../support/kms.ts";
import { contains, random } from "./adapters.ts";

const ACME: FactoryRef = {
  factory: "acme" as FactoryName,
  instance: "a".repeat(32) as InstanceId,
  dialect: "tuf",
};

let kms: FakeKms;
let client: KMSClient;
beforeAll(async () => {
  kms = await startKms();
  client = clientOf(1);
});
afterAll(() => kms.stop());

function clientOf(maxAttempts: number): KMSClient {
  return new KMSClient({
    endpoint: kms.endpoint,
    region: "eu-west-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts,
  });
}

function ownerOf(key: PublicKey): KeyOwner {
  return { ref: ACME, role: "targets", keyid: rootKey(key, "tuf").keyid };
}

const sealed = (): KeyStore => new SealedKeys(new MasterKeyWrapper(new Uint8Array(32).fill(1)));
const STORES: readonly (readonly [string, KeyType, () => KeyStore])[] = [
  ["sealed", "ed25519", sealed],
  ["sealed", "rsa", sealed],
  ["kms", "rsa", () => new KmsKeys(client)],
];

describe.each(STORES)("%s %s keys", (_name, type, open) => {
  let store: KeyStore;
  let made: Awaited<ReturnType<KeyStore["make"]>>;
  beforeAll(async () => {
    store = open();
    made = await store.make(ACME, "targets", type);
  }, 60_000);

  it("sign what verifies under the public half, longer than KMS takes, too", async () => {
    const { publicKey, handle } = made;
    const key = await store.open(handle, ownerOf(publicKey));
    expect(key.publicKey).toEqual(publicKey);
    for (const length of [0, 1, 5000]) {
      const message = random(length);
      const signature = await key.sign(message);
      expect(verifySignature(publicKey, message, signature)).toBe(true);
      expect(verifySignature(publicKey, random(length + 1), signature)).toBe(false);
    }
  });

  it("are destroyed again and again", async () => {
    for (let time = 0; time < 2; time += 1) {
      await expect(store.destroy(made.handle)).resolves.toBeUndefined();
    }
  });
});

it("a key of KMS is asked for once, and again where KMS says that it was too much at once", async () => {
  const made = (): number => kms.asked.filter((operation) => operation === "CreateKey").length;
  const patient = clientOf(4);
  const before = made();
  kms.throttle("CreateKey", 2);
  await new KmsKeys(patient).make(ACME, "targets", "rsa");
  expect(made() - before).toBe(3);
  kms.throttle("CreateKey", 9);
  await expect(new KmsKeys(patient).make(ACME, "targets", "rsa")).rejects.toThrow("Throttling");
  expect(made() - before).toBe(3 + 4);
  kms.throttle("CreateKey", 0);
}, 60_000);

describe("a sealed key", () => {
  it("opens for the Factory, instance, role and keyid that it was made for", async () => {
    const store = sealed();
    const { publicKey, handle } = await store.make(ACME, "targets", "ed25519");
    const owner = ownerOf(publicKey);
    const another = await store.make(ACME, "targets", "ed25519");
    const others: readonly KeyOwner[] = [
      { ...owner, ref: { ...ACME, factory: "acme-2" as FactoryName } },
      { ...owner, ref: { ...ACME, instance: "b".repeat(32) as InstanceId } },
      { ...owner, role: "snapshot" },
      ownerOf(another.publicKey),
    ];
    for (const other of others) {
      await expect(store.open(handle, other)).rejects.toThrow("does not open");
    }
    expect((await store.open(handle, owner)).publicKey).toEqual(publicKey);
  });
});

describe("a key in KMS", () => {
  it("is tagged with whose it is, and signs no more once it is on its way out", async () => {
    const store = new KmsKeys(client);
    const { handle } = await store.make(ACME, "targets", "rsa");
    const [arn, made] = [...kms.keys].at(-1) ?? [];
    expect(made?.tags).toEqual([
      { TagKey: "rootward:factory", TagValue: "acme" },
      { TagKey: "rootward:instance", TagValue: ACME.instance },
      { TagKey: "rootward:role", TagValue: "targets" },
    ]);
    expect(contains(handle, new TextEncoder().encode(arn))).toBe(true);
    const key = await store.open(handle);
    await store.destroy(handle);
    await expect(key.sign(random(10))).rejects.toThrow("KMSInvalidStateException");
  });

  it("is no Ed25519 one", async () => {
    const asked = kms.asked.length;
    await expect(new KmsKeys(client).make(ACME, "targets", "ed25519")).rejects.toMatchObject({
      code: "malformed",
      message: expect.stringContaining("ask for RSA"),
    });
    expect(kms.asked.length).toBe(asked);
  });

  it("that cannot be reached for its destruction stays known", async () => {
    const store = new KmsKeys(client);
    const { handle } = await store.make(ACME, "targets", "rsa");
    const nowhere = new KMSClient({
      endpoint: "http://127.0.0.1:1",
      region: "eu-west-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      maxAttempts: 1,
    });
    await expect(new KmsKeys(nowhere).destroy(handle)).rejects.toThrow();
  });
});

describe("the rules of where keys are kept", () => {
  const kinds = (text: string, factory = "acme"): string => {
    const kindOf = readKeyRules(text);
    const ref = { ...ACME, factory: factory as FactoryName };
    return ONLINE_ROLES.map((role) => kindOf(ref, role)).join(" ");
  };

  it.each([
    ["", "sealed sealed sealed"],
    ["*/*=kms", "kms kms kms"],
    ["*/targets=kms", "kms sealed sealed"],
    ["acme/*=kms", "kms kms kms"],
    ["acme-2/*=kms", "sealed sealed sealed"],
    ["*/*=kms,acme/timestamp=sealed", "kms kms sealed"],
    ["acme/timestamp=sealed,*/*=kms", "kms kms kms"],
  ])("%j gives targets, snapshot, timestamp: %s", (text, expected) => {
    expect(kinds(text)).toBe(expected);
  });

  it.each(["kms", "*=kms", "*/root=kms", "*/*=hsm", "A/*=kms", "*/*=kms;acme/*=kms", " */*=kms"])(
    "%j is no rule",
    (text) => {
      expect(() => readKeyRules(text)).toThrow(/online key rule .*expected FACTORY\/ROLE=KIND/);
    },
  );

  it("say which stores are needed", () => {
    expect([...readKeyRules("*/targets=kms").kinds]).toEqual(["sealed", "kms"]);
    expect([...readKeyRules("").kinds]).toEqual(["sealed"]);
  });
});
