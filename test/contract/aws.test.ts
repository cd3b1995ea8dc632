/** What the AWS adapters promise beyond the ports: what people see in the console, limits, damage. */
import {
  DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { S3Archives } from "../../lib/adapters/aws/archives.ts";
import { DynamoDocuments } from "../../lib/adapters/aws/documents.ts";
import { DynamoHeads } from "../../lib/adapters/aws/heads.ts";
import { SesNotifier } from "../../lib/adapters/aws/notifier.ts";
import { S3Objects } from "../../lib/adapters/aws/objects.ts";
import { DynamoRequests } from "../../lib/adapters/aws/requests.ts";
import { DynamoShares } from "../../lib/adapters/aws/shares.ts";
import { DynamoSignerRecords } from "../../lib/adapters/aws/signer-records.ts";
import { MAIN_TABLE, SHARES_TABLE, SIGNER_TABLE } from "../../lib/adapters/aws/tables.ts";
import { DynamoTokens } from "../../lib/adapters/aws/tokens.ts";
import { rolePlace, storedDocument } from "../../lib/state/documents.ts";
import type { InstanceId } from "../../lib/state/names.ts";
import { sha256, sha256Text } from "../../lib/tuf/bytes.ts";
import type { KeyId } from "../../lib/tuf/keys.ts";
import {
  createTable,
  deleteTable,
  emulated,
  startDynamo,
  startS3,
  startSesClient,
  type Dynamo,
  type S3,
  type Ses,
} from "../support/aws.ts";
import { REJECTED } from "../support/ses.ts";
import { random } from "./adapters.ts";
import { creation, factoryName, NOW } from "./sample-head.ts";

const INSTANCE = "1".repeat(32) as InstanceId;
const ACME = { factory: factoryName("acme"), instance: INSTANCE };
const utf8 = new TextEncoder();

let dynamo: Dynamo;
let s3: S3;
let ses: Ses;
let table: string;
let bucket: string;

beforeAll(async () => {
  [dynamo, s3, ses] = await Promise.all([startDynamo(), startS3(), startSesClient()]);
});
afterAll(() => Promise.all([dynamo.stop(), s3.stop(), ses.stop()]));
beforeEach(async () => {
  table = await createTable(dynamo.client, MAIN_TABLE);
  bucket = await s3.createBucket();
});
afterEach(async () => {
  await deleteTable(dynamo.client, table);
  await s3.deleteBucket(bucket);
});

async function items(name = table) {
  const { Items: found = [] } = await dynamo.client.send(new ScanCommand({ TableName: name }));
  return found;
}

describe("a document", () => {
  const place = (version: number) => rolePlace(ACME, "ci", "root", version);
  const objectsIn = (name: string): S3Objects => new S3Objects(s3.client, name);
  const documents = (): DynamoDocuments =>
    new DynamoDocuments({
      dynamo: dynamo.client,
      table,
      objects: objectsIn(bucket),
      now: () => NOW,
    });

  it("is an item that a person can read", async () => {
    const body = JSON.stringify({
      signatures: [],
      signed: {
        expires: "2027-01-15T00:00:00Z",
        "x-changelog": { "polis-id": "alice", message: "rotated" },
      },
    });
    const document = storedDocument(place(2), utf8.encode(body));
    await documents().put(document);
    const { sha256: hash } = document.address;
    expect(await items()).toEqual([
      {
        pk: { S: "factory#acme" },
        sk: { S: `document#${INSTANCE}#ci#root#0000000002#${hash}` },
        factory: { S: "acme" },
        channel: { S: "ci" },
        role: { S: "root" },
        version: { N: "2" },
        sha256: { S: hash },
        length: { N: `${body.length}` },
        expires: { S: "2027-01-15T00:00:00Z" },
        submittedBy: { S: "alice" },
        stagedAt: { S: new Date(NOW).toISOString() },
        body: { S: body },
      },
    ]);
  });

  it("lies among the others in the order of versions", async () => {
    for (const version of [10, 9, 100]) {
      await documents().put(storedDocument(place(version), utf8.encode(`{"v":${version}}`)));
    }
    const { Items: found = [] } = await dynamo.client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: "pk = :pk",
        ExpressionAttributeValues: { ":pk": { S: "factory#acme" } },
      }),
    );
    expect(found.map((item) => item["version"]?.N)).toEqual(["9", "10", "100"]);
  });

  const edge = 256 * 1024;
  it.each([
    ["of 256 KB", utf8.encode("é".repeat(edge / 2)), false],
    ["longer than 256 KB", utf8.encode("a".repeat(edge + 1)), true],
    ["that is no UTF-8", new Uint8Array([0x7b, 0xff]), true],
    ["that begins with a byte order mark", new Uint8Array([0xef, 0xbb, 0xbf, 0x7b]), false],
    ["of nothing", new Uint8Array(0), false],
  ])("%s comes back byte for byte, from where it belongs", async (_, bytes, large) => {
    const document = storedDocument(place(1), bytes);
    await documents().put(document);
    await documents().put(document);
    const back = await documents().get(document.address);
    expect(Buffer.from(back ?? random(1)).equals(bytes)).toBe(true);
    const [item] = await items();
    const key = `documents/${document.address.sha256}`;
    expect([item?.["body"] === undefined, item?.["object"]?.S]).toEqual(
      large ? [true, key] : [false, undefined],
    );
  });

  it("in the object store is believed by its hash only", async () => {
    const document = storedDocument(place(1), random(300_000));
    await documents().put(document);
    const Key = `documents/${document.address.sha256}`;
    const damage = document.bytes.with(7, (document.bytes[7] ?? 0) ^ 1);
    await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: damage }));
    await expect(documents().get(document.address)).rejects.toMatchObject({ code: "internal" });
    // Putting it again mends it.
    await documents().put(document);
    expect(sha256((await documents().get(document.address)) ?? random(1))).toBe(
      document.address.sha256,
    );
  });

  it("whose object could not be stored has no item", async () => {
    const objects = objectsIn("no-such-bucket");
    const broken = new DynamoDocuments({ dynamo: dynamo.client, table, objects, now: () => NOW });
    await expect(broken.put(storedDocument(place(1), random(300_000)))).rejects.toThrow();
    expect(await items()).toEqual([]);
  });
});

