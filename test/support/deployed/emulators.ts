/** What the templates' tables, buckets and keys are made of on loopback, from their own properties. */
import type { RequestListener } from "node:http";
import { join } from "node:path";
import S3rver from "@20minutes/s3rver";
import {
  CreateTableCommand,
  DescribeTableCommand,
  ListTablesCommand,
  PutItemCommand,
  ScanCommand,
  type AttributeValue,
  type CreateTableCommandInput,
} from "@aws-sdk/client-dynamodb";
import { CreateKeyCommand, KMSClient } from "@aws-sdk/client-kms";
import type { Synthesised } from "../../infra/synth.ts";
import { emulated, startOwnDynamo, type Dynamo } from "../aws.ts";
import { listen, type Loopback } from "../loopback.ts";
import type { Cloud, Properties } from "./cloud.ts";
import type { Index } from "./guard.ts";

/** @returns ARNs of the templates' keys, by their logical ids */
export async function makeKeys(
  { stateful }: Synthesised,
  kms: string,
): Promise<ReadonlyMap<string, string>> {
  const client = new KMSClient(emulated(kms));
  const keys = new Map<string, string>();
  for (const { id } of stateful.of("AWS::KMS::Key")) {
    const kind = { KeySpec: "SYMMETRIC_DEFAULT", KeyUsage: "ENCRYPT_DECRYPT" } as const;
    const { KeyMetadata } = await client.send(new CreateKeyCommand(kind));
    keys.set(id, KeyMetadata?.Arn ?? "");
  }
  client.destroy();
  return keys;
}

const OF_A_TABLE = ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "BillingMode"];

export async function startTables(cloud: Cloud): Promise<Dynamo> {
  const dynamo = await startOwnDynamo();
  for (const { ref, properties } of cloud.of("AWS::DynamoDB::Table")) {
    const own = Object.entries(properties).filter(([key]) => OF_A_TABLE.includes(key));
    const input = { ...Object.fromEntries(own), TableName: ref };
    await dynamo.client.send(new CreateTableCommand(input as CreateTableCommandInput));
  }
  return dynamo;
}

/** What a table is laid out like, whoever made it. */
export interface Layout {
  readonly partitionKey: string;
  readonly indexes: readonly Index[];
}

/** By name. */
export async function tablesIn({ client }: Dynamo): Promise<ReadonlyMap<string, Layout>> {
  const { TableNames: names = [] } = await client.send(new ListTablesCommand({}));
  const tables = names.map(async (TableName) => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    const key = Table?.KeySchema?.find(({ KeyType }) => KeyType === "HASH");
    const indexes = (Table?.GlobalSecondaryIndexes ?? []).map((index) => ({
      keys: (index.KeySchema ?? []).map(({ AttributeName = "" }) => AttributeName),
      whole: index.Projection?.ProjectionType === "ALL",
    }));
    return [TableName, { partitionKey: key?.AttributeName ?? "", indexes }] as const;
  });
  return new Map(await Promise.all(tables));
}

/** All that is in a table, as a backup has it. */
export async function itemsOf({ client }: Dynamo, TableName: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  let next: Record<string, AttributeValue> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({ TableName, ...(next && { ExclusiveStartKey: next }) }),
    );
    items.push(...(page.Items ?? []));
    next = page.LastEvaluatedKey;
  } while (next !== undefined);
  return items;
}

/** A new table that is laid out as another one, with these items: what a restore of DynamoDB makes. */
export async function restoreTable(
  { client }: Dynamo,
  { like, name }: { readonly like: string; readonly name: string },
  items: readonly Item[],
): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: like }));
  const indexes = Table?.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) => {
    return { IndexName, KeySchema, Projection };
  });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      KeySchema: Table?.KeySchema,
      AttributeDefinitions: Table?.AttributeDefinitions,
      BillingMode: "PAY_PER_REQUEST",
      ...(indexes && { GlobalSecondaryIndexes: indexes }),
    }),
  );
  for (const item of items) {
    await client.send(new PutItemCommand({ TableName: name, Item: item }));
  }
}

type Item = Record<string, AttributeValue>;

/**
 * What our keys in S3 begin with. s3rver reckons the signature of a request to `BUCKET.s3...` with the
 * bucket in its path, which AWS does not. So each bucket is a server of its own, and to that the first
 * part of a key is the bucket: then path and signature are as they were sent.
 */
const FOLDERS = ["archives", "documents"];

export async function startBuckets(cloud: Cloud, directory: string): Promise<Loopback> {
  const buckets = new Map<string, RequestListener>();
  for (const { ref, properties } of cloud.of("AWS::S3::Bucket")) {
    const cors = properties["CorsConfiguration"] as Cors | undefined;
    const configs = cors === undefined ? [] : [corsXml(cors)];
    const s3 = new S3rver({
      directory: join(directory, ref),
      silent: true,
      serviceEndpoint: "none.invalid",
      vhostBuckets: false,
      configureBuckets: FOLDERS.map((name) => ({ name, configs })),
    });
    await s3.configureBuckets();
    buckets.set(ref, s3.callback());
  }
  return listen((request, response) => {
    const [bucket = ""] = String(request.headers.host).split(".");
    const answer = buckets.get(bucket);
    if (answer === undefined) response.writeHead(404).end();
    else answer(request, response);
  });
}

/** @returns the ARN of the key that encrypts a bucket, where it is not S3's own */
export function bucketKeys(cloud: Cloud): ReadonlyMap<string, string> {
  return new Map(
    cloud.of("AWS::S3::Bucket").flatMap(({ ref, properties }): [string, string][] => {
      const key = encryptionOf(properties);
      return key === undefined ? [] : [[ref, key]];
    }),
  );
}

function encryptionOf({ BucketEncryption }: Properties): string | undefined {
  const { ServerSideEncryptionConfiguration: rules } = BucketEncryption as {
    readonly ServerSideEncryptionConfiguration: readonly {
      readonly ServerSideEncryptionByDefault: { readonly KMSMasterKeyID?: string };
    }[];
  };
  return rules[0]?.ServerSideEncryptionByDefault.KMSMasterKeyID;
}

interface Cors {
  readonly CorsRules: readonly {
    readonly AllowedOrigins: readonly string[];
    readonly AllowedMethods: readonly string[];
    readonly AllowedHeaders?: readonly string[];
    readonly MaxAge?: number;
  }[];
}

function corsXml({ CorsRules: rules }: Cors): string {
  const tags = (name: string, values: readonly unknown[] = []): string =>
    values.map((value) => `<${name}>${String(value)}</${name}>`).join("");
  const inside = rules.map(
    ({ AllowedOrigins, AllowedMethods, AllowedHeaders, MaxAge }) =>
      tags("AllowedOrigin", AllowedOrigins) +
      tags("AllowedMethod", AllowedMethods) +
      tags("AllowedHeader", AllowedHeaders) +
      tags("MaxAgeSeconds", MaxAge === undefined ? [] : [MaxAge]),
  );
  return `<CORSConfiguration>${tags("CORSRule", inside)}</CORSConfiguration>`;
}
