/**
 * AWS on loopback for one test file: dynalite, s3rver, and doubles of KMS, SES and EventBridge. Other emulators are
 * taken where DYNAMODB_ENDPOINT, S3_ENDPOINT or KMS_ENDPOINT name them (CONTRIBUTING.md), with the
 * region and the credentials of the environment.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import {
  CreateTableCommand,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { KMSClient } from "@aws-sdk/client-kms";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from "@aws-sdk/client-s3";
import { SESv2Client } from "@aws-sdk/client-sesv2";
import dynalite from "dynalite";
import { clientOptions } from "../../lib/adapters/aws/clients.ts";
import type { TableLayout } from "../../lib/adapters/aws/tables.ts";
import { EventBus } from "../../lib/adapters/aws/events.ts";
import { SesNotifier } from "../../lib/adapters/aws/notifier.ts";
import type { Announcement, Notifier } from "../../lib/service/ports.ts";
import { startEvents, type FakeEvents } from "./events.ts";
import { startKms, type FakeKms } from "./kms.ts";
import { listen, listenWith, type Loopback } from "./loopback.ts";
import { startSes, type FakeSes } from "./ses.ts";

/** s3rver knows nobody else. */
const CREDENTIALS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const REGION = "eu-west-1";

/** A client's options for an emulator: an operator's own, or one of ours. */
export function emulated(endpoint: string, ours = true) {
  if (!ours) return clientOptions(endpoint);
  return { ...clientOptions(endpoint), region: REGION, credentials: CREDENTIALS };
}

/** @param name of the variable that may name another emulator */
async function orOurs(
  name: string,
  start: () => Promise<Loopback>,
): Promise<Loopback & { readonly ours: boolean }> {
  const endpoint = process.env[name];
  if (endpoint !== undefined) return { endpoint, ours: false, stop: async () => undefined };
  return { ...(await start()), ours: true };
}

export interface Dynamo {
  readonly client: DynamoDBClient;
  readonly endpoint: string;
  readonly ours: boolean;
  stop(): Promise<void>;
}

export async function startDynamo(): Promise<Dynamo> {
  return dynamoAt(await orOurs("DYNAMODB_ENDPOINT", startDynalite));
}

/** An empty one of this process, whatever the environment names. */
export async function startOwnDynamo(): Promise<Dynamo> {
  return dynamoAt({ ...(await startDynalite()), ours: true });
}

function startDynalite(): Promise<Loopback> {
  return listenWith(dynalite({ createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 }));
}

function dynamoAt({ endpoint, ours, stop }: Loopback & { readonly ours: boolean }): Dynamo {
  const client = new DynamoDBClient(emulated(endpoint, ours));
  return {
    client,
    endpoint,
    ours,
    stop: async () => {
      client.destroy();
      await stop();
    },
  };
}

/** @returns the name of a new, empty table */
export async function createTable(client: DynamoDBClient, layout: TableLayout): Promise<string> {
  const name = `rootward-${randomUUID()}`;
  const schema = ({ partitionKey, sortKey }: Pick<TableLayout, "partitionKey" | "sortKey">) => [
    { AttributeName: partitionKey.name, KeyType: "HASH" as const },
    ...(sortKey ? [{ AttributeName: sortKey.name, KeyType: "RANGE" as const }] : []),
  ];
  const attributes = new Map(
    [layout, ...layout.indexes]
      .flatMap(({ partitionKey, sortKey }) => [partitionKey, ...(sortKey ? [sortKey] : [])])
      .map(({ name: attribute, type }) => [attribute, type]),
  );
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: schema(layout),
      AttributeDefinitions: [...attributes].map(([AttributeName, AttributeType]) => ({
        AttributeName,
        AttributeType,
      })),
      ...(layout.indexes.length > 0 && {
        GlobalSecondaryIndexes: layout.indexes.map((index) => ({
          IndexName: index.name,
          KeySchema: schema(index),
          Projection: { ProjectionType: index.projection },
        })),
      }),
    }),
  );
  const waiting = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };
  await waitUntilTableExists(waiting, { TableName: name });
  return name;
}