describe("heads", () => {
  it("have their revision and when they are due beside the body", async () => {
    const { head } = creation("acme", NOW + 5);
    await new DynamoHeads(dynamo.client, table).create(head);
    const key = { pk: { S: "factory#acme" }, sk: { S: "head" } };
    const read = new GetItemCommand({ TableName: table, Key: key });
    const { Item: item } = await dynamo.client.send(read);
    expect(item?.["body"]).toEqual({ S: JSON.stringify(head) });
    expect(item).toMatchObject({ revision: { N: "1" }, dueAt: { N: `${NOW + 5}` } });
  });

  it("are due in the order of time, over all partitions of the index", async () => {
    const heads = new DynamoHeads(dynamo.client, table);
    const names = Array.from({ length: 30 }, (_, at) => `factory-${at}`);
    for (const [at, name] of names.entries()) await heads.create(creation(name, NOW + at).head);
    expect(new Set((await items()).map((item) => item["due"]?.S)).size).toBeGreaterThan(1);
    expect(await heads.due(NOW + 29, 100)).toEqual(names);
    expect(await heads.due(NOW + 29, 7)).toEqual(names.slice(0, 7));
    expect(await heads.due(NOW + 11, 100)).toEqual(names.slice(0, 12));
  });
});

it("a share that a deletion left where it was is not said to be destroyed", async () => {
  const name = await createTable(dynamo.client, SHARES_TABLE);
  const client = new DynamoDBClient(emulated(dynamo.endpoint, dynamo.ours));
  // Answers deletions, and does none.
  client.middlewareStack.add(
    (next, { commandName }) => {
      return async (args) =>
        commandName === "DeleteItemCommand"
          ? { output: { $metadata: {} }, response: undefined }
          : next(args);
    },
    { step: "initialize" },
  );
  const shares = new DynamoShares(client, name);
  await shares.put(sha256Text("id"), random(61));
  await expect(shares.destroy(sha256Text("id"))).rejects.toMatchObject({ code: "internal" });
  client.destroy();
  await deleteTable(dynamo.client, name);
});

