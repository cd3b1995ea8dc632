/**
 * Answers of DynamoDB and SES that never come, with clients as the service makes them, which repeat
 * requests by themselves. A swap must not be repeated behind the commit's back (adapters/aws/once.ts);
 * what is, must come to the same.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DynamoDocuments } from "../../lib/adapters/aws/documents.ts";
import { DynamoHeads } from "../../lib/adapters/aws/heads.ts";
import { SesNotifier } from "../../lib/adapters/aws/notifier.ts";
import { S3Objects } from "../../lib/adapters/aws/objects.ts";
import { DynamoRequests } from "../../lib/adapters/aws/requests.ts";
import { DynamoShares } from "../../lib/adapters/aws/shares.ts";
import { DynamoSignerRecords } from "../../lib/adapters/aws/signer-records.ts";
import { MAIN_TABLE, SHARES_TABLE, SIGNER_TABLE } from "../../lib/adapters/aws/tables.ts";
import { decodeEvent } from "../../lib/state/event.ts";
import type { Head } from "../../lib/state/head.ts";
import { eventPlace } from "../../lib/state/documents.ts";
import type { InstanceId } from "../../lib/state/names.ts";
import type { Transition } from "../../lib/state/transition.ts";
import { commit } from "../../lib/service/commit.ts";
import type { ChannelRef } from "../../lib/service/ports.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import {
  createTable,
  deleteTable,
  emulated,
  startDynamo,
  startS3,
  type Dynamo,
  type S3,
} from "../support/aws.ts";
import { losing, type Losing, type Loss } from "../support/losing.ts";
import { startSes } from "../support/ses.ts";
import { random } from "./adapters.ts";
import { createHead, creation, factoryName, NOW, successor } from "./sample-head.ts";
import { roleRecord } from "./sample-record.ts";

const LOST: Loss = "applied, answer lost";
const HEAD = "PutItem head";

let dynamo: Dynamo;
let s3: S3;
let table: string;
let network: Losing;
let client: DynamoDBClient;
/** What somebody else does before the next request after a loss. */
let meanwhile: () => Promise<void>;

beforeAll(async () => {
  [dynamo, s3] = await Promise.all([startDynamo(), startS3()]);
});
afterAll(() => Promise.all([dynamo.stop(), s3.stop()]));
beforeEach(async () => {
  table = await createTable(dynamo.client, MAIN_TABLE);
  meanwhile = async () => undefined;
  network = await losing(dynamo.endpoint, () => meanwhile());
  client = new DynamoDBClient(emulated(network.endpoint, dynamo.ours));
});
afterEach(async () => {
  client.destroy();
  await network.stop();
  await deleteTable(dynamo.client, table);
});

/** The stores as a caller has them who uses `through`. */
function stores(through: DynamoDBClient) {
  const objects = new S3Objects(s3.client, "none");
  const documents = new DynamoDocuments({ dynamo: through, table, objects, now: () => NOW });
  return { heads: new DynamoHeads(through, table), documents };
}

async function stored(): Promise<Head> {
  const head = await stores(dynamo.client).heads.read(factoryName("acme"));
  if (head === null) throw new Error("no Factory");
  return head;
}

/** The random ids of the events in the log, newest first: one for each committed change. */
async function committed(): Promise<readonly string[]> {
  const ids: string[] = [];
  let { seq, sha256 } = (await stored()).log;
  for (;;) {
    const place = { ...eventPlace(factoryName("acme"), seq), sha256 };
    const event = decodeEvent((await stores(dynamo.client).documents.get(place)) ?? random(0));
    ids.push(event.id);
    if (event.previous === null) return ids;
    seq -= 1;
    sha256 = event.previous;
  }
}

/** Somebody else's whole change, on what is stored. */
async function change(): Promise<Transition> {
  const next = successor(await stored());
  expect(await commit(stores(dynamo.client), next)).toBe(true);
  return next;
}

function writesOfHead(): number {
  return network.asked.filter((name) => name === HEAD).length;
}

