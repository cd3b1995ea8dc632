/**
 * What each method asks DynamoDB for: single items only, and consistent reads wherever it is not an
 * index. An emulator has no replicas that lag, so nothing else would fail without them.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DynamoDocuments } from "../../lib/adapters/aws/documents.ts";
import { DynamoHeads } from "../../lib/adapters/aws/heads.ts";
import { S3Objects } from "../../lib/adapters/aws/objects.ts";
import { DynamoRequests } from "../../lib/adapters/aws/requests.ts";
import { DynamoShares } from "../../lib/adapters/aws/shares.ts";
import { DynamoSignerRecords } from "../../lib/adapters/aws/signer-records.ts";
import {
  MAIN_TABLE,
  SHARES_TABLE,
  SIGNER_TABLE,
  type TableLayout,
} from "../../lib/adapters/aws/tables.ts";
import { DynamoTokens } from "../../lib/adapters/aws/tokens.ts";
import type { InstanceId } from "../../lib/state/names.ts";
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
import { random } from "./adapters.ts";
import { creation, factoryName, NOW, rootDocument, successor } from "./sample-head.ts";
import { roleRecord } from "./sample-record.ts";

const ACME = factoryName("acme");
const REF = {
  factory: ACME,
  instance: "1".repeat(32) as InstanceId,
  dialect: "tuf",
  channel: "main",
} as const;
const HASH = sha256Text("hash");
const KEYID = HASH as unknown as KeyId;
const TOKEN = {
  hash: HASH,
  id: "0123",
  user: "owner",
  scopes: ["admin"],
  bound: { factory: ACME, instance: REF.instance },
  expiresAt: null,
} as const;
const KEY = {
  role: "targets",
  keyid: KEYID,
  kind: "sealed",
  handle: random(9),
  madeAt: 1,
} as const;

let dynamo: Dynamo;
let s3: S3;
let client: DynamoDBClient;
let adapters: Awaited<ReturnType<typeof open>>;
const asked: string[] = [];
let tables: readonly string[];

beforeAll(async () => {
  [dynamo, s3] = await Promise.all([startDynamo(), startS3()]);
  client = new DynamoDBClient(emulated(dynamo.endpoint, dynamo.ours));
  client.middlewareStack.add(
    (next, { commandName = "" }) => {
      return (args) => {
        const input = args.input as { ConsistentRead?: boolean; IndexName?: string };
        const how = input.ConsistentRead === true ? " consistent" : "";
        const where = input.IndexName === undefined ? "" : ` ${input.IndexName}`;
        asked.push(`${commandName.replace("Command", "")}${where}${how}`);
        return next(args);
      };
    },
    { step: "initialize" },
  );
  adapters = await open();
});
afterAll(async () => {
  client.destroy();
  for (const name of tables) await deleteTable(dynamo.client, name);
  await Promise.all([dynamo.stop(), s3.stop()]);
});

async function open() {
  const make = (layout: TableLayout): Promise<string> => createTable(dynamo.client, layout);
  const table = await make(MAIN_TABLE);
  const shares = await make(SHARES_TABLE);
  const signer = await make(SIGNER_TABLE);
  tables = [table, shares, signer];
  const objects = new S3Objects(s3.client, await s3.createBucket());
  return {
    heads: new DynamoHeads(client, table),
    documents: new DynamoDocuments({ dynamo: client, table, objects, now: () => NOW }),
    tokens: new DynamoTokens(client, table),
    requests: new DynamoRequests(client, table),
    shares: new DynamoShares(client, shares),
    records: new DynamoSignerRecords(client, signer),
  };
}

type Open = typeof adapters;

const READ = "GetItem consistent";
const { head } = creation("acme");
const document = rootDocument(ACME, 1);
const trusted = { version: 2, bytes: random(50), retired: [] };

/** In an order in which each finds what it needs. */
const COSTS: readonly (readonly [string, readonly string[], (a: Open) => Promise<unknown>])[] = [
  ["heads.create", ["PutItem"], (a) => a.heads.create(head)],
  ["heads.read", [READ], (a) => a.heads.read(ACME)],
  ["heads.swap", ["PutItem"], (a) => a.heads.swap(1, successor(head).head)],
  ["heads.due", Array.from({ length: 4 }, () => "Query due"), (a) => a.heads.due(NOW, 9)],
  ["documents.put", ["PutItem"], (a) => a.documents.put(document)],
  ["documents.get", [READ], (a) => a.documents.get(document.address)],
  ["documents.publish", ["PutItem"], (a) => a.documents.publish(document.address)],
  ["documents.published", [READ], (a) => a.documents.published(document.address)],
  ["tokens.put", ["PutItem"], (a) => a.tokens.put(TOKEN)],
  ["tokens.find", [READ], (a) => a.tokens.find(HASH)],
  ["tokens.list", ["Query factory"], (a) => a.tokens.list(ACME)],
  ["tokens.delete", ["DeleteItem"], (a) => a.tokens.delete(HASH)],
  ["requests.first", ["PutItem"], (a) => a.requests.first(HASH, HASH, NOW)],
  ["requests.first, again", ["PutItem", READ], (a) => a.requests.first(HASH, HASH, NOW)],
  ["shares.put", ["PutItem"], (a) => a.shares.put(HASH, random(9))],
  ["shares.get", [READ], (a) => a.shares.get(HASH)],
  ["shares.destroy", ["DeleteItem", READ], (a) => a.shares.destroy(HASH)],
  ["putKey", ["PutItem"], (a) => a.records.putKey(REF, KEY)],
  ["key", [READ], (a) => a.records.key(REF, "targets", KEYID)],
  ["keys", ["Query consistent"], (a) => a.records.keys(REF)],
  [
    "startTrust",
    [READ, "PutItem", "PutItem"],
    (a) => a.records.startTrust(REF, [{ channel: "main", bytes: random(50) }]),
  ],
  ["trustedRoot", [READ, READ], (a) => a.records.trustedRoot(REF)],
  // The root before it is recorded as a past one.
  [
    "advanceTrust",
    [READ, "PutItem", "PutItem", "UpdateItem"],
    (a) => a.records.advanceTrust(REF, 1, trusted),
  ],
  ["keptRoot", [READ, READ], (a) => a.records.keptRoot(REF, 1)],
  ["expectedRoots", [READ], (a) => a.records.expectedRoots(REF)],
  ["takeVersion", ["PutItem"], (a) => a.records.takeVersion(REF, "targets", 0, roleRecord(5))],
  ["lastSigned", [READ], (a) => a.records.lastSigned(REF, "targets")],
  ["ceiling", [READ], (a) => a.records.ceiling(REF)],
  ["removeKey", ["DeleteItem"], (a) => a.records.removeKey(REF, "targets", KEYID)],
  [
    "forget",
    ["Query consistent", ...Array.from({ length: 5 }, () => "DeleteItem")],
    (a) => a.records.forget(REF),
  ],
];

it.each(COSTS)("%s", async (_, requests, call) => {
  asked.length = 0;
  await call(adapters);
  expect(asked).toEqual(requests);
});