it("tokens are listed over several pages", async () => {
  const tokens = new DynamoTokens(dynamo.client, table);
  const ids = Array.from({ length: 6 }, (_, at) => `${at}`);
  for (const id of ids) {
    const user = "x".repeat(250_000);
    const token = { hash: sha256Text(id), id, user, scopes: ["admin"], expiresAt: null } as const;
    await tokens.put({ ...token, bound: ACME });
  }
  expect((await tokens.list(ACME.factory)).map(({ id }) => id).toSorted()).toEqual(ids);
});

it("only tokens that expire and idempotency keys are removed by the table itself, 35 days after", async () => {
  await new DynamoHeads(dynamo.client, table).create(creation("acme", NOW).head);
  const documents = new DynamoDocuments({
    dynamo: dynamo.client,
    table,
    now: () => NOW,
    objects: new S3Objects(s3.client, bucket),
  });
  const document = storedDocument(rolePlace(ACME, "ci", "root", 1), random(9));
  await documents.put(document);
  await documents.publish(document.address);
  await new DynamoRequests(dynamo.client, table).first(sha256Text("k"), sha256Text("b"), NOW);
  const tokens = new DynamoTokens(dynamo.client, table);
  const token = { user: "u", scopes: ["root:read"], bound: ACME } as const;
  await tokens.put({ ...token, id: "1", hash: sha256Text("1"), expiresAt: null });
  await tokens.put({ ...token, id: "2", hash: sha256Text("2"), expiresAt: NOW + 5000 });
  const removed = (await items()).filter((item) => "removeAfter" in item);
  const seconds = (ms: number): string => `${(ms + 35 * 86_400_000) / 1000}`;
  expect(new Map(removed.map((item) => [item["sk"]?.S, item["removeAfter"]?.N]))).toEqual(
    new Map([
      ["request", seconds(NOW)],
      ["token", seconds(NOW + 5000)],
    ]),
  );
  expect(removed).toHaveLength(2);
});

describe("the signer's records", () => {
  const REF = { ...ACME, dialect: "tuf", channel: "main" } as const;
  const KEYID = sha256Text("key") as KeyId;
  let name: string;
  let records: DynamoSignerRecords;
  beforeEach(async () => {
    name = await createTable(dynamo.client, SIGNER_TABLE);
    records = new DynamoSignerRecords(dynamo.client, name);
  });
  afterEach(() => deleteTable(dynamo.client, name));

  it("hold roots that are longer than an item", async () => {
    const [first, second] = [random(577_536), random(600_000)];
    expect(await records.startTrust(REF, [{ channel: "main", bytes: first }])).toBe(true);
    expect(sha256((await records.trustedRoot(REF))?.bytes ?? random(1))).toBe(sha256(first));
    const next = { version: 2, bytes: second, retired: [KEYID] };
    expect(await records.advanceTrust(REF, 1, next)).toBe(true);
    const trusted = await records.trustedRoot(REF);
    expect([trusted?.version, trusted?.retired]).toEqual([2, [KEYID]]);
    expect(sha256(trusted?.bytes ?? random(1))).toBe(sha256(second));
    await records.forget(REF);
    expect(await items(name)).toEqual([]);
  });

  it("leave no bytes of roots that came too late", async () => {
    await records.startTrust(REF, [{ channel: "main", bytes: random(50) }]);
    await records.startTrust(REF, [{ channel: "main", bytes: random(50) }]);
    expect(await items(name)).toHaveLength(2);
  });

  it("start one trust of many at once", async () => {
    const asked = Array.from({ length: 10 }, () =>
      records.startTrust(REF, [{ channel: "main", bytes: random(50) }]),
    );
    expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(1);
    expect((await records.trustedRoot(REF))?.version).toBe(1);
  });
});