describe("a swap", () => {
  let mine: Transition;
  let first: Transition;

  beforeEach(async () => {
    first = creation("acme");
    await createHead(stores(dynamo.client), first);
    mine = successor(first.head);
  });

  it.each([
    ["was lost", [LOST], 2],
    ["was lost again and again", [LOST, LOST, LOST], 4],
    ["was lost, as the next request was on its way there", [LOST, "not applied"], 3],
  ] as const)("whose answer %s was mine", async (_, losses, writes) => {
    network.lose(HEAD, ...losses);
    expect(await commit(stores(client), mine)).toBe(true);
    // Each by the commit, none by the SDK.
    expect(writesOfHead()).toBe(writes);
    expect(await committed()).toEqual([mine.eventId, first.eventId]);
  });

  it("that was applied was mine, also when others came after it", async () => {
    network.lose(HEAD, LOST);
    const others: string[] = [];
    meanwhile = async () => {
      for (let time = 0; time < 2; time += 1) others.unshift((await change()).eventId);
    };
    expect(await commit(stores(client), mine)).toBe(true);
    expect(await committed()).toEqual([...others, mine.eventId, first.eventId]);
  });

  it("that was not applied is repeated", async () => {
    network.lose(HEAD, "not applied", "not applied");
    expect(await commit(stores(client), mine)).toBe(true);
    expect(writesOfHead()).toBe(3);
    expect(await committed()).toEqual([mine.eventId, first.eventId]);
  });

  it("that was not applied before somebody else came is not mine", async () => {
    network.lose(HEAD, "not applied");
    let theirs = "";
    meanwhile = async () => {
      theirs = (await change()).eventId;
    };
    expect(await commit(stores(client), mine)).toBe(false);
    expect(await committed()).toEqual([theirs, first.eventId]);
  });

  it("by itself fails when its answer is lost: it says neither yes nor no", async () => {
    const { heads } = stores(client);
    network.lose(HEAD, LOST);
    await expect(heads.swap(first.head.revision, mine.head)).rejects.toThrow();
    expect(writesOfHead()).toBe(1);
    expect(await heads.swap(first.head.revision, mine.head)).toBe(false);
  });

  it("is not tried when what it names could not be stored; lost answers of that are repeated", async () => {
    const never = Array.from({ length: 4 }, (): Loss => "not applied");
    network.lose("PutItem document", ...never);
    await expect(commit(stores(client), mine)).rejects.toThrow();
    expect(writesOfHead()).toBe(0);
    network.lose("PutItem document", LOST, LOST);
    network.lose("PutItem published", LOST);
    expect(await commit(stores(client), mine)).toBe(true);
    expect(await committed()).toEqual([mine.eventId, first.eventId]);
  });
});

describe("a creation", () => {
  it("whose answer was lost was mine, also when somebody changed the Factory since", async () => {
    const mine = creation("acme");
    network.lose(HEAD, LOST);
    let theirs = "";
    meanwhile = async () => {
      theirs = (await change()).eventId;
    };
    expect(await commit(stores(client), mine)).toBe(true);
    expect(await committed()).toEqual([theirs, mine.eventId]);
  });

  it("of a name that somebody took meanwhile is not mine", async () => {
    const theirs = creation("acme");
    network.lose(HEAD, "not applied");
    meanwhile = async () => {
      await createHead(stores(dynamo.client), theirs);
    };
    expect(await commit(stores(client), creation("acme"))).toBe(false);
    expect(await committed()).toEqual([theirs.eventId]);
  });
});

describe("a lost answer of what may be applied twice comes to the same", () => {
  it("for an idempotency key", async () => {
    const requests = new DynamoRequests(client, table);
    const [key, body] = [sha256Text("key"), sha256Text("body")];
    network.lose("PutItem request", LOST);
    expect(await requests.first(key, body, NOW)).toBe(body);
    expect(network.asked).toEqual(["PutItem request", "PutItem request", "GetItem request"]);
  });

  it("for a share", async () => {
    const name = await createTable(dynamo.client, SHARES_TABLE);
    const shares = new DynamoShares(client, name);
    const wrapped = random(61);
    network.lose("PutItem", LOST);
    network.lose("DeleteItem", LOST);
    await shares.put(sha256Text("id"), wrapped);
    expect(await shares.get(sha256Text("id"))).toEqual(wrapped);
    await shares.destroy(sha256Text("id"));
    expect(await shares.get(sha256Text("id"))).toBeNull();
    await deleteTable(dynamo.client, name);
  });
});