export async function deleteTable(client: DynamoDBClient, name: string): Promise<void> {
  await client.send(new DeleteTableCommand({ TableName: name }));
}

export interface S3 {
  readonly client: S3Client;
  /** Whether it runs in this process, and so by this process's clock. */
  readonly ours: boolean;
  /** @returns the name of an empty bucket; one at a time */
  createBucket(): Promise<string>;
  deleteBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

export function startS3(): Promise<S3> {
  const endpoint = process.env["S3_ENDPOINT"];
  return endpoint === undefined ? startS3rver() : Promise.resolve(otherS3(endpoint));
}

/**
 * s3rver takes whoever shows no signature for somebody who may read; a private bucket does not. It
 * misreads the signature of a request for a bucket as such, so buckets are made beside its API.
 */
async function startS3rver(): Promise<S3> {
  const name = "rootward";
  const directory = mkdtempSync(join(tmpdir(), "rootward-s3-"));
  const options = { directory, silent: true, vhostBuckets: false };
  const s3 = new S3rver({ ...options, configureBuckets: [{ name }] });
  const answer = s3.callback();
  const { endpoint, stop } = await listen((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://127.0.0.1");
    const { authorization } = request.headers;
    if (authorization !== undefined || searchParams.has("X-Amz-Algorithm")) {
      answer(request, response);
    } else {
      request.resume();
      response.writeHead(403).end();
    }
  });
  const client = new S3Client({ ...emulated(endpoint), forcePathStyle: true });
  const clear = (): void => rmSync(directory, { recursive: true, force: true });
  return {
    client,
    ours: true,
    async createBucket() {
      await s3.configureBuckets();
      return name;
    },
    async deleteBucket() {
      clear();
    },
    async stop() {
      client.destroy();
      await stop();
      clear();
    },
  };
}

function otherS3(endpoint: string): S3 {
  const client = new S3Client({ ...emulated(endpoint, false), forcePathStyle: true });
  return {
    client,
    ours: false,
    async createBucket() {
      const name = `rootward-${randomUUID()}`;
      await client.send(new CreateBucketCommand({ Bucket: name }));
      return name;
    },
    async deleteBucket(Bucket) {
      const { Contents: objects = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      for (const { Key } of objects) await client.send(new DeleteObjectCommand({ Bucket, Key }));
      await client.send(new DeleteBucketCommand({ Bucket }));
    },
    async stop() {
      client.destroy();
    },
  };
}

export interface Kms {
  readonly client: KMSClient;
  stop(): Promise<void>;
}

export async function startKmsClient(): Promise<Kms> {
  let double: FakeKms | undefined;
  const { endpoint, ours, stop } = await orOurs("KMS_ENDPOINT", async () => {
    double = await startKms();
    return double;
  });
  const client = new KMSClient(emulated(endpoint, ours));
  return { client, stop };
}

export interface Ses extends FakeSes {
  readonly client: SESv2Client;
}

export async function startSesClient(): Promise<Ses> {
  const double = await startSes();
  return { ...double, client: new SESv2Client(emulated(double.endpoint)) };
}

export interface Events extends FakeEvents {
  readonly client: EventBridgeClient;
}

export async function startEventsClient(): Promise<Events> {
  const double = await startEvents();
  return { ...double, client: new EventBridgeClient(emulated(double.endpoint)) };
}

/** People are told by SES, and programs by EventBridge. */
export function notifierOn(ses: Ses, events: Events): Notifier {
  const sender = { from: "rootward@example.com", configurationSet: "rootward" };
  const bus = new EventBus({ client: events.client, source: "rootward.tuf.example.com" });
  return Object.assign(new SesNotifier({ ses: ses.client, ...sender }), {
    announce: (announcement: Announcement) => bus.announce(announcement),
  });
}