describe("a presigned URL", () => {
  const ID = sha256Text("delivery");
  const objects = (now: () => number): S3Archives => new S3Archives(s3.client, bucket, now);

  it.each([
    [NOW, NOW + 60_000, 59],
    [NOW + 999, NOW + 60_999, 60],
    [NOW + 1, NOW + 60_000, 59],
    [NOW, NOW + 60_001, 60],
    [NOW, NOW + 1000, 1],
    [NOW + 500, NOW + 501, 1],
    [NOW, NOW - 5000, 1],
  ])("asked for at %i ends before %i", async (now, until, seconds) => {
    const { searchParams } = new URL(await objects(() => now).presign(ID, until));
    expect(searchParams.get("X-Amz-Expires")).toBe(`${seconds}`);
    const date = (searchParams.get("X-Amz-Date") ?? "").replace(
      /^(....)(..)(..T..)(..)(..Z)$/,
      "$1-$2-$3:$4:$5",
    );
    const end = Date.parse(date) + seconds * 1000;
    expect(end).toBeLessThan(until);
    expect(end).toBeGreaterThanOrEqual(until - 1000);
  });

  it("works, ends by the store's own clock, and is needed", async () => {
    await objects(Date.now).put(ID, utf8.encode("sealed"));
    const url = await objects(Date.now).presign(ID, Date.now() + 60_000);
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([200, "sealed"]);
    expect(answer.headers.get("content-type")).toBe("application/octet-stream");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const ended = await objects(() => Date.now() - 60_000).presign(ID, Date.now() - 1000);
    const unsigned = url.split("?")[0] ?? "";
    for (const refused of [ended, unsigned, url.replace(ID, sha256Text("other"))]) {
      expect((await fetch(refused)).status).toBe(403);
    }
  });

  it("reads, and does nothing else", async () => {
    await objects(Date.now).put(ID, utf8.encode("sealed"));
    const url = await objects(Date.now).presign(ID, Date.now() + 60_000);
    for (const method of ["PUT", "DELETE"]) {
      expect((await fetch(url, { method })).status).toBe(403);
    }
    const read = new GetObjectCommand({ Bucket: bucket, Key: `archives/${ID}` });
    expect(await (await s3.client.send(read)).Body?.transformToString()).toBe("sealed");
  });
});

describe("mail", () => {
  const mail = {
    factory: ACME.factory,
    email: "owner@example.com",
    idHash: sha256Text("delivery"),
    link: "https://rootward.example/download#secret",
    expiresAt: NOW,
    recipient: null,
    now: NOW,
  };
  const notifier = (): SesNotifier =>
    new SesNotifier({ ses: ses.client, from: "fleet@example.com", configurationSet: "no-clicks" });

  it("is plain text, from the address and by the configuration set that were given", async () => {
    ses.sent.length = 0;
    await notifier().sendLink(mail);
    expect(ses.sent).toHaveLength(1);
    expect(ses.sent[0]).toMatchObject({
      FromEmailAddress: "fleet@example.com",
      ConfigurationSetName: "no-clicks",
      Destination: { ToAddresses: ["owner@example.com"] },
    });
    // The double takes no HTML. The secret is in the body and nowhere else.
    const { Body, ...rest } = ses.sent[0]?.Content.Simple ?? {};
    expect(JSON.stringify(rest)).not.toContain("secret");
    expect(Body?.Text.Data).toContain(`\n${mail.link}\n`);
  });

  it("that SES rejects is an error with its name", async () => {
    const refused = notifier().sendLink({ ...mail, email: REJECTED });
    await expect(refused).rejects.toMatchObject({ name: "MessageRejected" });
  });
});