describe("of the signer's records", () => {
  const ACME: ChannelRef = {
    factory: factoryName("acme"),
    instance: "a".repeat(32) as InstanceId,
    dialect: "tuf",
    channel: "main",
  };
  let name: string;
  let records: DynamoSignerRecords;
  beforeEach(async () => {
    name = await createTable(dynamo.client, SIGNER_TABLE);
    records = new DynamoSignerRecords(client, name);
  });
  afterEach(() => deleteTable(dynamo.client, name));

  it("a version that was taken is signed by nobody", async () => {
    network.lose("PutItem version", LOST);
    expect(await records.takeVersion(ACME, "targets", 0, roleRecord(5))).toBe(false);
    expect((await records.lastSigned(ACME, "targets"))?.version).toBe(5);
    expect(await records.takeVersion(ACME, "targets", 5, roleRecord(6))).toBe(true);
  });

  it("a trust that started fails its caller, who says so and takes it back", async () => {
    network.lose("PutItem trust", LOST);
    const roots = [{ channel: "main", bytes: random(50) }] as const;
    await expect(records.startTrust(ACME, roots)).rejects.toThrow();
    expect(network.asked.filter((one) => one === "PutItem trust")).toHaveLength(1);
    expect(await records.startTrust(ACME, roots)).toBe(false);
    await records.forget(ACME);
    expect(await records.startTrust(ACME, roots)).toBe(true);
  });

  it("the keys go first and the numbers of versions last, wherever forgetting is cut off", async () => {
    const keyid = sha256Text("key") as KeyId;
    const key = { role: "targets", keyid, kind: "sealed", handle: random(10), madeAt: 1 } as const;
    await records.putKey(ACME, key);
    await records.startTrust(ACME, [{ channel: "main", bytes: random(50) }]);
    await records.takeVersion(ACME, "targets", 0, roleRecord(5));
    const never = Array.from({ length: 4 }, (): Loss => "not applied");
    network.lose("DeleteItem trust", ...never);
    await expect(records.forget(ACME)).rejects.toThrow();
    expect(await records.keys(ACME)).toEqual([]);
    expect((await records.lastSigned(ACME, "targets"))?.version).toBe(5);
    await records.forget(ACME);
    expect(await records.lastSigned(ACME, "targets")).toBeNull();
  });

  it("an advance that was applied is where it says", async () => {
    await records.startTrust(ACME, [{ channel: "main", bytes: random(50) }]);
    const next = { version: 2, bytes: random(50), retired: [] };
    network.lose("UpdateItem trust", LOST);
    expect(await records.advanceTrust(ACME, 1, next)).toBe(false);
    expect(await records.trustedRoot(ACME)).toEqual(next);
  });
});

describe("mail", () => {
  const mail = {
    factory: factoryName("acme"),
    email: "owner@example.com",
    idHash: sha256Text("delivery"),
    link: "https://rootward.example/download#secret",
    expiresAt: NOW,
    recipient: null,
    now: NOW,
  };
  const event = {
    seq: 2,
    previous: null,
    id: "0".repeat(32),
    time: NOW,
    actor: "link",
    details: {},
  };

  it("with the link is sent at most once, a notice again", async () => {
    const ses = await startSes();
    const path = "/v2/email/outbound-emails";
    const between = await losing(ses.endpoint);
    const sender = new SESv2Client(emulated(between.endpoint));
    const notifier = new SesNotifier({
      ses: sender,
      from: "rootward@example.com",
      configurationSet: "rootward",
    });
    between.lose(path, LOST);
    await expect(notifier.sendLink(mail)).rejects.toThrow();
    expect(ses.sent).toHaveLength(1);
    between.lose(path, LOST);
    const { factory, email } = mail;
    const told = { ...event, type: "delivery-confirmed" };
    await notifier.notify({ factory, email, reader: "owner", event: told });
    const [, ...notices] = ses.sent.map(({ Content }) => Content.Simple.Headers);
    expect(notices).toHaveLength(2);
    expect(notices[0]).toEqual(notices[1]);
    sender.destroy();
    await between.stop();
    await ses.stop();
  });
});
